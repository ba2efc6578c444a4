"""Paths into items as n8n reads them: lodash's `get`, `set`, `unset` and `has` over JSON.

A path such as `a.b[0]["x.y"]` names a place; a path that is itself a key of the object means that key (lodash: `isKey`).
"""

import itertools
import re
from functools import lru_cache
from typing import Any, Final

from runtime.values.objects import UNSAFE_KEYS
from runtime.values.problem import ProblemError
from schemas.item import MAX_NESTING, UNDEFINED

__all__ = ["get", "has", "plain_name", "set_path", "to_path", "unset"]

_PLAIN: Final = re.compile(r"\w*\Z", re.ASCII)
_DEEP: Final = re.compile(r"""\.|\[(?:[^\[\]]*|(["'])(?:(?!\1)[^\\]|\\.)*?\1)\]""")
_PART: Final = re.compile(
    r"""[^.\[\]]+|\[(?:(-?\d+(?:\.\d+)?)|(["'])((?:(?!\2)[^\\]|\\.)*?)\2)\]|(?=(?:\.|\[\])(?:\.|\[\]|$))""", re.ASCII
)
_ESCAPE: Final = re.compile(r"\\(\\)?")
_INDEX: Final = re.compile(r"(?:0|[1-9]\d{0,15})\Z", re.ASCII)
_MAX_GROWTH: Final = 100_000


@lru_cache(maxsize=4096)
def to_path(path: str) -> tuple[str, ...]:
    """Return the keys that a path walks (lodash: `toPath`)."""
    keys = [""] if path.startswith(".") else []
    for match in _PART.finditer(path):
        number, quote, quoted = match.group(1), match.group(2), match.group(3)
        keys.append(_ESCAPE.sub(r"\1", quoted) if quote else number or match.group(0))
    return tuple(keys)


@lru_cache(maxsize=4096)
def _is_plain(path: str) -> bool:
    return _PLAIN.match(path) is not None or _DEEP.search(path) is None


def _keys(path: str, value: Any) -> tuple[str, ...]:
    if _is_plain(path) or (isinstance(value, dict) and path in value):
        return (path,)
    return to_path(path)


def get(value: Any, path: str, default: Any = UNDEFINED) -> Any:
    """Return the member at `path`, or `default` when it is not there."""
    if isinstance(value, dict) and path in value:
        member = value[path]
    elif _is_plain(path):
        member = _member(value, path)
    else:
        member = value
        for key in to_path(path):
            member = _member(member, key)
            if member is UNDEFINED:
                break
    return default if member is UNDEFINED else member


def _member(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key, UNDEFINED)
    if isinstance(value, list | str):
        if key == "length":
            return len(value)
        if _INDEX.match(key) and int(key) < len(value):
            return value[int(key)]
    return UNDEFINED


def has(value: Any, path: str) -> bool:
    """Return whether the member exists, whatever its value."""
    *parents, last = _keys(path, value) or ("",)
    for key in parents:
        value = _member(value, key)
    return last in value if isinstance(value, dict) else _member(value, last) is not UNDEFINED


def set_path(target: dict[str, Any], path: str, value: Any) -> None:
    """Write `value` at `path` in `target`, making objects and arrays on the way; scalars on the way are replaced.

    Only `target` itself changes: what it shares with other items is copied before it is written to. Paths through
    `__proto__`, `constructor` or `prototype` stop there, as lodash does. Raises ProblemError for a path of too many levels.
    """
    keys = _keys(path, target) or ("",)
    if len(keys) > MAX_NESTING:
        raise ProblemError(f"The field name goes deeper than {MAX_NESTING} levels", "Use fewer dots in the name.")
    place: Any = target
    for key, following in itertools.pairwise(keys):
        if key in UNSAFE_KEYS:
            return
        child = _member(place, key)
        child = child.copy() if isinstance(child, dict | list) else [] if _INDEX.match(following) else {}
        _assign(place, key, child)
        place = child
    if keys[-1] not in UNSAFE_KEYS:
        _assign(place, keys[-1], value)


def _assign(place: Any, key: str, value: Any) -> None:
    if isinstance(place, dict):
        place[key] = value
    elif isinstance(place, list) and _INDEX.match(key) and int(key) < len(place) + _MAX_GROWTH:
        index = int(key)
        place.extend([None] * (index + 1 - len(place)))
        place[index] = value


def unset(target: dict[str, Any], path: str) -> None:
    """Remove the member at `path` from `target`; what `target` shares with other items is copied first."""
    *parents, last = _keys(path, target) or ("",)
    if not has(target, path):
        return
    place: Any = target
    for key in parents:
        child = _member(place, key)
        if not isinstance(child, dict | list):
            return
        child = child.copy()
        _assign(place, key, child)
        place = child
    if isinstance(place, dict):
        place.pop(last, None)
    elif isinstance(place, list) and _INDEX.match(last) and int(last) < len(place):
        place[int(last)] = None


def plain_name(name: str) -> str:
    """Return the key that a name means without dot notation: in n8n `['a.b']` still means the key `a.b`."""
    if len(name) > 4 and name[:2] in ("['", '["') and name[-2:] in ("']", '"]'):
        return name[2:-2]
    return name
