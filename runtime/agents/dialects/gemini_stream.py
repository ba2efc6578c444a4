"""Google's Gemini API as a stream: `:streamGenerateContent?alt=sse` (https://ai.google.dev/api/generate-content)."""

from collections.abc import Mapping
from typing import Any, ClassVar


class ContentStream:
    """Each event is a response with the next parts of the first candidate."""

    json_lines: ClassVar[bool] = False

    def __init__(self) -> None:
        self._about: dict[str, Any] = {}
        self._parts = list[dict[str, Any]]()
        self._text = list[str]()
        """Pieces of the text behind these parts. They are one part, as in an answer that comes whole."""
        self._finished: str | None = None

    def add(self, event: Mapping[str, Any]) -> str:
        """See `AnswerStream`."""
        self._about |= {key: event[key] for key in ("modelVersion", "usageMetadata", "promptFeedback") if key in event}
        candidate: Mapping[str, Any] = next(iter(event.get("candidates") or ()), {})
        self._finished = candidate.get("finishReason") or self._finished
        parts = (candidate.get("content") or {}).get("parts") or []
        for part in parts:
            self._add(part)
        return "".join(str(each.get("text", "")) for each in parts if not each.get("thought"))

    def _add(self, part: Mapping[str, Any]) -> None:
        if part.keys() == {"text"}:
            self._text.append(str(part["text"]))
        else:
            self._end_text()
            self._parts.append(dict(part))

    def _end_text(self) -> None:
        if self._text:
            self._parts.append({"text": "".join(self._text)})
            self._text.clear()

    def whole(self) -> dict[str, Any] | None:
        """See `AnswerStream`. A prompt that is refused has no candidate."""
        if self._finished is None and "promptFeedback" not in self._about:
            return None
        self._end_text()
        content = {"role": "model", "parts": self._parts}
        return self._about | {"candidates": [{"content": content, "finishReason": self._finished}]}
