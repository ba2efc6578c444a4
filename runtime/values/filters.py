"""n8n's filter parameter: conditions over typed values, with n8n's conversions and messages.

The filter's own `options` decide (caseSensitive, typeValidation, version); a node's options do not reach here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NotRequired

from typing_extensions import TypedDict

from runtime.values.dates import Instant
from runtime.values.javascript import ObjectText, ShownObject, compare, js_string, js_typeof, strict_equal, truthy
from runtime.values.patterns import from_text
from runtime.values.problem import ProblemError
from runtime.values.validation import ValidationResult, validate_field
from schemas.item import UNDEFINED

__all__ = [
    "HINT_STRICT",
    "Filter",
    "FilterCondition",
    "FilterError",
    "FilterOperator",
    "array_contains",
    "evaluate_filter",
]


class FilterOperator(TypedDict):
    """What to compare: `type` is that of the left side, `rightType` that of the right one where it differs."""

    type: str
    operation: str
    rightType: NotRequired[str]
    singleValue: NotRequired[bool]
    name: NotRequired[str]


class FilterCondition(TypedDict, total=False):
    """One line of a filter."""

    id: str
    leftValue: Any
    rightValue: Any
    operator: FilterOperator


class FilterOptions(TypedDict, total=False):
    """How to compare. Missing values mean: ignore case, convert types, version 1."""

    caseSensitive: bool
    leftValue: Any
    typeValidation: str
    version: float


class Filter(TypedDict, total=False):
    """The value of a filter parameter."""

    options: FilterOptions
    conditions: list[FilterCondition]
    combinator: str


class FilterError(ProblemError):
    """Raised when a side of a condition has the wrong type."""


_HINT: Final = "Try changing the type of the comparison."
HINT_STRICT: Final = "Try changing the type of comparison. Alternatively you can enable 'Convert types where required'."
_CONVERSIONS: Final = {"string": "toString", "number": "toNumber", "boolean": "toBoolean"}
"""Type of the operator -> the method by which an expression becomes one."""
_SINGLE: Final = frozenset({"exists", "notExists", "empty", "notEmpty", "true", "false"})
_ARTICLES: Final = {"array": "an array", "object": "an object"}


def evaluate_filter(
    filter_: Filter | Mapping[str, Any], item: int = 0, *, zone: str = "UTC", now_ms: float = 0
) -> bool:
    """Return whether the conditions hold: all of them for `and`, any for `or`; later ones are not evaluated once it is
    clear.

    `item` is the index that messages name. Raise FilterError.
    """
    parts = as_object(filter_)
    options, conditions = as_object(parts.get("options")), parts.get("conditions")
    results = (
        _evaluate(as_object(condition), options, index, item, zone, now_ms)
        for index, condition in enumerate(conditions if isinstance(conditions, list | tuple) else ())
    )
    combinator = parts.get("combinator", "and")
    if combinator == "or":
        return any(results)
    return combinator == "and" and all(results)


def as_object(value: Any) -> Mapping[str, Any]:
    """Return a value of which members are read: of what is no object, JavaScript reads none."""
    return value if isinstance(value, Mapping) else {}


def _evaluate(
    condition: Mapping[str, Any], options: Mapping[str, Any], index: int, item: int, zone: str, now_ms: float
) -> bool:
    operator = as_object(condition.get("operator"))
    if not operator:
        raise FilterError("Cannot read properties of undefined (reading 'rightType')", _HINT)
    type_, operation = operator.get("type", "string"), operator.get("operation", "equals")
    if not isinstance(type_, str):
        missing = type_ is UNDEFINED or type_ is None
        wrong = f"Cannot read properties of {js_string(type_)} (reading 'toLowerCase')"
        hint = HINT_STRICT if options.get("typeValidation") == "strict" else _HINT
        raise FilterError(wrong if missing else "type.toLowerCase is not a function", hint)
    left, right = condition.get("leftValue", UNDEFINED), condition.get("rightValue", UNDEFINED)
    right_type = operator.get("rightType") or type_
    if not (_is_plain(left, type_) and _is_plain(right, right_type)):
        checked = _Check(options, f"[condition {index}, item {item}]", zone, now_ms)
        left, right = checked.sides((left, type_), (right, right_type), single=bool(operator.get("singleValue")))
    return _compare(left, right, type_, operation, ignore_case=not options.get("caseSensitive"))


def _is_plain(value: Any, type_: str) -> bool:
    """Return whether there is nothing to convert, which is the common case."""
    if isinstance(value, str):
        return type_ == "string" and not isinstance(value, ObjectText)
    if isinstance(value, bool):
        return type_ == "boolean"
    if value is UNDEFINED or value is None:
        return True
    return type_ == "number" and isinstance(value, int | float)


class _Check:
    """Converts both sides to the type of the operator, or says what is wrong with them."""

    def __init__(self, options: Mapping[str, Any], place: str, zone: str, now_ms: float) -> None:
        self.strict = options.get("typeValidation") == "strict"
        version = options.get("version") or 1
        self.version = version if isinstance(version, int | float) else 1
        self.place = place
        self.zone = zone
        self.now_ms = now_ms

    def sides(self, left: tuple[Any, str], right: tuple[Any, str], *, single: bool) -> tuple[Any, Any]:
        """Return both values. `single`: a second one that does not fit counts as none. Raise FilterError."""
        first = self.convert(*left)
        second = self.convert(*right)
        if first.error is not None:
            if second.error is not None and not single and _kind(left[0]) == _kind(right[0]):
                raise self.refused(
                    f"Comparison type expects {_article(left[1])} but both fields are {_article(_kind(left[0]))}"
                )
            raise self.mismatch(*left, "first")
        if second.error is not None and not single:
            raise self.mismatch(*right, "second")
        return first.value, UNDEFINED if second.error is not None else second.value

    def convert(self, value: Any, type_: str) -> ValidationResult:
        if isinstance(value, ShownObject) and value.shown is None:
            raise self.refused("this.s.toISO is not a function")
        if type_ == "any" or _is_plain(value, type_):
            return ValidationResult(value)
        if type_ == "boolean" and not self.strict:
            return self.loose_boolean(value)
        if type_ == "number" and self.version >= 3 and _is_blank(value):
            return ValidationResult(None)
        return validate_field(
            "filter", value, type_, strict=self.strict, parse_strings=True, zone=self.zone, now_ms=self.now_ms
        )

    def loose_boolean(self, value: Any) -> ValidationResult:
        if self.version >= 2:
            checked = validate_field("filter", value, "boolean")
            if checked.error is None:
                return checked
        return ValidationResult(truthy(value))

    def mismatch(self, value: Any, type_: str, side: str) -> FilterError:
        kind, text = _kind(value), value.shown if isinstance(value, ObjectText) else js_string(value)
        if self.strict:
            wrong = f"Wrong type: '{text}' is {_article(kind)} but was expecting {_article(type_)} {self.place}"
            method = _CONVERSIONS.get(type_)
            return self.refused(wrong) if method is None else FilterError(wrong, _conversion(side, type_, method))
        return self.refused(
            f"Conversion error: the {kind} '{text}' can't be converted to {_article(type_)} {self.place}"
        )

    def refused(self, message: str) -> FilterError:
        return FilterError(message, HINT_STRICT if self.strict else _HINT)


def _conversion(side: str, type_: str, method: str) -> str:
    """Return n8n's description, which is HTML."""
    return (
        "\n<p>Try either:</p>\n<ol>\n  <li>Enabling 'Convert types where required'</li>\n"
        f"  <li>Converting the {side} field to a {type_} by adding <code>.{method}()</code></li>\n</ol>\n\t\t\t"
    )


