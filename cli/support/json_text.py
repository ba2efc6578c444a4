"""JSON text that any terminal and file accepts."""

import json
import re
from typing import Any, Final

__all__ = ["json_text", "printable"]

SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half of a character outside the Basic Multilingual Plane: JavaScript cuts text anywhere, UTF-8 has no code for it."""


def json_text(document: Any, indent: int | None = None) -> str:
    """Return JSON in clear text, where half of a surrogate pair stays an escape, which reads back."""
    return printable(json.dumps(document, ensure_ascii=False, indent=indent))


def printable(text: str) -> str:
    """Return text that can be encoded as UTF-8: each half of a surrogate pair as its escape."""
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
