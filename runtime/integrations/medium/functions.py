"""Medium: the body of a post, and lists of publications."""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import member_of_answer, spliced
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope

_TAG: Final = 25
"""Characters of a tag, by Medium's documentation."""


def post(scope: Scope) -> dict[str, Any]:
    """Return the body. Raise NodeError for a tag that is longer than Medium takes."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or {}
    tags = FILTERS["split"](given.get("tags") or "")
    if any(len(each) > _TAG for each in tags):
        raise NodeError(f"A tag has at most {_TAG} characters", item=scope.index)
    body = {"tags": tags, "title": parameters.get("title"), "contentFormat": parameters.get("contentFormat")}
    body["content"] = parameters.get("content")
    names = ("canonicalUrl", "publishStatus", "license", "notifyFollowers")
    return body | {name: given[name] for name in names if given.get(name)}


def publications(scope: Scope) -> Any:
    """Return publications, up to the limit. Raise NodeError for what is no list."""
    found = member_of_answer(scope.names["response"], "data")
    return found if scope.parameters.get("returnAll") else spliced(found, scope.parameters.get("limit"))
