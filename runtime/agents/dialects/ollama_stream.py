"""Ollama's chat API as a stream of JSON lines (its docs/api.md)."""

from collections.abc import Mapping
from typing import Any, ClassVar


class LineStream:
    """Each line is a message with the next words; the last one has the counts."""

    json_lines: ClassVar[bool] = True

    def __init__(self) -> None:
        self._texts = list[str]()
        self._calls = list[dict[str, Any]]()
        self._last: dict[str, Any] | None = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        message = event.get("message") or {}
        self._calls += message.get("tool_calls") or []
        if event.get("done"):
            self._last = dict(event)
        text = str(message.get("content") or "")
        self._texts.append(text)
        return text

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if self._last is None:
            return None
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        return self._last | {"message": message | ({"tool_calls": self._calls} if self._calls else {})}
