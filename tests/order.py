"""The order in which the processes of `make test` take files: long ones first, so that none of them is left at the end."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

__all__ = ["LONG", "in_order"]

LONG = "long"
"""Marker of a file whose tests take half a minute or longer."""


class Item(Protocol):
    """What the order of a test follows from."""

    @property
    def nodeid(self) -> str:
        """Path of the file, `::`, and the rest."""
        ...

    def get_closest_marker(self, name: str) -> object | None:
        """Return the marker of that name, or None."""
        ...


ItemT = TypeVar("ItemT", bound=Item)


def in_order(items: Sequence[ItemT]) -> list[ItemT]:
    """Return the tests by file: those with a long test first, then those with many tests. Within a file nothing changes."""
    counts = Counter(map(_file, items))
    long = {_file(each) for each in items if each.get_closest_marker(LONG) is not None}
    return sorted(items, key=lambda each: ((name := _file(each)) not in long, -counts[name], name))


def _file(item: Item) -> str:
    return item.nodeid.partition("::")[0]
