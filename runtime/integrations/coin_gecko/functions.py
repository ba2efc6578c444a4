"""CoinGecko: the pages of markets, and prices as items."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

_PAGE: Final = 100


def next_page(scope: Scope) -> Any:
    """Return the number of the next page, counted from 1; UNDEFINED after one that is not full."""
    return scope.names["page"] + 2 if len(scope.names["found"]) >= _PAGE else UNDEFINED


def prices(scope: Scope) -> list[Any]:
    """Return an item per currency, under its own name."""
    found = scope.names["response"]
    return [{name: each} for name, each in found.items()] if isinstance(found, Mapping) else [found]
