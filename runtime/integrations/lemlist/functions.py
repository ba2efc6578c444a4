"""lemlist: pages of a hundred."""

from typing import Final

from runtime.integrations.scope import Scope

PAGE: Final = 100


def is_full(scope: Scope) -> bool:
    """Return whether a page is full, so that there may be another."""
    return len(scope.names.get("found") or []) >= PAGE


def next_offset(scope: Scope) -> int:
    """Return how many elements there are already."""
    return int(scope.names["collected"])
