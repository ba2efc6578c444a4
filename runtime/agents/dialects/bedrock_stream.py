"""Bedrock's ConverseStream (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from runtime.agents.dialects.event_frames import FramedStream
from runtime.agents.dialects.pieces import Pieces, arguments_of

TEXT: Final = "text"
INPUT: Final = "input"
THOUGHTS: Final = frozenset({"text", "signature", "redactedContent"})
"""Members of a reasoning delta."""


class ConverseStream(FramedStream):
    """Blocks by their index: texts, calls of tools, reasoning with its signature."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        """What is known of a block before its texts: of a call, its id and name."""
        self._pieces = Pieces()
        """By index of the block and the field; of reasoning, with the member."""
        self._stop: Any = None
        self._usage: Any = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        if (start := event.get("contentBlockStart")) is not None:
            self._blocks[_index(start)] = {"toolUse": {**start["start"]["toolUse"], "input": {}}}
        elif (piece := event.get("contentBlockDelta")) is not None:
            return self._add(_index(piece), piece["delta"])
        elif (stop := event.get("messageStop")) is not None:
            self._stop = stop["stopReason"]
        elif (metadata := event.get("metadata")) is not None:
            self._usage = metadata.get("usage")
        return ""

    def _add(self, index: int, delta: Mapping[str, Any]) -> str:
        self._blocks.setdefault(index, {})
        if TEXT in delta:
            self._pieces.add((index, TEXT), delta["text"])
            return str(delta["text"])
        if "toolUse" in delta:
            self._pieces.add((index, INPUT), delta["toolUse"].get("input") or "")
        thought = delta.get("reasoningContent") or {}
        for name in thought.keys() & THOUGHTS:
            self._pieces.add((index, "reasoningContent", name), thought[name])
        return ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if self._stop is None:
            return None
        blocks = {index: dict(block) for index, block in self._blocks.items()}
        for (index, *field), text in self._pieces.texts().items():
            _put(blocks[index], field, text)
        message = {"role": "assistant", "content": [blocks[index] for index in sorted(blocks)]}
        return {"output": {"message": message}, "stopReason": self._stop, "usage": self._usage}


def _index(event: Mapping[str, Any]) -> int:
    return int(event.get("contentBlockIndex") or 0)


def _put(block: dict[str, Any], field: list[str], text: str) -> None:
    """Put a text into its block, in the form that it has without a stream."""
    match field:
        case [name] if name == INPUT:
            block["toolUse"] = {**block["toolUse"], "input": arguments_of(text)}
        case ["reasoningContent", "redactedContent"]:
            block["reasoningContent"] = {"redactedContent": text}
        case ["reasoningContent", name]:
            block.setdefault("reasoningContent", {"reasoningText": {}})["reasoningText"][name] = text
        case [name]:
            block[name] = text
