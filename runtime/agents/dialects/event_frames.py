"""Amazon's event streams: binary frames with headers and a JSON body
(https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html, "Event Stream Encoding").
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

import orjson

__all__ = ["FrameReader", "FramedStream"]

PRELUDE: Final = 12
"""Bytes before the headers: the length of the frame and of its headers, and their checksum."""
CHECKSUM: Final = 4
LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a frame, as the format allows."""
TEXT: Final = 7
"""The type of a header whose value is text; the API has no others."""


class FramedStream:
    """An answer that comes in frames. Each is the event `{its type: its body}`; an error of the service is `{error: ...}`."""


class FrameReader:
    """Cuts bytes, as they come, into events."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that these bytes complete. Raise ValueError for bytes that are none of the format."""
        self._rest += data
        at = 0
        while len(self._rest) - at >= PRELUDE:
            length, headers, checksum = struct.unpack_from(">III", self._rest, at)
            prelude = self._rest[at : at + PRELUDE - CHECKSUM]
            if checksum != zlib.crc32(prelude) or not PRELUDE + CHECKSUM <= length <= LONGEST:
                raise ValueError("the bytes are no frame of an event stream")
            if len(self._rest) - at < length:
                break
            frame = bytes(self._rest[at : at + length])
            at += length
            if int.from_bytes(frame[-CHECKSUM:], "big") != zlib.crc32(frame[:-CHECKSUM]):
                raise ValueError("a frame of the event stream is damaged")
            yield _event(frame[PRELUDE : PRELUDE + headers], frame[PRELUDE + headers : -CHECKSUM])
        del self._rest[:at]

    def end(self) -> Iterator[dict[str, Any]]:
        """Yield nothing: a frame without its end is none."""
        yield from ()


def _event(headers: bytes, body: bytes) -> dict[str, Any]:
    names = dict(_headers(headers))
    value = orjson.loads(body or b"{}")
    if names.get(":message-type", "event") == "event":
        return {names.get(":event-type", ""): value}
    reason = names.get(":exception-type") or names.get(":error-code") or "error"
    message = value.get("message") if isinstance(value, dict) else None
    return {"error": {"type": reason, "message": message or names.get(":error-message") or reason}}


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and text of each header. Raise ValueError for one of another type."""
    place = 0
    while place < len(data):
        name = data[place + 1 : place + 1 + data[place]]
        place += 1 + len(name)
        if len(data) < place + 3 or data[place] != TEXT:
            raise ValueError("a header of the event stream is no text")
        (length,) = struct.unpack_from(">H", data, place + 1)
        yield name.decode(), data[place + 3 : place + 3 + length].decode()
        place += 3 + length
