"""PhantomBuster: the body that launches an agent, and lists of agents."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.answers import spliced
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def launch(scope: Scope) -> dict[str, Any]:
    """Return the body. Raise NodeError for arguments that are not JSON."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or {})
    body = {"id": parameters.get("agentId")}
    if parameters.get("jsonParameters"):
        for name, wire, shown in (
            ("argumentsJson", "arguments", "Arguments"),
            ("bonusArgumentJson", "bonusArgument", "Bonus Argument"),
        ):
            if given.get(name):
                body[wire] = _parsed(given[name], shown)
    else:
        for name, group, wire in (
            ("argumentsUi", "argumentValues", "arguments"),
            ("bonusArgumentUi", "bonusArgumentValue", "bonusArgument"),
        ):
            if pairs := _pairs(given.get(name), group):
                body[wire] = pairs
    names = ("argumentsJson", "bonusArgumentJson", "argumentsUi", "bonusArgumentUi")
    return body | {name: each for name, each in given.items() if name not in names}


def _parsed(text: Any, shown: str) -> Any:
    try:
        return FILTERS["json"](text)
    except NodeError as error:
        raise NodeError(f"{shown} must provide a valid JSON", description=error.message) from error


def _pairs(collection: Any, group: str) -> dict[str, Any]:
    found = collection.get(group) if isinstance(collection, Mapping) else None
    return {
        js_string(each.get("key", UNDEFINED)): each.get("value") for each in found or [] if isinstance(each, Mapping)
    }


def agents(scope: Scope) -> Any:
    """Return the agents, up to the limit. Raise NodeError for what is no list."""
    found = scope.names["response"]
    return found if scope.parameters.get("returnAll") else spliced(found, scope.parameters.get("limit"))
