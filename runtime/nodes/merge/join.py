"""Which items of two inputs belong together: equal values in the fields to match."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.contract import Item, Items, NodeError
from runtime.values.equality import fuzzy_equal, likeness, strictly_equal
from runtime.values.objects import members
from runtime.values.paths import get
from schemas.item import UNDEFINED

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class JoinResult:
    """The outcome of a join: each matched item of input 1 with its partners, and the items without a partner."""

    matched: list[tuple[Item, Items]]
    left: Items
    right: Items
    right_matched: Items


def join(one: Items, two: Items, fields: Pairs, *, dots: bool, fuzzy: bool, first: bool) -> JoinResult:
    """Match every item of input 1 against input 2. An undefined value in input 1 matches nothing; of two pairs with one
    field of input 2, the later one counts.
    """
    same = fuzzy_equal if fuzzy else strictly_equal
    fields = [(first_name, name) for name, first_name in {name: other for other, name in fields}.items()]
    read = reader(dots)
    rows = Rows([[read(item, name) for _, name in fields] for item in two], same)
    used: set[int] = set()
    matched: list[tuple[Item, Items]] = []
    left: Items = []
    for item in one:
        values = [read(item, name) for name, _ in fields]
        matches = [] if not values or any(value is UNDEFINED for value in values) else rows.matches(values, first=first)
        if not matches:
            left.append(item)
            continue
        used.update(matches)
        matched.append((item, [two[i] for i in matches]))
    right = [item for i, item in enumerate(two) if i not in used]
    return JoinResult(matched, left, right, [item for i, item in enumerate(two) if i in used])


class Rows:
    """The values of all rows of an input, indexed by what they could be equal to, so that few pairs are compared."""

    def __init__(self, values: Sequence[Sequence[Any]], same: Callable[[Any, Any], bool]) -> None:
        self.values, self.same = values, same
        self.places: dict[tuple[str, ...], list[int]] = {}
        for i, row in enumerate(values):
            self.places.setdefault(tuple(likeness(value) for value in row), []).append(i)

    def matches(self, row: Sequence[Any], *, first: bool) -> list[int]:
        """Return the places of the rows that have the values of `row`, or of the first such row."""
        places = []
        for i in self.places.get(tuple(likeness(value) for value in row), ()):
            if all(self.same(a, b) for a, b in zip(row, self.values[i], strict=True)):
                places.append(i)
                if first:
                    break
        return places


def reader(dots: bool) -> Callable[[Item, str], Any]:
    """Return a function that reads a field of an item by its path, or by its plain name."""
    if dots:
        return lambda item, name: get(item["json"], name)
    return lambda item, name: members(item["json"]).get(name, UNDEFINED)


def check_present(items: Items, names: Sequence[str], which: int | str, *, dots: bool) -> None:
    """Raise NodeError if a field is in none of the items, as versions before 2.1 do."""
    read = reader(dots)
    for name in names:
        if not any(read(item, name) is not UNDEFINED for item in items):
            raise NodeError(f"Field '{name}' is not present in any of items in 'Input {which}'")
