"""Sorting items by fields, as n8n's Sort does: text without regard to case, everything else as numbers."""

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from random import Random
from typing import Any, TypeVar

from runtime.values.equality import strictly_equal
from runtime.values.javascript import compare, js_number, js_string
from runtime.values.lists.fields import dots_hint, reader
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED, Items

T = TypeVar("T")
_ASTRAL = "\U00010000"


def shuffled(random: Random, items: Items) -> Items:
    """Return the items in an order that the run's own generator gives."""
    mixed = list(items)
    random.shuffle(mixed)
    return mixed


def sorted_by_fields(items: Items, chosen: Any, options: Any) -> Items:
    """Sort by the fields of a node's `sortFieldsUi`. Raise ProblemError for a field that no item has, or for none."""
    listed = list((chosen or {}).get("sortField") or ())
    if not listed:
        raise ProblemError("No sorting specified. Please add a field to sort by")
    fields = [(js_string(each.get("fieldName", "")), each.get("order", "ascending") != "ascending") for each in listed]
    dots = not (options or {}).get("disableDotNotation")
    read = reader(dots=dots)
    for name, _ in fields:
        if any(read(item["json"], name) is not UNDEFINED for item in items):
            continue
        raise ProblemError(f"Couldn't find the field '{name}' in the input data", dots_hint(name, dots=dots))
    columns = [[_folded(read(item["json"], name)) for item in items] for name, _ in fields]
    return [items[i] for i in order(columns, [down for _, down in fields])]


def order(columns: list[list[Any]], descending: list[bool]) -> list[int]:
    """Return the rows' numbers in sorted order, stable. JavaScript's sort decides where values cannot be compared."""
    rows = list(range(len(columns[0])))
    if all(_ordered(column) for column in columns):
        for column, down in reversed([*zip(columns, descending, strict=True)]):
            rows.sort(key=column.__getitem__, reverse=down)
        return rows
    return js_sorted(rows, _comparer(columns, descending))


def js_sorted(values: Iterable[T], comparer: Callable[[T, T], int]) -> list[T]:
    """Return `values.sort(comparer)`. V8's sort is the one Python has, so that even a contradictory comparer agrees
    (n8n: up to the length at which runs are merged).
    """
    return sorted(values, key=cmp_to_key(comparer))


def is_less(a: Any, b: Any) -> bool:
    """Return lodash's `lt`: two texts by their letters, anything else as numbers; what is no number is less than nothing."""
    if isinstance(a, str) and isinstance(b, str):
        return compare(a, b) == -1
    return js_number(a) < js_number(b)


def _comparer(columns: list[list[Any]], descending: list[bool]) -> Callable[[int, int], int]:
    sided = [*zip(columns, descending, strict=True)]

    def comparer(a: int, b: int) -> int:
        for column, down in sided:
            left, right = column[a], column[b]
            if not strictly_equal(left, right):
                return -1 if is_less(left, right) is not down else 1
        return 0

    return comparer


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _ordered(column: list[Any]) -> bool:
    """Return whether Python's order of the values is JavaScript's: all numbers, or all text within the basic plane."""
    kinds = {type(value) for value in column}
    if kinds <= {int, float}:
        return True
    return kinds == {str} and all(value.isascii() or max(value) < _ASTRAL for value in column)
