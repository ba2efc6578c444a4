"""Reddit: posts and comments in the answers. A refusal of Reddit is often an answer without them."""

from typing import Any

from runtime.integrations.answers import elements_of, member_of_answer, unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED


def post(scope: Scope) -> Any:
    """Return the post of an answer. Raise NodeError for an answer without one."""
    listing = member_of_answer(_first(scope.names["response"]), "data")
    return member_of_answer(_first(elements_of(listing, "children", "0")), "data")


def posts(scope: Scope) -> Any:
    """Return the posts of a page. Raise NodeError for an answer without a list of them."""
    listing = member_of_answer(scope.names["response"], "data")
    if listing is None or listing is UNDEFINED:
        raise unreadable(listing, "after")
    return FILTERS["pluck"](member_of_answer(listing, "children"), "data")


def _first(answer: Any) -> Any:
    return next(iter(answer), UNDEFINED) if isinstance(answer, list) else UNDEFINED


def posted_comment(scope: Scope) -> Any:
    """Return the comment that was posted. Raise NodeError for an answer without one, which is how Reddit refuses."""
    answer = member_of_answer(member_of_answer(scope.names["response"], "json"), "data")
    return member_of_answer(_first(elements_of(answer, "things", "0")), "data")
