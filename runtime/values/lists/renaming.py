"""Other names for the fields of an item: by path, or by a pattern over all keys."""

from typing import Any, Final

from runtime.values.javascript import property_order
from runtime.values.lists.fields import Json
from runtime.values.objects import safe_copy
from runtime.values.paths import get, set_path, unset
from runtime.values.patterns import Pattern
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED

_PROTOTYPE: Final = "__proto__"


def rename_paths(original: Json, pairs: list[tuple[str, str]]) -> Json:
    """Return a copy whose values at the first path of each pair are at the second.

    All values are read before any moves: what came by one pair is not moved on by the next.
    """
    if not isinstance(original, dict):  # of a function node
        return original
    json: Json = safe_copy(original)
    for current, new in pairs:
        if not current or not new or current == new:
            continue
        # every object of JavaScript has this member, an empty object as JSON
        value = get(original, current, {} if current == _PROTOTYPE else UNDEFINED)
        if value is UNDEFINED:
            continue
        set_path(json, new, value)
        unset(json, current)
    return json


def rename_matching(value: Any, pattern: Pattern, replacement: str, depth: float) -> None:
    """Rename the keys that match, within objects and lists too, so many levels down; without end when negative.

    Changes `value` itself. Raise ProblemError for a text in a list: JavaScript takes its places for keys.
    """
    if isinstance(value, dict):
        _rename_keys(value, pattern, replacement, depth)
        return
    if isinstance(value, list):
        if depth != 0:
            for each in value:
                rename_matching(each, pattern, replacement, depth - 1)
        return
    _try_scalar(value, pattern, replacement)


def _rename_keys(json: Json, pattern: Pattern, replacement: str, depth: float) -> None:
    for key in list(property_order(json)):
        new = pattern.replace(key, replacement)
        value = json[key]
        if new != key:
            del json[key]
            if new == _PROTOTYPE:  # JavaScript makes it the prototype, which is no field
                continue
            json[new] = value
        if depth != 0 and isinstance(value, dict | list):
            rename_matching(value, pattern, replacement, depth - 1)


def _try_scalar(value: Any, pattern: Pattern, replacement: str) -> None:
    for place in range(len(value) if isinstance(value, str) else 0):
        new = pattern.replace(str(place), replacement)
        if new != str(place):
            raise ProblemError(f"Cannot create property '{new}' on string '{value}'")
