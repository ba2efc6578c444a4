"""OpenAI's chat completions as a stream (https://platform.openai.com/docs/api-reference/chat-streaming)."""

from collections.abc import Mapping
from typing import Any, ClassVar


class ChatStream:
    """Chunks of the first choice."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._about: dict[str, Any] = {}
        self._texts = list[str]()
        self._calls: dict[int, dict[str, Any]] = {}
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
            self._add_call(call.get("index", n), call)
        text = delta.get("content")
        if not isinstance(text, str):
            return ""
        self._texts.append(text)
        return text

    def _add_call(self, index: int, call: Mapping[str, Any]) -> None:
        """A call's id and name come once, its arguments in parts."""
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        kept, function = self._calls.setdefault(index, empty), call.get("function") or {}
        kept["id"] = call.get("id") or kept["id"]
        kept["function"]["name"] = function.get("name") or kept["function"]["name"]
        kept["function"]["arguments"] += function.get("arguments") or ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        if self._finished is None:
            return None
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        return self._about | {"choices": [{"index": 0, "message": message, "finish_reason": self._finished}]}
