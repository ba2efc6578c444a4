"""Bedrock's ConverseStream (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html)."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents.dialects.event_frames import FramedStream


class ConverseStream(FramedStream):
    """Blocks by their index: texts, calls of tools, reasoning with its signature."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._stop: Any = None
        self._usage: Any = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        if (start := event.get("contentBlockStart")) is not None:
            self._block(start)["toolUse"] = {**start["start"]["toolUse"], "input": ""}
        elif (piece := event.get("contentBlockDelta")) is not None:
            return self._add(self._block(piece), piece["delta"])
        elif (stop := event.get("messageStop")) is not None:
            self._stop = stop["stopReason"]
        elif (metadata := event.get("metadata")) is not None:
            self._usage = metadata.get("usage")
        return ""

    def _block(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return self._blocks.setdefault(int(event.get("contentBlockIndex") or 0), {})

    @staticmethod
    def _add(block: dict[str, Any], delta: Mapping[str, Any]) -> str:
        if "text" in delta:
            block["text"] = block.get("text", "") + delta["text"]
            return str(delta["text"])
        if "toolUse" in delta:
            block["toolUse"]["input"] += delta["toolUse"].get("input") or ""
        if (thought := delta.get("reasoningContent")) is not None:
            kept = block.setdefault("reasoningContent", {})
            for name in thought.keys() & {"text", "signature", "redactedContent"}:
                kept[name] = kept.get(name, "") + thought[name]
        return ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if self._stop is None:
            return None
        content = [_whole(self._blocks[index]) for index in sorted(self._blocks)]
        message = {"role": "assistant", "content": content}
        return {"output": {"message": message}, "stopReason": self._stop, "usage": self._usage}


def _whole(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block in the form that it has without a stream."""
    if (use := block.get("toolUse")) is not None:
        return {"toolUse": {**use, "input": _arguments(use["input"])}}
    if (thought := block.get("reasoningContent")) is not None:
        return {"reasoningContent": thought if "redactedContent" in thought else {"reasoningText": dict(thought)}}
    return dict(block)


def _arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call; what is no JSON object becomes `input`."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"input": value}
