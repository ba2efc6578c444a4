"""SerpApi: the query of a search."""

from typing import Any, Final

from runtime.integrations.scope import Scope

_OWN: Final = ("resource", "operation", "additionalFields", "requestOptions")


def query(scope: Scope) -> dict[str, Any]:
    """Return the engine, which is the operation, and all that the node has of the search; what is empty is not sent."""
    parameters = scope.parameters
    given = {name: each for name, each in parameters.items() if name not in _OWN}
    given |= parameters.get("additionalFields") or {}
    sent = {name: each for name, each in given.items() if each != "" and each is not None}
    return {"engine": parameters.get("operation"), **sent}
