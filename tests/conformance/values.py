"""The recorded calls of n8n's filter and field validation: `filters.json` and `type_validation.json`."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.values.dates import Instant, parse_date
from runtime.values.filters import FilterError, array_contains, evaluate_filter
from runtime.values.validation import validate_field
from schemas.item import UNDEFINED

__all__ = ["Result", "run_filters", "run_type_validation"]


@dataclass(frozen=True)
class Result:
    """One recorded call: what we gave (`{"expected": ...}` or `{"error": ...}` in the shape of the record), and
    whether it is what n8n gave."""

    name: str
    passed: bool
    actual: dict[str, Any]


def run_filters(path: Path) -> Iterator[Result]:
    """Each call of `filters.json`: executeFilter and arrayContainsValue."""
    for case in json.loads(path.read_text()):
        actual = _filter_call(case["fn"], [_untag(each) for each in case["args"]])
        yield Result(case["test"], _same(actual, case), actual)


def run_type_validation(path: Path) -> Iterator[Result]:
    """Each call of `type_validation.json`: validateFieldType."""
    for case in json.loads(path.read_text()):
        name, value, type_, *rest = (_untag(each) for each in case["args"])
        actual = {"expected": _validate(name, value, type_, **(rest[0] if rest else {}))}
        yield Result(case["test"], _same(actual, case), actual)


def _filter_call(function: str, args: list[Any]) -> dict[str, Any]:
    if function == "arrayContainsValue":
        return {"expected": array_contains(*args)}
    try:
        return {"expected": evaluate_filter(args[0], 0)}
    except FilterError as error:
        return {"error": {"name": "FilterError", "message": error.message}}


def _validate(name: str, value: Any, type_: str, **options: Any) -> dict[str, Any]:
    checked = validate_field(
        name,
        value,
        type_,
        strict=options.get("strict", False),
        parse_strings=options.get("parseStrings", False),
        options=options.get("valueOptions", ()),
    )
    if checked.error is not None:
        return {"valid": False, "errorMessage": checked.error}
    if checked.value is None or checked.value is UNDEFINED:
        return {"valid": True}
    shown = {"$datetime": checked.value.iso()} if isinstance(checked.value, Instant) else checked.value
    return {"valid": True, "newValue": shown}


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$undefined" in value:
        return UNDEFINED
    if "$number" in value:
        return float(value["$number"].replace("Infinity", "inf"))
    if "$date" in value or "$datetime" in value:
        return parse_date(value.get("$date") or value["$datetime"])
    members = {key: _untag(each) for key, each in value.items()}
    return {key: each for key, each in members.items() if each is not UNDEFINED}


def _same(actual: dict[str, Any], case: dict[str, Any]) -> bool:
    if "error" in case:
        return bool(actual.get("error", {}).get("message") == case["error"]["message"])
    return _equal(actual.get("expected"), case["expected"])


def _equal(left: Any, right: Any) -> bool:
    if isinstance(right, dict) and "$datetime" in right and isinstance(left, dict):
        first, second = parse_date(left["$datetime"]), parse_date(right["$datetime"])
        return first is not None and second is not None and (first.ms, first.offset_s) == (second.ms, second.offset_s)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9)
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
