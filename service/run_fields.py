"""Data that runs declare of themselves (n8n's Execution Data node), as they are found by: keyed hashes, since values are sealed."""

import hashlib
from collections.abc import Mapping
from typing import Final

from service.columns import Columns

__all__ = ["MAX_FIELDS", "field_forms", "field_hashes", "parse_field"]

MAX_FIELDS: Final = 50
"""Fields of a run that can be looked for; n8n keeps ten."""
DIGITS: Final = 32


def field_hashes(columns: Columns, fields: Mapping[str, str]) -> list[str]:
    """Return the hash of each field, as it is written."""
    few = list(fields.items())[:MAX_FIELDS]
    return list(dict.fromkeys(field_forms(columns, name, str(value))[0] for name, value in few))


def field_forms(columns: Columns, name: str, value: str) -> list[str]:
    """Return every form in which a field may be stored: under each data key, and from before there was one."""
    text = f"run field\x00{name}\x00{value}"
    clear = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return [each[:DIGITS] for each in (*columns.digests(text.encode("utf-8", "replace").decode()), clear)]


def parse_field(text: str) -> tuple[str, str] | None:
    """Return name and value of `name=value`; None: it is none."""
    name, sign, value = text.partition("=")
    return (name.strip(), value.strip()) if sign and name.strip() else None
