"""lemlist: pages of a hundred."""

from typing import Any, Final

from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

PAGE: Final = 100


def next_offset(scope: Scope) -> Any:
    """Return how many records there are already; UNDEFINED after a page that is not full."""
    return scope.names["collected"] if len(scope.names["found"] or []) >= PAGE else UNDEFINED
