"""Spotify: bodies, which n8n sends as text, and the results of a search."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED


def plain_id(scope: Scope) -> Any:
    """Return the id of `spotify:album:1x2y` of the resource, or the id itself. Raise NodeError for what is no text."""
    given = scope.parameters.get("id", UNDEFINED)
    if scope.parameters.fact("id") is None:
        return given
    if given is None or given is UNDEFINED:
        raise unreadable(given, "replace", scope.index)
    if not isinstance(given, str):
        raise ThrownError("uri.replace is not a function", item=scope.index)
    return given.replace(f"spotify:{js_string(scope.parameters.get('resource'))}:", "", 1)


def body(scope: Scope) -> Any:
    """Return the body of the operation as JSON text."""
    parameters = scope.parameters
    if parameters.get("resource") == "player":
        return json_stringify({"context_uri": parameters.get("id")})
    if parameters.get("operation") == "delete":
        return json_stringify({"tracks": [{"uri": parameters.get("trackID")}]})
    return json_stringify({"name": parameters.get("name")} | dict(parameters.get("additionalFields") or {}))


def found(scope: Scope) -> Any:
    """Return the elements of a page of a search."""
    return _page(scope).get("items") or []


def next_search(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    return _page(scope).get("next") or UNDEFINED


def _page(scope: Scope) -> Mapping[str, Any]:
    answer = scope.names["response"]
    found = answer.get(f"{js_string(scope.parameters.get('resource'))}s")
    return found if isinstance(found, Mapping) else answer
