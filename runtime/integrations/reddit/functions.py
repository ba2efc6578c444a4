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


def created(scope: Scope) -> Any:
    """Return the post that was made: UNDEFINED where Reddit refused. Raise NodeError for another answer."""
    return member_of_answer(member_of_answer(scope.names["response"], "json"), "data")


def trophies(scope: Scope) -> Any:
    """Return the trophies of the user. Raise NodeError for an answer without a list of them."""
    listing = member_of_answer(scope.names["response"], "data")
    return FILTERS["pluck"](elements_of(listing, "trophies", "map"), "data")


def trending(scope: Scope) -> Any:
    """Return the names of subreddits, each an object. Raise NodeError for an answer without a list of them."""
    names = elements_of(scope.names["response"], "subreddit_names", "map")
    return _cut([{"name": each} for each in names], scope)


def found_subreddits(scope: Scope) -> Any:
    """Return the subreddits of a search: the answer itself where it lists none."""
    answer = scope.names["response"]
    found = member_of_answer(answer, "subreddits")
    return answer if found is UNDEFINED else _cut(found, scope)


def _cut(found: Any, scope: Scope) -> Any:
    return found if scope.parameters.get("returnAll") else FILTERS["limit"](found, scope.parameters.get("limit"))


def _first(answer: Any) -> Any:
    return next(iter(answer), UNDEFINED) if isinstance(answer, list) else UNDEFINED


def posted_comment(scope: Scope) -> Any:
    """Return the comment that was posted. Raise NodeError for an answer without one, which is how Reddit refuses."""
    answer = member_of_answer(member_of_answer(scope.names["response"], "json"), "data")
    return member_of_answer(_first(elements_of(answer, "things", "0")), "data")
