"""Whether two values are the same: lodash's isEqual, and n8n's fuzzy compare."""

from typing import Any, Final

from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

__all__ = ["fuzzy_equal", "likeness", "strictly_equal"]


def strictly_equal(a: Any, b: Any) -> bool:
    """Return lodash's isEqual over JSON: 1 and true differ, 1 and 1.0 do not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(strictly_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(strictly_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    return type(a) is type(b) and bool(a == b)


def fuzzy_equal(a: Any, b: Any) -> bool:
    """Return n8n's fuzzy compare: '3' is 3, 'true', '1' and 1 are true, all that is empty is alike, an object is its
    JSON.
    """
    if strictly_equal(a, b) or (_is_empty(a) and _is_empty(b)):
        return True
    if isinstance(b, str):
        a, b = b, a
    if isinstance(b, dict | list):
        return isinstance(a, str) and strictly_equal(_parse_or_text(a), b)
    if isinstance(b, bool) or isinstance(a, bool):
        return _truth(a) is not None and _truth(a) is _truth(b)
    return isinstance(a, str) and isinstance(b, int | float) and js_string(b) == a


_LIKE: Final[dict[str, str]] = {"": "empty", "0": "empty", "false": "empty", "1": "true"}


def likeness(value: Any) -> str:
    """Return the same text for all values that could be equal, strictly or fuzzily, so that few have to be compared."""
    if isinstance(value, str):
        parsed = _parse_or_text(value) if value[:1] in ("{", "[") else UNDEFINED
        if parsed is not UNDEFINED:
            return likeness(parsed)
        short = value.lower() if len(value) <= len("false") else value
        return _LIKE.get(short, short)
    if isinstance(value, dict):
        return "{" + ",".join(sorted(value))
    if isinstance(value, list):
        return f"[{len(value)}" if value else "empty"
    if isinstance(value, int | float):
        return "empty" if value == 0 else "true" if value == 1 else js_string(value)
    return "empty"


def _is_empty(value: Any) -> bool:
    return value is None or value is UNDEFINED or value in ("", [])


def _parse_or_text(text: str) -> Any:
    try:
        return parse_json(text)
    except NotJsonError:
        return UNDEFINED


def _truth(value: Any) -> bool | None:
    """Return the boolean that a value stands for, or None."""
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None
