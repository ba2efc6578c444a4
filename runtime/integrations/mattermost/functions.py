"""Mattermost: the server's address, attachments of a message, and names of emojis."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.answers import ThrownError, member_of_answer, sliced
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def base(scope: Scope) -> str:
    """Return the address of the API."""
    return js_string(scope.credential.get("baseUrl", "")).rstrip("/") + "/api/v4"


def invited(scope: Scope) -> list[str]:
    """Return the addresses to invite, with the blanks beside their commas, as n8n sends them."""
    return js_string(scope.parameters.get("emails", "")).split(",")


def user_ids(scope: Scope) -> list[str]:
    """Return the ids to look up, with the blanks beside their commas, as n8n sends them."""
    return js_string(scope.parameters.get("userIds", "")).split(",")


def member_ids(scope: Scope) -> list[Any]:
    """Return the ids of the users of a list of members. Raise NodeError for what is no list."""
    members = scope.names["response"]
    if not isinstance(members, list):
        raise ThrownError("responseData.map is not a function")
    return [member_of_answer(each, "user_id") for each in sliced(members, scope.parameters.get("limit"))]


def sliced_channels(scope: Scope) -> Any:
    """Return the channels that were found, up to the limit. Raise NodeError for what is no list."""
    found = scope.names["response"]
    return found if scope.parameters.get("returnAll") else sliced(found, scope.parameters.get("limit"))


def sliced_reactions(scope: Scope) -> Any:
    """Return reactions, up to the limit: none for null. Raise NodeError for what is no list."""
    found = scope.names["response"]
    return [] if found is None else sliced_channels(scope)


def user(scope: Scope) -> dict[str, Any]:
    """Return the body of a user to create."""
    parameters = scope.parameters
    service = parameters.get("authService")
    made = {
        "auth_service": service,
        "username": parameters.get("username"),
        **(parameters.get("additionalFields") or {}),
    }
    notices = made.get("notificationUi")
    if isinstance(notices, Mapping) and notices.get("notificationValues") is not None:
        made["notify_props"] = notices["notificationValues"]
    names = {"email": "email", "password": "password"} if service == "email" else {"auth_data": "authData"}
    return made | {wire: parameters.get(name, UNDEFINED) for wire, name in names.items() if name in parameters}


def emoji(scope: Scope) -> str:
    """Return the name of an emoji without its colons."""
    return js_string(scope.parameters.get("emojiName", "")).replace(":", "")


def attachments(scope: Scope) -> Any:
    """Return the attachments of a message; UNDEFINED: none."""
    given = scope.parameters.get("attachments")
    listed = given if isinstance(given, list) else []
    return [_attachment(each) for each in listed if isinstance(each, Mapping)]


def _attachment(given: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(given)
    for name in ("actions", "fields"):
        if isinstance(made.get(name), Mapping):
            entries = made.pop(name).get("item")
            if entries:
                made[name] = [_action(each) if name == "actions" else each for each in entries]
    return made


def _action(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a button or a menu: what is only for the other is left out, as in n8n."""
    made = {name: each for name, each in given.items() if name != "integration"}
    if made.pop("type", "button") == "button":
        made.pop("options", None)
        made.pop("data_source", None)
    else:
        made["type"] = "select"
        options = (made.pop("options", None) or {}).get("option")
        source = made.pop("data_source", "custom")
        made |= {"options": options or []} if source == "custom" else {"data_source": source}
    integration = (given.get("integration") or {}).get("item") or {}
    if integration:
        properties = (integration.get("context") or {}).get("property") or []
        context = {js_string(each.get("name", UNDEFINED)): each.get("value") for each in properties}
        made["integration"] = {"url": integration.get("url", UNDEFINED), **({"context": context} if context else {})}
    return made
