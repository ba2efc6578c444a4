"""Members that are undefined: in items while workflow code moves them, marked on the way to an activity, gone where data is stored.

What has none is returned as it is, so that lists which are shared stay shared.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.item import UNDEFINED

__all__ = ["MARK", "cells_without_undefined", "marked", "unmarked", "without_undefined"]

MARK: Final = "$tempor8"
"""The member by which a mark is known. An object of a user that has it is wrapped."""
_UNDEFINED: Final = "undefined"
_WRAPPED: Final = "value"


def without_undefined(value: Any) -> Any:
    """Return a value as JSON has it: members that are undefined are gone, elements of lists are null."""
    return _Walk(drops=True).value(value)


def cells_without_undefined(columns: Sequence[Sequence[Any] | None]) -> list[list[Any] | None]:
    """Return columns of values without members that are undefined; a value that is undefined itself stays."""
    return [
        None if column is None else [cell if cell is UNDEFINED else without_undefined(cell) for cell in column]
        for column in columns
    ]


def marked(value: Any) -> Any:
    """Return a value as JSON in which `{MARK: "undefined"}` stands for undefined; see `unmarked`."""
    return _Walk(drops=False).value(value)


def unmarked(value: Any) -> Any:
    """Return the value of which `marked` made this one."""
    if isinstance(value, list):
        return [unmarked(each) for each in value]
    if not isinstance(value, dict):
        return value
    match value.get(MARK):
        case "undefined":
            return UNDEFINED
        case "value":
            return {key: unmarked(each) for key, each in value["value"].items()}
    return {key: unmarked(each) for key, each in value.items()}


class _Walk:
    """Drops what is undefined, or marks it; what is shared is walked once and stays shared."""

    def __init__(self, *, drops: bool) -> None:
        self._drops = drops
        self._seen: dict[int, Any] = {}

    def value(self, value: Any) -> Any:
        if value is UNDEFINED:
            return None if self._drops else {MARK: _UNDEFINED}
        if not isinstance(value, dict | list | tuple):
            return value
        if id(value) not in self._seen:
            made = self._object(value) if isinstance(value, dict) else self._list(value)
            self._seen[id(value)] = made
        return self._seen[id(value)]

    def _object(self, value: dict[str, Any]) -> Any:
        members, same = {}, True
        for key, each in value.items():  # no comprehension: each level of nesting would be one frame more
            if each is UNDEFINED and self._drops:
                same = False
                continue
            made = self.value(each)
            members[key], same = made, same and made is each
        whole = value if same else members
        return {MARK: _WRAPPED, "value": whole} if not self._drops and MARK in whole else whole

    def _list(self, value: Any) -> Any:
        elements, same = [], True
        for each in value:
            made = self.value(each)
            elements.append(made)
            same = same and made is each
        return value if same else elements
