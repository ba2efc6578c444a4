"""Zendesk: tickets, custom fields, and pages."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from runtime.contract import NodeError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_TICKET: Final = {
    "type": "type",
    "externalId": "external_id",
    "subject": "subject",
    "status": "status",
    "recipient": "recipient",
    "group": "group_id",
    "tags": "tags",
    "assigneeEmail": "assignee_email",
}


def ticket(scope: Scope) -> dict[str, Any]:
    """Return a ticket to create or to change. Raise NodeError."""
    parameters = scope.parameters
    create = parameters.get("operation") == "create"
    made: dict[str, Any] = {"comment": {"body": parameters.get("description", UNDEFINED)}} if create else {}
    if parameters.get("jsonParameters"):
        return {
            **made,
            **_members(_json(parameters.get("additionalFieldsJson" if create else "updateFieldsJson"))),
        }
    given = parameters.get("additionalFields" if create else "updateFields") or {}
    made |= {wire: given[name] for name, wire in _TICKET.items() if given.get(name)}
    if given.get("customFieldsUi"):
        made["custom_fields"] = given["customFieldsUi"].get("customFieldsValues") or []
    if given.get("internalNote"):
        made["comment"] = {"html_body": given["internalNote"], "public": False}
    if given.get("publicReply"):
        made["comment"] = {"body": given["publicReply"], "public": True}
    return made


def _json(value: Any) -> Any:
    try:
        return parse_json(value) if isinstance(value, str) and value else value or {}
    except NotJsonError as error:
        raise NodeError("Additional fields must be a valid JSON", description=str(error)) from error


def _members(value: Any) -> Mapping[str, Any]:
    """Return the members of a value; those of a list are named by their places, as in JavaScript."""
    if isinstance(value, list):
        return {str(i): each for i, each in enumerate(value)}
    return value if isinstance(value, Mapping) else {}


def fields(scope: Scope) -> dict[str, Any]:
    """Return a user or an organization to create or to change."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    own = {"userFieldsUi": ("userFieldValues", "user_fields")}
    own["organizationFieldsUi"] = ("organizationFieldValues", "organization_fields")
    made = {"name": parameters["name"]} if parameters.get("operation") == "create" else {}
    for name, (group, wire) in own.items():
        values = (given.pop(name, None) or {}).get(group) or []
        if values:
            given[wire] = {js_string(each.get("field", UNDEFINED)): each.get("value") for each in values}
    return made | given


def search(scope: Scope) -> str:
    """Return the query of a search for tickets."""
    given = scope.parameters.get("options", {})
    words = ["type:ticket", given.get("query")]
    words += [f"{name}:{js_string(given[name])}" for name in ("status", "group") if given.get(name)]
    return " ".join(js_string(each) for each in words if each)


def next_page(scope: Scope) -> Any:
    """Return the query of the next page; UNDEFINED after the last."""
    response = scope.names["response"]
    following = response.get("next_page") if isinstance(response, Mapping) else None
    return dict(parse_qsl(urlsplit(following).query)) if following else UNDEFINED
