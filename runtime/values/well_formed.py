"""Text of JavaScript on its way to where only Unicode goes: halves of surrogate pairs, and null characters."""

import re
from typing import Any, Final

__all__ = ["abbreviate", "well_formed", "well_formed_json", "without_null"]

_HALF: Final = re.compile("[\ud800-\udfff]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def well_formed(text: str) -> str:
    """Return text with U+FFFD for each lone surrogate, as String.prototype.toWellFormed does."""
    return text if text.isascii() else _HALF.sub(REPLACEMENT, text)


def without_null(text: str) -> str:
    """Return text that Postgres takes: well formed, and with U+FFFD for each null character."""
    return well_formed(text).replace("\0", REPLACEMENT)


def well_formed_json(value: Any) -> Any:
    """Return a JSON value with all its text and keys well formed. For answers; a value that has nothing to replace is
    returned as it is.
    """
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {well_formed(key): well_formed_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [well_formed_json(each) for each in value]
    return value


def abbreviate(text: str, characters: int) -> str:
    """Return well-formed text of at most this many characters; a longer one ends with its full length."""
    if len(text) <= characters:
        return well_formed(text)
    return f"{well_formed(text[:characters])}… ({len(text):,} characters)"
