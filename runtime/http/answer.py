"""Responses: content types, character sets, file names, and JSON as axios reads it."""

import contextlib
import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from runtime.values.charsets import decode_as
from runtime.values.javascript import tidy
from schemas.item import UNDEFINED

BINARY_TYPES: Final = (
    "image/", "audio/", "video/", "application/octet-stream", "application/gzip", "application/zip",
    "application/vnd.rar", "application/epub+zip", "application/x-bzip", "application/x-bzip2", "application/x-cdf",
    "application/vnd.amazon.ebook", "application/msword", "application/vnd.ms-excel", "application/vnd.openxmlformats-",
    "application/vnd.oasis.opendocument", "application/x-tar", "application/x-7z-compressed", "application/pdf",
    "application/vnd.ms-powerpoint", "application/vnd.ms-fontobject", "application/x-cpio",
)  # fmt: skip
_FIRST_COUNTS: Final = frozenset({
    "age", "authorization", "content-length", "content-type", "etag", "expires", "from", "host", "if-modified-since",
    "if-unmodified-since", "last-modified", "location", "max-forwards", "proxy-authorization", "referer", "retry-after",
    "server", "user-agent",
})  # fmt: skip
"""Headers of which Node drops all but the first."""
_CHARSET: Final = re.compile(r"charset=[\"']?([^\"';\s]{1,64})", re.IGNORECASE)

_BETWEEN: Final = {"cookie": "; "}


def content_type(headers: Iterable[tuple[str, str]]) -> tuple[str, str | None]:
    """Return the media type as it was sent ('' if none) and the charset in lower case. n8n compares media types letter
    by letter.
    """
    text = next((value for name, value in headers if name.lower() == "content-type"), "")
    media, _, rest = text.partition(";")
    charset = _CHARSET.search(rest)
    return media.strip(), charset[1].lower() if charset else None


def header_object(headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return headers as Node shows them: names in lower case, `set-cookie` a list, of some the first, others joined.

    Source: https://nodejs.org/api/http.html#messageheaders.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return {
        key: each if key == "set-cookie" else each[0] if key in _FIRST_COUNTS else _BETWEEN.get(key, ", ").join(each)
        for key, each in values.items()
    }


def decode(body: bytes, charset: str | None) -> str:
    """Return the text of bytes in a charset (UTF-8 if unknown), malformed bytes replaced, byte order mark removed."""
    return decode_as(body, charset).removeprefix("\ufeff")


def parse_json(text: str) -> Any:
    """Parse JSON as JavaScript does: no NaN, integers beyond 2^53 rounded. Raise ValueError."""
    return json.loads(text, parse_int=_number, parse_float=lambda digits: tidy(_float(digits)), parse_constant=_refuse)


def _number(digits: str) -> float:
    return tidy(_float(digits))


def _float(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else math.copysign(math.inf, value)


def _refuse(name: str) -> Any:
    raise ValueError(f"Unexpected token {name}")


def axios_data(body: bytes, charset: str | None = None) -> Any:
    """Return what axios makes of a body whatever its content type: the JSON value, else the text; undefined if empty."""
    text = decode(body, charset)
    if not text:
        return UNDEFINED
    try:
        return parse_json(text)
    except ValueError:
        return text


def is_binary_type(media: str) -> bool:
    """Return whether n8n's autodetection makes a file of this media type."""
    return media.startswith(BINARY_TYPES)


def file_name(headers: Iterable[tuple[str, str]], url: str, *, with_query: bool = False) -> str | None:
    """Return the name in `Content-Disposition`, else the last segment of the URL's path, `with_query` of path and query; None
    if that is empty.

    As in n8n parameters end at any semicolon, `filename*` is UTF-8, and both forms are percent-decoded.
    """
    disposition = next((value for name, value in headers if name.lower() == "content-disposition"), "")
    parameters = {name.strip().lower(): value.strip() for name, _, value in map(_partition, disposition.split(";"))}
    extended = _EXTENDED.match(_unquoted(parameters.get("filename*", "")))
    if extended:
        return _last_segment(extended[1])
    if "filename" in parameters:
        return _last_segment(_unquoted(parameters["filename"]))
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if with_query and parts.query else parts.path
    return path.rstrip("/").rsplit("/", 1)[-1] or None


_EXTENDED: Final = re.compile(r"[\w-]*'[^']*'(.+)", re.DOTALL)


def _partition(parameter: str) -> tuple[str, str, str]:
    return parameter.partition("=")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _last_segment(text: str) -> str | None:
    with contextlib.suppress(UnicodeDecodeError):
        text = unquote(text, errors="strict")
    return text.rstrip("/").rsplit("/", 1)[-1] or None
