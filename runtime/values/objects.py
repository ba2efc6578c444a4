"""What JavaScript reads as the members of a value. A function node may give items whose json is text, a number or a list."""

from typing import Any

__all__ = ["members", "shallow_copy"]


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


def shallow_copy(value: Any) -> Any:
    """Return an object or list that may be written into; what is neither takes no members and is itself."""
    return value.copy() if isinstance(value, dict | list) else value
