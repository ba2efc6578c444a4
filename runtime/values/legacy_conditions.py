"""The typed comparisons of the first IF, Filter and Switch nodes, with JavaScript's own errors where they had them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from runtime.values.dates import date_parse
from runtime.values.javascript import NullObject, ObjectText, compare, js_string, strict_equal, truthy
from runtime.values.patterns import from_text
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED

__all__ = ["CONDITION_TYPES", "DEFAULT_OPERATION", "legacy_compare"]

CONDITION_TYPES: Final = ("boolean", "dateTime", "number", "string")
"""In the order in which conditions are looked at."""

DEFAULT_OPERATION: Final = {"boolean": "equal", "dateTime": "after", "number": "smaller", "string": "equal"}


def legacy_compare(type_: str, operation: str, left: Any, right: Any) -> bool:
    """Return the result of one comparison. Raise ProblemError for what is no date, no text or no pattern."""
    if type_ == "dateTime":
        left, right = _date(left), _date(right)
    else:
        left, right = _plain(left, type_), _plain(right, type_)
    compared = _OPERATIONS.get(operation)
    if compared is None:
        raise ProblemError("compareOperationFunctions[compareData.operation] is not a function", kind="TypeError")
    return compared(left, right)


def _plain(value: Any, type_: str) -> Any:
    """Return a value to compare: a Date is a number to numbers, and an object, equal to nothing, to all else."""
    if isinstance(value, NullObject):
        return math.nan if type_ == "number" else {}
    if not isinstance(value, ObjectText):
        return value
    return value.number if type_ == "number" else {}


def _date(value: Any) -> float:
    """Return milliseconds since the epoch."""
    ms: float | None = None
    if isinstance(value, str):
        ms = date_parse(value)
    elif isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
        ms = value
    if ms is None:
        raise ProblemError(f'The value "{js_string(value)}" is not a valid DateTime.')
    return ms


def _or(value: Any, default: Any) -> Any:
    return value if truthy(value) else default


def _text(value: Any) -> str:
    return js_string(_or(value, ""))


def _ordered(*signs: int) -> Callable[[Any, Any], bool]:
    return lambda left, right: compare(_or(left, 0), _or(right, 0)) in signs


def _method(name: str) -> Callable[[Any, Any], bool]:
    """Return `left.startsWith(right)` or the like: only text has the method."""

    def call(left: Any, right: Any) -> bool:
        if left is None or left is UNDEFINED:
            value = "null" if left is None else "undefined"
            raise ProblemError(f"Cannot read properties of {value} (reading '{name}')", kind="TypeError")
        if not isinstance(left, str):
            raise ProblemError(f"value1.{name} is not a function", kind="TypeError")
        return bool(left.startswith(js_string(right)) if name == "startsWith" else left.endswith(js_string(right)))

    return call


def _empty(value: Any, _: Any) -> bool:
    if isinstance(value, dict | list):
        return not value
    return value is None or value is UNDEFINED or value == "" or (isinstance(value, float) and math.isnan(value))


def _not(operation: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: not operation(left, right)


def _contains(left: Any, right: Any) -> bool:
    return _text(right) in _text(left)


def _matches(left: Any, right: Any) -> bool:
    return from_text(_text(right)).test(_text(left))


_OPERATIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "after": _ordered(1),
    "before": _ordered(-1),
    "contains": _contains,
    "notContains": _not(_contains),
    "startsWith": _method("startsWith"),
    "notStartsWith": _not(_method("startsWith")),
    "endsWith": _method("endsWith"),
    "notEndsWith": _not(_method("endsWith")),
    "equal": strict_equal,
    "notEqual": _not(strict_equal),
    "larger": _ordered(1),
    "largerEqual": _ordered(0, 1),
    "smaller": _ordered(-1),
    "smallerEqual": _ordered(-1, 0),
    "isEmpty": _empty,
    "isNotEmpty": _not(_empty),
    "regex": _matches,
    "notRegex": _not(_matches),
}
