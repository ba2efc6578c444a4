"""n8n: the address of an instance, and the parts of a workflow that its API takes."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_DEFAULTS: Final[Mapping[str, Any]] = {
    "name": "My workflow", "nodes": [], "connections": {}, "settings": {}, "staticData": None,
}  # fmt: skip


def address(scope: Scope) -> str:
    """Return the address of the instance's API without a slash at its end."""
    return js_string(scope.credential.get("baseUrl", "")).rstrip("/")


def created(scope: Scope) -> dict[str, Any]:
    """Return the body of a new workflow: the parts that the API takes, with defaults."""
    given = _workflow(scope)
    return {name: given.get(name) or default for name, default in _DEFAULTS.items()}


def updated(scope: Scope) -> Any:
    """Return the parts of a workflow that are given; UNDEFINED when there are none."""
    given = _workflow(scope)
    return {name: given[name] for name in _DEFAULTS if given.get(name) not in (None, "")} or UNDEFINED


def _workflow(scope: Scope) -> Mapping[str, Any]:
    given = _parsed(scope, "workflowObject")
    if given is None:
        raise unreadable(given, "name", scope.index)
    return given if isinstance(given, Mapping) else {}


def data(scope: Scope) -> Any:
    """Return the data of a new credential."""
    return _parsed(scope, "data")


def _parsed(scope: Scope, name: str) -> Any:
    """Return what a parameter is as JSON. Raise NodeError for what is none, such as an object."""
    try:
        return parse_json(js_string(scope.parameters.get(name, UNDEFINED)))
    except NotJsonError as error:
        told = f"The '{name}' property must be valid JSON, but cannot be parsed"
        raise NodeError(told, description=error.message, item=scope.index) from error
