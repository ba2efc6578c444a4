"""The filters of holes: functions of a value, and of arguments. UNDEFINED stays UNDEFINED unless a filter says otherwise."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import takewhile
from math import isnan
from typing import Any, Final
from urllib.parse import quote, unquote

from runtime.contract import NodeError
from runtime.values.dates import parse_date
from runtime.values.javascript import js_number, js_string, json_stringify, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

__all__ = ["FILTERS", "INSTANT", "camel_case", "is_empty", "leading_integer", "segment", "snake_case"]

INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
"""A date with time and zone."""
_SEGMENT: Final = "!$&'()*+,;=:@-._~%"
"""What stays in a segment of a path (RFC 3986, 3.3): an escape that is there stays one, as in n8n, which encodes none."""
_NOT_IN_ADDRESSES: Final = re.compile("[\t\n\r]")
"""What is left out of an address (WHATWG URL, 4.4)."""
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_empty(value: Any) -> bool:
    """Return whether a value is undefined, null, or an empty text, list or object."""
    return value is UNDEFINED or value is None or value in ("", [], {})


def snake_case(name: str) -> str:
    """Return `someName` as `some_name`."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def camel_case(name: str) -> str:
    """Return `some_name` as `someName`."""
    first, *rest = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in rest)


def segment(value: Any) -> str:
    """Return a value as one segment of a path, percent-encoded. Raise NodeError for `.` and `..`, which lead elsewhere."""
    text = _NOT_IN_ADDRESSES.sub("", js_string(value))
    if unquote(text) in (".", ".."):
        raise NodeError(f"{text!r} cannot be part of an address", description="It would lead to another resource.")
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_SEGMENT)


def _identifier(value: Any) -> Any:
    """Return a value that is to be part of an address. Raise NodeError where there is none."""
    if value is UNDEFINED or value is None or value == "":
        reason = '"" is not allowed' if value == "" else "a value is required"
        raise NodeError(f"Invalid identifier: {reason}")
    return value


def _number(value: Any) -> Any:
    number = js_number(value)
    return int(number) if number == number // 1 else number


def leading_integer(value: Any) -> int | None:
    """Return the integer that a text begins with, as JavaScript's `parseInt` reads it; null, as in JSON, where there is none."""
    text = js_string(value).strip()
    sign = -1 if text[:1] == "-" else 1
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    digits = "".join(takewhile("0123456789".__contains__, unsigned[:400]))
    return sign * int(digits) if digits else None


def _path(value: Any) -> str:
    return "/".join(segment(each) for each in js_string(value).split("/"))


def _locator(value: Any) -> Any:
    """The value of a resource locator; the pattern of its mode `url` is the descriptor's (`patterns`)."""
    return value.get("value", UNDEFINED) if isinstance(value, Mapping) and "value" in value else value


def _split(value: Any, separator: str = ",") -> Any:
    if isinstance(value, list):
        return value
    return [each for part in js_string(value).split(separator) if (each := part.strip())]


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except NotJsonError as error:
        raise NodeError(error.message) from error


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC)
    instant = parse_date(js_string(value))
    if instant is None:
        raise NodeError(f"{js_string(value)!r} is not a date")
    return datetime.fromtimestamp(instant.ms / 1000, UTC)


def _epoch(value: Any, milliseconds: int) -> Any:
    """Return a date as a number: NaN where it is none, as in JavaScript."""
    if isinstance(value, int | float):
        made = int(value) / milliseconds  # a date has whole milliseconds
    else:
        instant = parse_date(js_string(value))
        made = instant.ms / milliseconds if instant is not None else float("nan")
    return int(made) if made == made // 1 else made


