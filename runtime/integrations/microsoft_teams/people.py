"""People and tags that a message mentions, and the members of a new chat, looked up in Graph."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeApiError, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["create_chat", "send_with_mentions"]

_FIELDS: Final = "id,displayName,userPrincipalName"
_FORBIDDEN: Final = "/\\:, %"
_NOT_FOUND: Final = 404


async def send_with_mentions(run: Run, scope: Scope) -> list[Item]:
    """Send a message to a channel or chat, or a reply, that mentions people or tags. Raise NodeError."""
    parameters, made, known = scope.parameters, list[dict[str, Any]](), dict[str, Any]()
    for i, each in enumerate((parameters.get("mentions") or {}).get("mention") or []):
        kind = "tag" if each.get("mentionType") == "tag" else "user"
        named = _id(each.get(f"{kind}Id"), f"The {kind} for mention {i + 1}", scope)
        if (found := known.get(f"{kind} {named}")) is None:
            told = f"Could not find the {'team tag' if kind == 'tag' else 'user'} for mention {i + 1}"
            found = known[f"{kind} {named}"] = await (_tag if kind == "tag" else _user)(run, scope, named, told)
        made.append(_mention(i, kind, found))
    tags = " ".join(f'<at id="{each["id"]}">{each["mentionText"]}</at>' for each in made)
    text = js_string(parameters.get("message") or "")
    at_end = (parameters.get("options") or {}).get("mentionPlacement") == "end"
    content = f"{text} {tags}" if at_end else f"{tags} {text}"
    body = {"body": {"contentType": "html", "content": content}, "mentions": made}
    return [{"json": await run.request(scope, method="POST", path=_path(scope), json=body)}]


def _path(scope: Scope) -> Template:
    if scope.parameters.get("resource") == "chatMessage":
        return Template("/v1.0/chats/{$chat}/messages")
    messages = "/beta{$team|path}/{$channel}/messages"
    if scope.parameters.get("operation") == "reply":
        return Template(messages + "/{messageId}/replies")
    replies = (scope.parameters.get("options") or {}).get("makeReply")
    return Template(messages + ("/{options.makeReply}/replies" if replies else ""))


def _id(given: Any, what: str, scope: Scope) -> str:
    """Return what a resource locator holds. Raise NodeError for what is no id."""
    value = FILTERS["locator"](given)
    text = "" if value is UNDEFINED or value is None else js_string(value).strip()
    if not text or not text.isascii() or any(each in text for each in _FORBIDDEN):
        raise NodeError(f"{what} is not valid", item=scope.index)
    return text


async def _user(run: Run, scope: Scope, named: str, told: str) -> Any:
    """Return a user by the id, the principal name or the address. Raise NodeError for one that is not there."""
    try:
        return await run.request(scope, path=f"/v1.0/users/{segment(named)}", query={"$select": _FIELDS})
    except NodeApiError as error:
        if error.http_code != str(_NOT_FOUND):
            raise
        if "@" not in named:
            raise NodeError(told, item=scope.index) from error
    quoted = named.replace("'", "''")
    query = {"$filter": f"mail eq '{quoted}'", "$select": _FIELDS, "$top": 2}
    answer = await run.request(scope, path="/v1.0/users", query=query)
    found = answer.get("value") if isinstance(answer, Mapping) else None
    if not isinstance(found, list) or len(found) != 1:
        raise NodeError(told, item=scope.index)
    return found[0]


async def _tag(run: Run, scope: Scope, named: str, told: str) -> Any:
    team = segment(FILTERS["locator"](scope.located("teamId", scope.parameters.get("teamId"))))
    try:
        return await run.request(scope, path=f"/v1.0/teams/{team}/tags/{segment(named)}")
    except NodeApiError as error:
        if error.http_code != str(_NOT_FOUND):
            raise
        raise NodeError(told, item=scope.index) from error


def _mention(number: int, kind: str, found: Any) -> dict[str, Any]:
    name = found.get("displayName", UNDEFINED) if isinstance(found, Mapping) else UNDEFINED
    if name is UNDEFINED or name is None:
        raise unreadable(name, "replaceAll")
    escaped = js_string(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    who = {"id": found.get("id"), "displayName": name} | ({"userIdentityType": "aadUser"} if kind == "user" else {})
    return {"mentionText": escaped, "mentioned": {kind: who}, "id": number}


async def create_chat(run: Run, scope: Scope) -> list[Item]:
    """Make a chat of the signed-in user with others. Raise NodeError."""
    parameters = scope.parameters
    own = await run.request(scope, path="/v1.0/me", query={"$select": "id,userPrincipalName,userType"})
    members, seen = [_member(own, "owner")], {js_string(own.get("id", UNDEFINED))}
    for i, each in enumerate((parameters.get("members") or {}).get("member") or []):
        named = _id(each.get("userId"), f"The user for participant {i + 1}", scope)
        found = await _user(run, scope, named, f"Could not find the user for participant {i + 1}")
        if js_string(found.get("id", UNDEFINED)) in seen:
            raise NodeError(f"Two participants are the same person (participant {i + 1})", item=scope.index)
        seen.add(js_string(found.get("id", UNDEFINED)))
        members.append(_member(found, each.get("role", "owner")))
    group = parameters.get("chatType") == "group"
    body: dict[str, Any] = {"chatType": parameters.get("chatType"), "members": members}
    if group and parameters.get("topic"):
        body["topic"] = parameters.get("topic")
    return [{"json": await run.request(scope, method="POST", path="/v1.0/chats", json=body)}]


def _member(user: Mapping[str, Any], role: Any) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": [role],
        "user@odata.bind": f"https://graph.microsoft.com/v1.0/users('{js_string(user.get('id'))}')",
    }
