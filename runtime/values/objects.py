"""What JavaScript reads as the members of a value. A function node may give items whose json is text, a number or a list."""

from typing import Any, Final

__all__ = ["UNSAFE_KEYS", "members", "safe_copy", "without_unsafe_keys"]

UNSAFE_KEYS: Final = frozenset({"__proto__", "constructor", "prototype"})
"""Names that every object of JavaScript has already: n8n's deep copy leaves members out that are called so, and lodash writes to none."""


def members(value: Any) -> dict[str, Any]:
    """Return the members that `{...value}` has: an object itself, a list by index, text by UTF-16 unit; others have none."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(index): each for index, each in enumerate(value)}
    if not isinstance(value, str):
        return {}
    units = value.encode("utf-16-le", "surrogatepass")
    return {str(at // 2): units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)}


def safe_copy(value: Any) -> Any:
    """Return an object or list that may be written into, as n8n's deep copy makes it: without unsafe keys at any depth. What lies
    inside is shared; what is neither object nor list takes no members and is itself.
    """
    safe = without_unsafe_keys(value)
    return value.copy() if safe is value and isinstance(value, dict | list) else safe


def without_unsafe_keys(value: Any) -> Any:
    """Return a value without members that have an unsafe key, at any depth; the value itself where it has none."""
    if not _has_unsafe_key(value):
        return value
    if isinstance(value, list):
        return [without_unsafe_keys(each) for each in value]
    return {key: without_unsafe_keys(each) for key, each in value.items() if key not in UNSAFE_KEYS}


def _has_unsafe_key(value: Any) -> bool:
    if isinstance(value, dict):
        if "__proto__" in value or "constructor" in value or "prototype" in value:
            return True
        inside = value.values()
    elif isinstance(value, list):
        inside = value  # type: ignore[assignment]  # either is walked
    else:
        return False
    for each in inside:  # noqa: SIM110 - a generator costs more than what it walks: most items are flat
        if isinstance(each, dict | list) and _has_unsafe_key(each):
            return True
    return False