def _article(kind: str) -> str:
    return _ARTICLES.get(kind, f"a {kind}")


def _kind(value: Any) -> str:
    return "object" if isinstance(value, Instant | ObjectText) else js_typeof(value)


def _is_blank(value: Any) -> bool:
    return value == [] or (isinstance(value, str) and not value.strip())


def _exists(value: Any) -> bool:
    return value is not None and value is not UNDEFINED and value == value  # noqa: PLR0124  # NaN


def _compare(left: Any, right: Any, type_: str, operation: str, *, ignore_case: bool) -> bool:
    if operation == "exists":
        return _exists(left)
    if operation == "notExists":
        return not _exists(left)
    if type_ == "array":
        return _compare_arrays(left, right, operation, ignore_case=ignore_case)
    if type_ == "string" and ignore_case and operation not in {"equals", "notEquals"}:
        left = left.lower() if isinstance(left, str) else left
        if isinstance(right, str) and operation not in ("regex", "notRegex"):
            right = right.lower()
    elif type_ == "string" and ignore_case:
        left = left.lower() if isinstance(left, str) else left
        right = right.lower() if isinstance(right, str) else right
    compared = _OPERATIONS.get(type_, {}).get(operation)
    return compared(left, right) if compared else False


# --- operations by type ---------------------------------------------------------------------------------------------

