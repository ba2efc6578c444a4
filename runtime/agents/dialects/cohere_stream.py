"""Cohere's chat API as a stream (https://docs.cohere.com/v2/docs/streaming)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents.dialects.pieces import Calls


class CohereStream:
    """Events of the text, of the plan beside calls, of calls, and of the end."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._texts, self._plan = list[str](), list[str]()
        self._calls = Calls()
        self._end: Mapping[str, Any] | None = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        delta = event.get("delta") or {}
        message = delta.get("message") or {}
        match event.get("type"):
            case "content-delta":
                text = str((message.get("content") or {}).get("text") or "")
                self._texts.append(text)
                return text
            case "tool-plan-delta":
                self._plan.append(str(message.get("tool_plan") or ""))
            case "tool-call-start" | "tool-call-delta":
                self._calls.add(int(event.get("index") or 0), message.get("tool_calls") or {})
            case "message-end":
                self._end = delta
        return ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if self._end is None:
            return None
        content = [{"type": "text", "text": "".join(self._texts)}] if self._texts else []
        message: dict[str, Any] = {"role": "assistant", "content": content, "tool_plan": "".join(self._plan)}
        if calls := self._calls.whole():
            message["tool_calls"] = calls
        return {**{name: self._end.get(name) for name in ("finish_reason", "usage")}, "message": message}