def _iso(value: Any) -> str:
    return _moment(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _date(value: Any) -> str:
    """Return the day of a date, as moment writes it: `Invalid date` for what is none."""
    known = isinstance(value, int | float) or parse_date(js_string(value)) is not None
    return _iso(value)[:10] if known else "Invalid date"


def _instant(value: Any) -> str:
    """Return an instant as it is written; a date without time or zone as ISO."""
    text = js_string(value)
    return text if INSTANT.fullmatch(text) else _iso(value)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if is_empty(value) else [value]


def _limit(value: Any, count: Any) -> Any:
    """Return `value.slice(0, count)` of a list: all of it without a count."""
    if not isinstance(value, list) or count is UNDEFINED:
        return value
    number = js_number(count)
    return value[: 0 if isnan(number) else len(value) if number > len(value) else int(number)]


def _get(value: Any, key: Any) -> Any:
    return value.get(js_string(key), UNDEFINED) if isinstance(value, Mapping) else UNDEFINED


def _pluck(value: Any, key: str) -> list[Any]:
    return [each[key] for each in _items(value) if isinstance(each, Mapping) and key in each]


_DEFINED: Final[Mapping[str, Callable[..., Any]]] = {
    "locator": _locator,
    "str": js_string,
    "json": _json,
    "text": lambda value: value if isinstance(value, str) else json_stringify(value),
    "dump": json_stringify,
    "split": _split,
    "join": lambda value, separator=",": separator.join(map(js_string, _items(value))),
    "first": lambda value: value[0] if isinstance(value, list | str) and value else UNDEFINED,
    "last": lambda value: value[-1] if isinstance(value, list | str) and value else UNDEFINED,
    "limit": _limit,
    "values": lambda value: list(value.values()) if isinstance(value, Mapping) else [],
    "get": _get,
    "pluck": _pluck,
    "covers": lambda value, wanted: set(map(js_string, _items(value))) >= set(map(js_string, _items(wanted))),
    "has": lambda value, other: isinstance(value, list | str | Mapping) and other in value,
    "upper": lambda value: js_string(value).upper(),
    "snake": lambda value: snake_case(js_string(value)),
    "epoch_ms": lambda value: _epoch(value, 1),
    "epoch_s": lambda value: _epoch(value, 1000),
    "iso": _iso,
    "instant": _instant,
    "date": _date,
    "quote": lambda value: quote(js_string(value), safe="!'()*-._~"),
    "num": _number,
    "int": leading_integer,
    "path": _path,
    "before": lambda value, mark: js_string(value).partition(mark)[0],
    "after": lambda value, mark: js_string(value).rpartition(mark)[2],
    "replace": lambda value, old, new="": js_string(value).replace(old, new),
}


def _lower(value: Any) -> str:
    """Return a text in small letters. Raise NodeError for what is no text, in JavaScript's own words."""
    if isinstance(value, str):
        return value.lower()
    if value is UNDEFINED or value is None:
        name = "undefined" if value is UNDEFINED else "null"
        raise NodeError(f"Cannot read properties of {name} (reading 'toLowerCase')")
    raise NodeError("this.getNodeParameter(...).toLowerCase is not a function")


_ANY: Final[Mapping[str, Callable[..., Any]]] = {
    "identifier": _identifier,
    "lower": _lower,
    "list": _items,
    "nonempty": lambda value: UNDEFINED if is_empty(value) else value,
    "truthy": lambda value: value if truthy(value) else UNDEFINED,
    "not": lambda value: not truthy(value),
    "boolean": truthy,
    "is": lambda value, other: isinstance(value, bool) == isinstance(other, bool) and value == other,
    "segment": lambda value: value if value is UNDEFINED else segment(value),  # of null it is a text, as in JavaScript
    "defined": lambda value: value is not UNDEFINED and value is not None,
}


def _unless_undefined(work: Callable[..., Any]) -> Callable[..., Any]:
    def filtered(value: Any, *arguments: Any) -> Any:
        return UNDEFINED if value is UNDEFINED or value is None else work(value, *arguments)

    return filtered


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    name: _unless_undefined(work) for name, work in _DEFINED.items()
} | dict(_ANY)
"""Name -> function. `map(table)` is a filter too, which `template` does itself."""