Operation = Callable[[Any, Any], bool]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _same_text(left: Any, right: Any) -> bool:
    return strict_equal(_filled(left), _filled(right))


def _filled(value: Any) -> Any:
    return "" if value is None or value is UNDEFINED else value


def _matches(left: Any, right: Any) -> bool:
    return from_text(_text(right)).test(_text(left))


def _order(*signs: int) -> Operation:
    return lambda left, right: compare(left, right) in signs


def _dates(*signs: int) -> Operation:
    def compared(left: Any, right: Any) -> bool:
        if not isinstance(left, Instant) or not isinstance(right, Instant):
            return False
        return ((left.ms > right.ms) - (left.ms < right.ms)) in signs

    return compared


def _no_members(left: Any, _right: Any) -> bool:
    return not left


def _negated(operation: Operation) -> Operation:
    return lambda left, right: not operation(left, right)


def _pairs(positive: Mapping[str, Operation], negative: Mapping[str, str]) -> dict[str, Operation]:
    """Return the operations and their `not` forms: negative name -> positive name."""
    return dict(positive) | {name: _negated(positive[of]) for name, of in negative.items()}


_OPERATIONS: Final[Mapping[str, Mapping[str, Operation]]] = {
    "string": _pairs(
        {
            "empty": lambda left, _: not _text(left),
            "equals": _same_text,
            "contains": lambda left, right: _text(right) in _text(left),
            "startsWith": lambda left, right: _text(left).startswith(_text(right)),
            "endsWith": lambda left, right: _text(left).endswith(_text(right)),
            "regex": _matches,
        },
        {
            "notEmpty": "empty",
            "notEquals": "equals",
            "notContains": "contains",
            "notStartsWith": "startsWith",
            "notEndsWith": "endsWith",
            "notRegex": "regex",
        },
    ),
    "number": _pairs(
        {
            "empty": lambda left, _: not _exists(left),
            "equals": strict_equal,
            "gt": _order(1),
            "lt": _order(-1),
            "gte": _order(0, 1),
            "lte": _order(-1, 0),
        },
        {"notEmpty": "empty", "notEquals": "equals"},
    ),
    "dateTime": _pairs(
        {
            "empty": lambda left, _: not _exists(left),
            "equals": _dates(0),
            "notEquals": _dates(-1, 1),
            "after": _dates(1),
            "before": _dates(-1),
            "afterOrEquals": _dates(0, 1),
            "beforeOrEquals": _dates(-1, 0),
        },
        {"notEmpty": "empty"},
    ),
    "boolean": _pairs(
        {
            "empty": lambda left, _: not _exists(left),
            "true": lambda left, _: truthy(left),
            "equals": strict_equal,
        },
        {"notEmpty": "empty", "false": "true", "notEquals": "equals"},
    ),
    "object": _pairs({"empty": _no_members}, {"notEmpty": "empty"}),
}

_LENGTHS: Final[Mapping[str, Operation]] = {
    "lengthEquals": strict_equal,
    "lengthNotEquals": _negated(strict_equal),
    "lengthGt": _order(1),
    "lengthLt": _order(-1),
    "lengthGte": _order(0, 1),
    "lengthLte": _order(-1, 0),
}


def _compare_arrays(left: Any, right: Any, operation: str, *, ignore_case: bool) -> bool:
    members: list[Any] = left if isinstance(left, list) else []
    if operation in _LENGTHS:
        return _LENGTHS[operation](len(members), right)
    if operation in ("contains", "notContains"):
        return array_contains(members, right, ignore_case) is (operation == "contains")
    return operation in ("empty", "notEmpty") and (not members) is (operation == "empty")


def array_contains(members: Sequence[Any], value: Any, ignore_case: bool) -> bool:
    """Return whether `value` is a member: identity for objects, and text in any case when `ignore_case`."""
    if ignore_case and isinstance(value, str):
        lowered = value.lower()
        return any(isinstance(each, str) and each.lower() == lowered for each in members)
    if isinstance(value, float) and math.isnan(value):
        return any(isinstance(each, float) and math.isnan(each) for each in members)
    return any(strict_equal(each, value) for each in members)
