"""Hacker News: the pages of a search."""

from typing import Any

from runtime.integrations.scope import Scope
from runtime.values.javascript import truthy
from schemas.item import UNDEFINED


def next_page(scope: Scope) -> Any:
    """Return the number of the next page, counted from 0; UNDEFINED after the last."""
    following = scope.names["page"] + 1
    return following if following < (scope.names["response"].get("nbPages") or 0) else UNDEFINED


def hits(scope: Scope) -> Any:
    """Return what was found; UNDEFINED, which gives one empty item, when the answer has no list."""
    whole = "hits" in scope.names["response"] or truthy(scope.parameters.get("returnAll"))
    return scope.names["items"] if whole else UNDEFINED
