"""What a text of SQL does, as far as n8n looks at it."""

import re
from typing import Final

__all__ = ["only_reads"]

_COMMENT_OR_TEXT: Final = re.compile(r"--[^\n]*+|/\*(?>.*?\*/)|'(?:[^']|'')*+'|\$(\w*)\$(?>.*?\$\1\$)", re.DOTALL)
_CHANGES: Final = re.compile(
    r"\s*(?:insert|update|delete|create|alter|drop|truncate|merge|do|set|begin|commit|call|comment|analyze|copy|table)\b",
    re.IGNORECASE,
)
_MAX_CHARACTERS: Final = 1_000_000
"""A text that is longer is data with a statement around it."""


def only_reads(text: str) -> bool:
    """Return whether every statement of a text is a SELECT: without rows, n8n then gives no item, else `{success: true}`."""
    if len(text) > _MAX_CHARACTERS:
        return False
    parts = _COMMENT_OR_TEXT.sub(" ", text).split(";")
    return all("select" in each.lower() and not _CHANGES.match(each) for each in parts if each.strip())
