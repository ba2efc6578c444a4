"""Rocket.Chat: the body of a message."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope


def message(scope: Scope) -> dict[str, Any]:
    """Return the body. Attachments that are not JSON are none, as in n8n."""
    parameters = scope.parameters
    body: dict[str, Any] = {"channel": parameters.get("channel"), "text": parameters.get("text")}
    body |= {name: each for name, each in (parameters.get("options") or {}).items() if each}
    if parameters.get("jsonParameters"):
        given = parameters.get("attachmentsJson")
        body["attachments"] = _parsed(given) if given else []
        return body
    attachments = [_attachment(each) for each in parameters.get("attachments") or [] if isinstance(each, Mapping)]
    return body | ({"attachments": attachments} if attachments else {})


def _parsed(text: Any) -> Any:
    try:
        return FILTERS["json"](text)
    except NodeError:
        return []


def _attachment(given: Mapping[str, Any]) -> dict[str, Any]:
    made = {snake_case(name): each for name, each in given.items() if name != "fields" and not is_empty(each)}
    fields = (given.get("fields") or {}).get("fieldsValues")
    return made | ({"fields": fields} if fields else {})


def more_messages(scope: Scope) -> bool:
    """Return whether there are messages after those that were collected."""
    answer = scope.names["response"]
    total = answer.get("total") if isinstance(answer, Mapping) else None
    return isinstance(total, int | float) and total > scope.names["collected"]
