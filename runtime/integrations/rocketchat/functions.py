"""Rocket.Chat: the body of a message."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope


def message(scope: Scope) -> dict[str, Any]:
    """Return the body. Raise NodeError for attachments that are not JSON."""
    parameters = scope.parameters
    body: dict[str, Any] = {"channel": parameters.get("channel"), "text": parameters.get("text")}
    body |= {name: each for name, each in (parameters.get("options") or {}).items() if each}
    if parameters.get("jsonParameters"):
        given = parameters.get("attachmentsJson")
        body["attachments"] = FILTERS["json"](given) if given else []
        return body
    attachments = [_attachment(each) for each in parameters.get("attachments") or [] if isinstance(each, Mapping)]
    return body | ({"attachments": attachments} if attachments else {})


def _attachment(given: Mapping[str, Any]) -> dict[str, Any]:
    made = {snake_case(name): each for name, each in given.items() if name != "fields" and not is_empty(each)}
    fields = (given.get("fields") or {}).get("fieldsValues")
    return made | ({"fields": fields} if fields else {})
