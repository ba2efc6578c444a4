"""HubSpot Trigger: the events of a delivery."""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.scope import Scope

_ID: Final = {
    "contact": "contactId",
    "company": "companyId",
    "deal": "dealId",
    "ticket": "ticketId",
    "conversation": "conversationId",
}
"""Kind of object -> the member that n8n gives its id."""


def events(scope: Scope) -> list[Any]:
    """Return each event, with the id of its object under a name that says what it is. Raise NodeError for what is no event."""
    body = scope.names["body"]
    return [_event(each) for each in (body if isinstance(body, list) else [body])]


def _event(event: Any) -> dict[str, Any]:
    type_ = event.get("subscriptionType") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(type_, str):
        raise NodeError("An event of the delivery has no subscriptionType: it is not one of HubSpot")
    kind = next((each for each in _ID if each in type_), None)
    named = {_ID[kind]: event["objectId"]} if kind is not None and "objectId" in event else {}
    return {
        **{name: each for name, each in event.items() if name != "objectId"},
        **named,
    }  # as in n8n, also where it has no other name
