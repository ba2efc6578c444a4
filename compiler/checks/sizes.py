"""Names and pinned data that exceed the limits of Temporal."""

import json
from collections.abc import Iterator
from typing import Final

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic, pointer
from schemas.diagnostic.limits import NameTooLong, TooMuchPinned

MAX_NAME_BYTES: Final = 500
"""Bytes of UTF-8. Temporal accepts ids of up to 1,000; ours add run, attempt and sequence number to the name."""
MAX_PINNED_CHARACTERS: Final = 2 * 1024 * 1024
"""Characters of one node's pinned data as JSON."""


def sizes(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about node names and pinned data that are too large for Temporal."""
    assert unit.export is not None
    for name, bound in unit.bound.items():
        size = len(name.encode("utf-8", "surrogatepass"))
        if size > MAX_NAME_BYTES:
            yield NameTooLong(at=bound.at.within("name"), name=name[:40] + "…", size=size, limit=MAX_NAME_BYTES)
    for name, items in unit.export.pin_data.items():
        size = len(json.dumps(items))
        if size > MAX_PINNED_CHARACTERS:
            yield TooMuchPinned(at=unit.at("/pinData" + pointer(name), name), node=name, size=size)
