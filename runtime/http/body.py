"""Request bodies: each kind gives its bytes and the content type that goes with them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.http.query import ArrayFormat, stringify, stringify_loosely
from runtime.values.javascript import js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.streams import LongBytes, concatenate
from schemas.item import UNDEFINED

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data"


@dataclass
class Json:
    """A JSON value. As in axios a string goes out as it is, null as nothing."""

    value: Any

    def encode(self) -> tuple[bytes, str | None]:
        """Return the bytes and their content type. Raise ValueError for a number or a boolean, which axios refuses."""
        if isinstance(self.value, bool | int | float):
            raise ValueError("Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream")
        if self.value is None or self.value is UNDEFINED:
            return b"", FORM
        if isinstance(self.value, str):
            return _utf8(self.value), FORM
        return _utf8(json_stringify(self.value) or ""), JSON


@dataclass
class Form:
    """An urlencoded form."""

    fields: dict[str, Any]
    arrays: ArrayFormat = "indices"

    def encode(self) -> tuple[bytes, str | None]:
        """Return the bytes and their content type."""
        return stringify(self.fields, self.arrays).encode(), FORM


@dataclass
class Part:
    """A part of a multipart form: a field, or a file when it has a file name."""

    name: str
    content: bytes | LongBytes
    filename: str | None = None
    content_type: str | None = None

    def encode(self) -> bytes | LongBytes:
        """Return the part's headers and content."""
        lines = f'Content-Disposition: form-data; name="{_quoted(self.name)}"'
        if self.filename is not None:
            lines += f'; filename="{_quoted(self.filename)}"'
        if self.content_type is not None:
            lines += f"\r\nContent-Type: {self.content_type}"
        return concatenate([_utf8(lines) + b"\r\n\r\n", self.content])


@dataclass
class Multipart:
    """A body of parts: multipart/form-data, or of another multipart type."""

    parts: Sequence[Part] = field(default_factory=list)
    type: str = MULTIPART

    def encode(self) -> tuple[bytes | LongBytes, str | None]:
        """Return the bytes and their content type. The boundary is a hash of the parts: a retry sends the same bytes."""
        parts = [part.encode() for part in self.parts]
        digest_input = b"\0".join(part.name.encode() if isinstance(part, LongBytes) else part for part in parts)
        boundary = "-" * 26 + hashlib.sha256(digest_input).hexdigest()[:24]
        body = [each for part in parts for each in (f"--{boundary}\r\n".encode(), part, b"\r\n")]
        end = f"--{boundary}--\r\n".encode() if body else b""  # Node's form-data ends its last part, and here is none
        return concatenate([*body, end]), f"{self.type}; boundary={boundary}"


@dataclass
class Bytes:
    """A body of bytes or text that goes out unchanged."""

    content: bytes | str | LongBytes
    content_type: str | None = None

    def encode(self) -> tuple[bytes | LongBytes, str | None]:
        """Return the bytes and their content type."""
        return _utf8(self.content) if isinstance(self.content, str) else self.content, self.content_type


Body = Json | Form | Multipart | Bytes


def as_declared(body: Body, content_type: str) -> Body:
    """Return the body that goes out for one under a header that declares `content_type`: a JSON value follows the header,
    letter by letter, as in axios. Raise ValueError for a value that a part of a form cannot be.
    """
    if not isinstance(body, Json):
        return body
    value = body.value
    if not isinstance(value, dict | list):
        return Bytes(_json_text(value)) if JSON in content_type else body
    fields = value if isinstance(value, dict) else {str(i): each for i, each in enumerate(value)}
    if content_type == FORM:
        return Form(fields)
    if MULTIPART in content_type:
        return Multipart([field_part(name, each) for name, each in fields.items()])
    return Bytes(stringify_loosely(value)) if FORM in content_type else body


def _json_text(value: Any) -> str:
    """Return the JSON of a scalar; text that is JSON already stays."""
    if isinstance(value, str):
        try:
            parse_json(value)
        except NotJsonError:
            return json_stringify(value) or ""
        return value.strip()
    return "" if value is UNDEFINED else json_stringify(value) or ""


def field_part(name: str, value: Any) -> Part:
    """Return a plain field of a multipart form. Raise ValueError for what Node's form-data refuses."""
    if isinstance(value, list):
        raise ValueError("Arrays are not supported.")
    if isinstance(value, dict):
        raise ValueError("source.on is not a function")
    if isinstance(value, bool):
        raise ValueError("data should be a string, Buffer or Uint8Array")
    return Part(name, _utf8(js_string(value)))


def _quoted(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
