"""What failures have in common: failures of one cause have one fingerprint, whatever ids, numbers and values their messages quote."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from service.columns import Columns

__all__ = ["fingerprint", "shape_of"]

MAX_CHARACTERS: Final = 300
"""Of the first line of a message."""
DIGITS: Final = 32
"""Hexadecimal digits of a fingerprint."""
QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|“[^”]*”")
VARYING: Final = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|\b[0-9A-Fa-f]{8,}\b|\b(?![45][0-9]{2}\b)[0-9]+|(?<=[A-Za-z_])[0-9]+"
)
"""A number of three digits that may be a status of HTTP stays: 401 is another cause than 503."""


def fingerprint(columns: Columns, error: Mapping[str, Any] | None) -> str | None:
    """Return the fingerprint of a run's error; None: it has none.

    It is a keyed hash as soon as the tenant has a data key, since messages are sealed: under the oldest key, so that groups outlive
    a rotation.
    """
    if error is None:
        return None
    shape = shape_of(error)
    keyed = columns.digests(shape)
    return (keyed[-1] if keyed else hashlib.sha256(shape.encode("utf-8", "replace")).hexdigest())[:DIGITS]


def shape_of(error: Mapping[str, Any]) -> str:
    """Return node, name and message of an error, without what differs from run to run."""
    node = error.get("node")
    name = node.get("name") if isinstance(node, Mapping) else node
    line = (str(error.get("message") or "").splitlines() or [""])[0][:MAX_CHARACTERS]
    return "\n".join(
        (
            str(name or ""),
            str(error.get("name") or ""),
            str(error.get("httpCode") or ""),
            VARYING.sub("#", QUOTED.sub("'…'", line)),
        )
    )
