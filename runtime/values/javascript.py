"""JavaScript's conversions and comparisons over JSON-shaped Python values: null is None, undefined is UNDEFINED.

Source of every rule: ECMA-262, chapter 7 (abstract operations). Numbers are Python ints or floats; what JavaScript
cannot hold as an integer becomes the nearest double.
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self, TypeGuard

from schemas.item import UNDEFINED

__all__ = [
    "BigInt",
    "DateTimeText",
    "NullObject",
    "ObjectText",
    "ShownObject",
    "compare",
    "describe_received",
    "is_text",
    "js_number",
    "js_string",
    "js_typeof",
    "json_stringify",
    "loose_equal",
    "number_string",
    "property_order",
    "strict_equal",
    "tidy",
    "to_integer",
    "truthy",
]

_MAX_EXACT = 2**53
_DECIMAL = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?\Z", re.ASCII)
_PREFIXED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")
_INFINITE = ("Infinity", "+Infinity", "-Infinity")
_WHITESPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_HALF = re.compile("[\ud800-\udfff]")
_INDEX = re.compile(r"(?:0|[1-9]\d{0,9})\Z")
_MAX_INDEX = 2**32 - 2
_PLAIN = (-6, 21)  # between these places of the point a number is written without an exponent


class BigInt(int):
    """A JavaScript bigint that came out of a script; an ordinary int everywhere else."""


class DateTimeText(str):
    """A luxon DateTime that came out of a script, as ISO 8601: text everywhere, but dates know that it names its zone."""

    __slots__ = ()


class ObjectText(str):
    """A JavaScript object that JSON shows as text, a Date or Duration, that came out of a script: text everywhere, but typed
    fields and conditions know better.
    """

    __slots__ = ("number", "shown")
    number: float
    """Its `valueOf()`, milliseconds."""
    shown: str
    """Its `String()`."""

    def __new__(cls, text: str, number: float, shown: str) -> Self:
        """Make one of its three forms."""
        made = super().__new__(cls, text)
        made.number, made.shown = number, shown
        return made


def is_text(value: Any) -> TypeGuard[str]:
    """Return whether JavaScript's `typeof` is "string": a date that came out of a script is text here alone."""
    return isinstance(value, str) and not isinstance(value, DateTimeText | ObjectText)


class NullObject:
    """A JavaScript object that JSON shows as null, an invalid Date or Duration, that came out of a script. Classes of nodes with
    `exact_values` get it as a parameter, and write null into items.
    """

    __slots__ = ("shown",)

    def __init__(self, shown: str) -> None:
        self.shown = shown
        """Its `String()`."""


class ShownObject(dict[str, Any]):
    """A luxon Interval that came out of a script: an object everywhere, but messages show it in its own words."""

    __slots__ = ("shown",)

    def __init__(self, members: dict[str, Any], shown: str | None) -> None:
        super().__init__(members)
        self.shown = shown
        """Its `String()`; None where that fails in n8n, since the bounds of an Interval are text there."""


def js_typeof(value: Any) -> str:
    """Return `typeof value`: undefined, boolean, number, bigint, string or object."""
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, BigInt):
        return "bigint"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object"


def js_string(value: Any) -> str:  # one line per type
    """Return `String(value)`: arrays join with ',' (null and undefined empty), objects give `[object Object]`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_string(value)
    if isinstance(value, list | tuple):
        return ",".join("" if each is None or each is UNDEFINED else js_string(each) for each in value)
    return (isinstance(value, NullObject | ShownObject) and value.shown) or "[object Object]"


def number_string(value: float) -> str:
    """Return `Number.prototype.toString()`: `0.1`, `1e+21`, `1e-7`, `-0` as `0`, `NaN`, `Infinity`."""
    if isinstance(value, int) and -_MAX_EXACT <= value <= _MAX_EXACT:
        return str(value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return _finite_string(number)


def _finite_string(number: float) -> str:
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _shortest(abs(number))
    least, most = _PLAIN
    if len(digits) <= point <= most:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= most:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if least < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{point - 1:+d}"


def _shortest(number: float) -> tuple[str, int]:
    """Return the shortest decimal digits that read back as `number`, and where the point stands before them."""
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    return digits.rstrip("0"), point


def describe_received(value: Any) -> str:
    """Return how Node names a value of the wrong type in its errors, after the word Received."""
    kind = js_typeof(value)
    if value is None:
        return "null"
    if isinstance(value, DateTimeText):
        return "an instance of DateTime"
    if kind == "object":
        return f"an instance of {'Array' if isinstance(value, list) else 'Object'}"
    return "undefined" if kind == "undefined" else f"type {kind} ({js_string(value)})"


def js_number(value: Any) -> float:
    """Return `Number(value)`: undefined and objects give NaN, null and '' give 0. Whole results are ints."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        if isinstance(value, DateTimeText):
            return _milliseconds(value)
        return value.number if isinstance(value, ObjectText) else _string_number(value)
    return _string_number(js_string(value)) if isinstance(value, list | tuple) else math.nan


