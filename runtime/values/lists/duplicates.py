"""Removing items that are alike in some fields, as n8n does it: sorted, then each with the one before."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from runtime.values.equality import strictly_equal
from runtime.values.javascript import is_text, js_typeof, property_order
from runtime.values.lists.fields import Json, Reader, dots_hint, names, reader
from runtime.values.lists.sorting import is_less, js_sorted
from runtime.values.paths import set_path
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED, Item, Items

_LABELS: Final = {"selectedFields": "Fields To Compare", "allFieldsExcept": "Fields To Exclude"}


def without_duplicates(
    items: Items, which: Any, listed: Any, options: Any, *, nulls: bool, missing_first: bool = False
) -> Items:
    """Return the first of each kind. `which`: allFields, allFieldsExcept or selectedFields; `listed`: the names that it
    needs.

    `nulls`: a null is of any type. `missing_first`: fields that are missing are told before types. Raise ProblemError when a field is
    missing somewhere or changes its type.
    """
    if not items:  # the node was reached through an input that it has not
        raise ProblemError("Cannot read properties of undefined (reading 'json')")
    options = options or {}
    which = which if isinstance(which, str) else ""  # n8n takes what it does not know for all fields
    dots = not options.get("disableDotNotation")
    read = reader(dots=dots)
    chosen = _compared_fields(items, which, _names(which, listed), dots=dots)
    rows = [[read(item["json"], name) for name in chosen] for item in items]
    ordered = js_sorted(range(len(items)), lambda a, b: _compare(rows[a], rows[b]))
    columns = {name: [rows[i][column] for i in ordered] for column, name in enumerate(chosen)}
    for name, values in columns.items() if missing_first else ():
        _check_present(name, values, dots=dots)
    for name, values in columns.items():
        _check(name, values, dots=dots, nulls=nulls)
    duplicates = {b for a, b in pairwise(ordered) if strictly_equal(rows[a], rows[b])}
    rest = [item for i, item in enumerate(items) if i not in duplicates]
    if not options.get("removeOtherFields") or which == "allFields":
        return rest
    return [_cut_down(item, i, chosen, read, dots=dots) for i, item in enumerate(rest)]


def _names(which: Any, listed: Any) -> list[str]:
    label = _LABELS.get(which)
    if label and not (is_text(listed) or isinstance(listed, list)):
        raise ProblemError(
            f"The '{label}' parameter must be a string of fields separated by commas or an array of strings."
        )
    return names(listed) if label else []


def _compared_fields(items: Items, which: Any, listed: list[str], *, dots: bool) -> list[str]:
    if which == "selectedFields":
        if not listed:
            raise ProblemError("No fields specified. Please add a field to compare on")
        return listed
    if which == "allFieldsExcept":
        if not listed:
            raise ProblemError("No fields specified. Please add a field to exclude from comparison")
        return [
            name for name in _all_fields(items[:1], dots=dots) if name not in listed
        ]  # n8n asks the first item only
    return _all_fields(items, dots=dots)


def _all_fields(items: Items, *, dots: bool) -> list[str]:
    names: dict[str, None] = {}
    for item in items:
        names |= dict.fromkeys(_flat(item["json"]) if dots else property_order(item["json"]))
    return list(names)


def _flat(value: Json | list[Any], path: str = "") -> list[str]:
    """Return the paths of all values within objects and lists; empty ones have none."""
    keys = property_order(value) if isinstance(value, dict) else map(str, range(len(value)))
    members = value if isinstance(value, dict) else {str(i): each for i, each in enumerate(value)}
    flat: list[str] = []
    for key in keys:
        each = members[key]
        flat += _flat(each, f"{path}{key}.") if isinstance(each, dict | list) else [path + key]
    return flat


def _compare(left: Sequence[Any], right: Sequence[Any]) -> int:
    for a, b in zip(left, right, strict=True):
        if not strictly_equal(a, b):
            return -1 if is_less(a, b) else 1
    return 0


def _check_present(name: str, values: list[Any], *, dots: bool) -> None:
    """Raise ProblemError unless all items have the field."""
    if UNDEFINED in values:
        raise ProblemError(f"'{name}' field is missing from some input items", dots_hint(name, dots=dots))


def _check(name: str, values: list[Any], *, dots: bool, nulls: bool) -> None:
    """Raise ProblemError unless all items have the field, with values of one type."""
    before: tuple[int, str] | None = None
    for i, value in enumerate(values):
        if value is UNDEFINED:
            _check_present(name, [value], dots=dots)
        kind = js_typeof(value)
        if nulls and value is None:
            continue
        if before is not None and before[1] != kind:
            where = f", in item [{before[0]}] it's a {before[1]} and in item [{i}] it's a {kind} " if nulls else ""
            raise ProblemError(
                f"'{name}' isn't always the same type", f"The type of this field varies between items{where}"
            )
        before = (i, kind)


def _cut_down(item: Item, i: int, chosen: list[str], read: Reader, *, dots: bool) -> Item:
    """Only the fields that were compared; n8n pairs it with its own place in the list."""
    json: Json = {}
    for name in chosen:
        value = read(item["json"], name)
        if dots and name not in item["json"]:
            set_path(json, name, value)
        else:
            json[name] = value
    return {"json": json, "pairedItem": {"item": i}}
