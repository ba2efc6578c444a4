"""`Array.prototype.slice` and `splice` with JavaScript's conversion of indexes."""

from typing import Any, TypeVar

from runtime.values.javascript import compare, js_number, to_integer

T = TypeVar("T")

__all__ = ["js_slice", "limit_items", "splice"]


def js_slice(items: list[T], start: Any, end: Any) -> list[T]:
    """Return `items.slice(start, end)`: fractions are cut, negative indexes count from the end."""
    first, last = (_index(to_integer(each), len(items)) for each in (start, end))
    return items[first:last]


def _index(index: int, length: int) -> int:
    return max(length + index, 0) if index < 0 else min(index, length)


def splice(items: list[T], count: Any) -> list[T]:
    """Return `items.splice(0, count)`: the first items, removed from the list."""
    length = max(0, min(to_integer(count), len(items)))
    first = items[:length]
    del items[:length]
    return first


def limit_items(items: list[T], most: Any, keep: Any) -> list[T]:
    """Return the first or last `most` items; all of them when there are fewer."""
    if compare(most, len(items)) == 1:
        return items
    if keep == "firstItems":
        return js_slice(items, 0, most)
    return js_slice(items, len(items) - js_number(most), len(items))
