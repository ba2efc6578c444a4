"""OpenAI's Responses API as a stream (https://platform.openai.com/docs/api-reference/responses-streaming)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

LAST: Final = frozenset({"response.completed", "response.incomplete"})


class ResponseStream:
    """The last event holds the whole response."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._response: dict[str, Any] | None = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        if event.get("type") in LAST:
            self._response = event.get("response")
        return str(event.get("delta") or "") if event.get("type") == "response.output_text.delta" else ""

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`."""
        return self._response
