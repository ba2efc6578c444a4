"""What Postgres can store: text without NUL and without half surrogates, numbers within their columns."""

import math
import re
from typing import Any, Final

__all__ = ["MAX_BIGINT", "MAX_INTEGER", "storable_count", "storable_json", "storable_text"]

MAX_INTEGER: Final = 2**31 - 1
MAX_BIGINT: Final = 2**63 - 1
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
MAX_DEPTH: Final = 100
"""Levels of nesting of JSON; what is deeper is cut off."""


def storable_text(text: str, limit: int | None = None) -> str:
    """Return text with U+FFFD in place of each NUL and each half of a surrogate pair, `limit` characters at most."""
    return UNSTORABLE.sub(REPLACEMENT, text if limit is None else text[:limit])


def storable_json(value: Any, depth: int = 0) -> Any:
    """Return a JSON value whose texts Postgres stores and every reader can encode. Infinity and NaN become null."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | list | tuple) and depth >= MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {storable_text(str(name)): storable_json(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(each, depth + 1) for each in value]
    return value


def storable_count(value: Any, most: int = MAX_BIGINT) -> int:
    """Return a count from 0 to `most`. What is no number counts as 0; one that is out of range is cut to it."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return 0
    except OverflowError:  # infinity
        return most if value > 0 else 0
    return min(max(number, 0), most)