def _milliseconds(text: DateTimeText) -> float:
    """Return the time of a luxon DateTime: NaN of one that is invalid."""
    try:
        return tidy(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return math.nan


def _string_number(text: str) -> float:
    text = text.strip(_WHITESPACE)
    if not text:
        return 0
    if _DECIMAL.match(text):
        return tidy(float(text))
    if text in _INFINITE:
        return -math.inf if text[0] == "-" else math.inf
    prefixed = _PREFIXED.match(text)
    if prefixed is None:
        return math.nan
    try:
        return tidy(float(int(text, 0)))
    except OverflowError:
        return math.inf


def tidy(number: float) -> float:
    """Return the same number, as an int when it is whole and exact (JSON then shows `5`, not `5.0`)."""
    if -_MAX_EXACT <= number <= _MAX_EXACT and number % 1 == 0:
        return int(number)
    return number


def to_integer(value: Any) -> int:
    """Return ToIntegerOrInfinity as array and string methods use it, infinities cut to the largest exact integer."""
    number = js_number(value)
    if math.isnan(number):
        return 0
    return int(max(-_MAX_EXACT, min(_MAX_EXACT, number)))


def truthy(value: Any) -> bool:
    """Return `Boolean(value)`: false for undefined, null, false, 0, NaN and ''; empty arrays and objects are true."""
    if js_typeof(value) == "object":
        return value is not None
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def strict_equal(left: Any, right: Any) -> bool:
    """Return `left === right`. Arrays and objects are equal only to themselves."""
    kind = js_typeof(left)
    if kind != js_typeof(right):
        return False
    return left is right if kind == "object" else bool(left == right)


def loose_equal(left: Any, right: Any) -> bool:
    """Return `left == right`."""
    if left is None or left is UNDEFINED:
        return right is None or right is UNDEFINED
    if right is None or right is UNDEFINED:
        return False
    kinds = (js_typeof(left), js_typeof(right))
    if kinds[0] == kinds[1]:
        return strict_equal(left, right)
    if "boolean" in kinds:
        return loose_equal(_unboxed(left), _unboxed(right))
    if "object" in kinds:
        return loose_equal(_primitive(left), _primitive(right))
    return bool(js_number(left) == js_number(right))


def _unboxed(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _primitive(value: Any) -> Any:
    return js_string(value) if isinstance(value, list | dict | tuple) else value


def compare(left: Any, right: Any) -> int | None:
    """Compare as `<`, `>`, `<=` and `>=` do: -1, 0 or 1; None when either side is NaN: each of them is false."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        if left == right:
            return 0
        return -1 if _units(left) < _units(right) else 1
    a, b = js_number(left), js_number(right)
    if a != a or b != b:  # noqa: PLR0124  # NaN
        return None
    return -1 if a < b else int(a > b)


def _units(text: str) -> bytes:
    """Return UTF-16 code units in an order that compares as JavaScript does."""
    return text.encode("utf-16-be", "surrogatepass")


def property_order(value: dict[str, Any]) -> Iterator[str]:
    """Return the keys of an object in JavaScript's order: array indexes ascending, then the others as added."""
    indexes = [key for key in value if _INDEX.match(key) and int(key) <= _MAX_INDEX]
    if not indexes:
        return iter(value)
    first = set(indexes)
    return iter([*sorted(indexes, key=int), *(key for key in value if key not in first)])


def json_stringify(value: Any, indent: int = 0) -> str | None:
    """Return `JSON.stringify(value, null, indent)`: undefined members dropped, NaN and infinities null.

    Return None for undefined itself, as JavaScript gives undefined.
    """
    if value is UNDEFINED:
        return None
    return _stringify(value, " " * min(indent, 10), "\n" if indent else "")


def _stringify(value: Any, step: str, newline: str) -> str:
    if isinstance(value, str):
        return _quote(value)
    if value is None or value is UNDEFINED or isinstance(value, NullObject):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = number_string(value)
        return "null" if text in ("NaN", "Infinity", "-Infinity") else text
    inner = newline + step
    if isinstance(value, dict):
        colon = ": " if newline else ":"
        parts = [
            f"{_quote(key)}{colon}{_stringify(value[key], step, inner if newline else '')}"
            for key in property_order(value)
            if value[key] is not UNDEFINED
        ]
        return _enclose("{", parts, "}", newline, inner)
    return _enclose("[", [_stringify(each, step, inner if newline else "") for each in value], "]", newline, inner)


def _enclose(opening: str, parts: list[str], closing: str, newline: str, inner: str) -> str:
    if not parts:
        return opening + closing
    if not newline:
        return opening + ",".join(parts) + closing
    return opening + inner + f",{inner}".join(parts) + newline + closing


def _quote(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        return _HALF.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
    return quoted
