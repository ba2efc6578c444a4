"""Anthropic's Messages API as a stream (https://docs.anthropic.com/en/docs/build-with-claude/streaming)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import orjson

PARTS: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Kind of a delta -> the field of a block, and of the delta, that grows by it."""


class MessageStream:
    """Blocks that grow by deltas."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
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
            self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]
        elif (part := PARTS.get(delta["type"])) is not None:
            self._blocks[index][part] = self._blocks[index].get(part, "") + delta[part]
        return str(delta["text"]) if delta["type"] == "text_delta" else ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if not self._stopped:
            return None
        for index, text in self._inputs.items():
            self._blocks[index]["input"] = _arguments(text)
        return self._message | {"content": [self._blocks[index] for index in sorted(self._blocks)]}


def _arguments(text: str) -> Any:
    """Return a call's arguments; those that are no JSON object become `input`."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        value = text
    return value if isinstance(value, dict) else {"input": value}
