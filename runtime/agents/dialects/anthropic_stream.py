"""Anthropic's Messages API as a stream (https://docs.anthropic.com/en/docs/build-with-claude/streaming)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from runtime.agents.dialects.pieces import Pieces, arguments_of

PARTS: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Kind of a delta -> the field of a block, and of the delta, that grows by it."""
INPUT: Final = "input"
"""The field of a block that is a call with its arguments, whose JSON comes in pieces."""


class MessageStream:
    """Blocks that grow by deltas."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces = Pieces()
        """By index of the block and its field."""
        self._stopped = False

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        match event.get("type"):
            case "message_start":
                self._message = dict(event["message"])
            case "content_block_start":
                self._blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                return self._grow(event["index"], event["delta"])
            case "message_delta":
                self._message |= event.get("delta") or {}
                self._message["usage"] = {**(self._message.get("usage") or {}), **(event.get("usage") or {})}
            case "message_stop":
                self._stopped = True
        return ""

    def _grow(self, index: int, delta: Mapping[str, Any]) -> str:
        if delta["type"] == "input_json_delta":
            self._pieces.add((index, INPUT), delta["partial_json"])
        elif (part := PARTS.get(delta["type"])) is not None:
            self._pieces.add((index, part), delta[part])
        return str(delta["text"]) if delta["type"] == "text_delta" else ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if not self._stopped:
            return None
        blocks = {index: dict(block) for index, block in self._blocks.items()}
        for (index, part), text in self._pieces.texts().items():
            blocks[index][part] = arguments_of(text) if part == INPUT else blocks[index].get(part, "") + text
        return self._message | {"content": [blocks[index] for index in sorted(blocks)]}
