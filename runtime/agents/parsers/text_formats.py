"""`format` of a JSON Schema: whether a text is a date, an address and so on, as n8n's conversion of schemas checks it."""

import ipaddress
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from runtime.values.patterns import compile_pattern

__all__ = ["FORMATS"]

_TIME: Final = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
_EMAIL: Final = r"^[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$"
_DURATION: Final = r"^P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$"


def _fits(pattern: str) -> Callable[[str], bool]:
    return lambda text: compile_pattern(pattern).test(text)


def _date(text: str) -> bool:
    return len(text) == len("2024-01-31") and _parses(date.fromisoformat, text)


def _date_time(text: str) -> bool:
    """A time zone is required."""
    return "T" in text and _date(text.partition("T")[0]) and _fits(rf"T{_TIME}(Z|[+-]\d\d:?\d\d)$")(text)


def _uri(text: str) -> bool:
    return _parses(urlsplit, text) and bool(urlsplit(text).scheme)


def _email(text: str) -> bool:
    return not text.startswith(".") and ".." not in text and _fits(_EMAIL)(text)


def _uuid(text: str) -> bool:
    return len(text) == len("123e4567-e89b-12d3-a456-426614174000") and _parses(UUID, text)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "date": _date,
    "date-time": _date_time,
    "time": _fits(f"^{_TIME}$"),
    "email": _email,
    "uri": _uri,
    "uuid": _uuid,
    "ipv4": lambda text: _parses(ipaddress.IPv4Address, text),
    "ipv6": lambda text: _parses(ipaddress.IPv6Address, text),
    "duration": _fits(_DURATION),
}
"""Formats that are checked; any other constrains nothing."""
