"""HubSpot Trigger: the events of a delivery."""

from typing import Any, Final

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
    """Return each event, with the id of its object under a name that says what it is."""
    body = scope.names["body"]
    return [_event(each) for each in (body if isinstance(body, list) else [body]) if isinstance(each, dict)]


def _event(event: dict[str, Any]) -> dict[str, Any]:
    kind = str(event.get("subscriptionType") or "").partition(".")[0]
    if kind not in _ID or "objectId" not in event:
        return event
    return {**{name: each for name, each in event.items() if name != "objectId"}, _ID[kind]: event["objectId"]}
