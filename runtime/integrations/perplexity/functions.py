"""Perplexity: the bodies of its requests. What is no JSON where n8n's node reads some is left out, as its expressions do."""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["agent", "embedding", "search"]

_FILTERS: Final = frozenset({"lastUpdatedAfter", "lastUpdatedBefore", "searchAfterDate", "searchBeforeDate"})
"""Dates whose name in the request ends with `_filter`."""


def agent(scope: Scope) -> dict[str, Any]:
    """Return the body of a question to an agent."""
    parameters = scope.parameters
    body = {
        "input": _given(scope, "input"),
        "model": FILTERS["locator"](_given(scope, "model")),
        "preset": _given(scope, "preset"),
    }
    for name, value in (parameters.get("options") or {}).items():
        if is_empty(value):
            continue
        if name == "modelsFallback":
            body["models"] = FILTERS["split"](value)
        else:
            body[snake_case(name)] = _json(value) if name in ("reasoning", "responseFormat", "tools") else value
    return body


def embedding(scope: Scope) -> dict[str, Any]:
    """Return the body of a request for the vectors of texts."""
    parameters = scope.parameters
    given, options = _given(scope, "input"), parameters.get("options") or {}
    body = {"model": _given(scope, "model")}
    if parameters.get("operation") == "createEmbedding":
        body["input"] = [given] if isinstance(given, str) else UNDEFINED
    else:
        body["input"] = _json(given) if isinstance(given, str) else UNDEFINED
    return body | {name: each for name, each in options.items() if each}


def search(scope: Scope) -> dict[str, Any]:
    """Return the body of a search."""
    body = {"query": _given(scope, "query")}
    for name, value in (scope.parameters.get("options") or {}).items():
        if is_empty(value):
            continue
        if name in ("searchDomainFilter", "searchLanguageFilter"):
            body[snake_case(name)] = FILTERS["split"](value)
        else:
            body[snake_case(name) + ("_filter" if name in _FILTERS else "")] = value
    return body


def _given(scope: Scope, name: str) -> Any:
    return scope.parameters.get(name, UNDEFINED)


def _json(text: Any) -> Any:
    if not isinstance(text, str):
        return UNDEFINED
    try:
        return FILTERS["json"](text)
    except NodeError:
        return UNDEFINED


def is_worded(scope: Scope) -> bool:
    """Return whether n8n has words of its own for the status of an answer."""
    return js_string(scope.names["status"]) in scope.tables["statuses"]
