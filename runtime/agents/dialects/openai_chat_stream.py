"""OpenAI's chat completions as a stream (https://platform.openai.com/docs/api-reference/chat-streaming)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents.dialects.pieces import Calls


class ChatStream:
    """Chunks of the first choice."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._about: dict[str, Any] = {}
        self._texts = list[str]()
        self._calls = Calls()
        self._finished: str | None = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        self._about |= {key: event[key] for key in ("model", "usage") if event.get(key)}
        choice = next((each for each in event.get("choices") or () if not each.get("index")), None)
        if choice is None:
            return ""
        self._finished = choice.get("finish_reason") or self._finished
        delta = choice.get("delta") or {}
        for n, call in enumerate(delta.get("tool_calls") or ()):
            self._calls.add(call.get("index", n), call)
        text = delta.get("content")
        if not isinstance(text, str):
            return ""
        self._texts.append(text)
        return text

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if self._finished is None:
            return None
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        if calls := self._calls.whole():
            message["tool_calls"] = calls
        return self._about | {"choices": [{"index": 0, "message": message, "finish_reason": self._finished}]}
