"""Answers of models that come piece by piece: server-sent events (HTML Living Standard, 9.2) or JSON lines, put together again."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final, Protocol

import orjson

__all__ = ["AnswerStream", "EventReader", "Hear"]

Hear = Callable[[str], None]
"""Gets the text of an answer as the model says it."""
_DATA: Final = b"data:"


class AnswerStream(Protocol):
    """The events of one answer in a vendor's dialect."""

    json_lines: ClassVar[bool]
    """Each line is an event; otherwise events are server-sent ones."""

    def add(self, event: Mapping[str, Any]) -> str:
        """Take an event, and return the text that it adds to the answer."""

    def whole(self) -> dict[str, Any] | None:
        """Return the answer in the form that it has without a stream; None: it broke off before its end."""


class EventReader:
    """Cuts bytes, as they come, into events. What is no JSON object is passed over: comments, names of events, `[DONE]`."""

    def __init__(self, *, json_lines: bool) -> None:
        self._prefix, self._rest = b"" if json_lines else _DATA, bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that these bytes complete."""
        self._rest += data
        if b"\n" not in data:  # else a long line would be searched again with each piece of it
            return
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            yield from self._event(line)

    def end(self) -> Iterator[dict[str, Any]]:
        """Yield the event of a last line without an end."""
        line, self._rest = bytes(self._rest), bytearray()
        yield from self._event(line)

    def _event(self, line: bytes | bytearray) -> Iterator[dict[str, Any]]:
        if not line.startswith(self._prefix):
            return
        try:
            value = orjson.loads(line[len(self._prefix) :])
        except orjson.JSONDecodeError:
            return
        if isinstance(value, dict):
            yield value
