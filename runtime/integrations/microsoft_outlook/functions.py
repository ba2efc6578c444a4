"""Microsoft Outlook: bodies of messages and events, and the queries of lists."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.files import encoded
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.microsoft_outlook.records import (
    add_attachment,
    attachment_fields,
    contact,
    contact_filter,
    event_changes,
    get_message,
)
from runtime.integrations.operation import Run
from runtime.integrations.questions import question_html
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "add_attachment", "attachment_fields", "changes", "contact", "contact_filter", "draft", "draft_recipients", "event",
    "event_changes", "fields", "get_message", "list_events", "listing", "question", "recipients", "reply", "reply_v1", "send",
    "shown", "untrimmed_recipients",
]  # fmt: skip

_LISTS: Final = ("bccRecipients", "ccRecipients", "replyTo", "sender", "toRecipients")
_SIMPLE: Final = {
    "message": "id,conversationId,subject,bodyPreview,from,toRecipients,categories,hasAttachments",
    "draft": "id,conversationId,subject,bodyPreview,from,toRecipients,categories,hasAttachments",
    "contact": "id,displayName,emailAddresses,businessPhones,mobilePhone",
    "folderMessage": "id,conversationId,subject,bodyPreview,from,toRecipients,categories,hasAttachments",
    "event": "id,subject,bodyPreview,start,end,organizer,attendees,webLink",
    "messageAttachment": "id,lastModifiedDateTime,name,contentType,size,isInline",
}
_PAGE: Final = {
    "items": Template("{$response.value}"),
    "next": {"url": Template("{$response|get('@odata.nextLink')}")},
}


def _person(address: str) -> dict[str, Any]:
    return {"emailAddress": {"address": address}}


def _people(value: Any, *, trimmed: bool = True) -> list[dict[str, Any]]:
    """Return the people of a text with commas, beside which version 1 of the node leaves the blanks."""
    if trimmed or isinstance(value, list):
        return [_person(js_string(each).strip()) for each in FILTERS["split"](value or "")]
    return [_person(each) for each in js_string(value or "").split(",") if each]


def _message(given: Mapping[str, Any], *, changes: bool = False, trimmed: bool = True) -> dict[str, Any]:
    """Return fields of the node as a message of the API, without its files. A new one has a text; a change may have none."""
    made: dict[str, Any] = {}
    body = {
        name: given[key]
        for name, key in (("content", "bodyContent"), ("contentType", "bodyContentType"))
        if key in given
    }
    if body and changes:
        made["body"] = body
    elif body:
        made["body"] = {**body, "content": body.get("content") or " "}
    for name, each in given.items():
        if is_empty(each) and name != "subject":
            continue
        if name in _LISTS:
            made[name] = _people(each, trimmed=trimmed)
        elif name == "from":
            made[name] = _person(js_string(each))
        elif name == "internetMessageHeaders":
            made[name] = each.get("headers") or []
        elif name not in ("attachments", "bodyContent", "bodyContentType", "saveToSentItems"):
            made[name] = each
    return made


def draft(scope: Scope) -> dict[str, Any]:
    """Return the body of a draft."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or {})
    texts = {"subject": parameters.get("subject", ""), "bodyContent": parameters.get("bodyContent", "")}
    return _message({**given, **texts}, trimmed=scope.version > 1)


def changes(scope: Scope) -> dict[str, Any]:
    """Return the members of a message that change. Raise NodeError for a message without one, from version 2 of the node on."""
    made = _message(scope.parameters.get("updateFields") or {}, changes=True, trimmed=scope.version > 1)
    if not made and scope.version > 1 and scope.parameters.get("resource") == "message":
        raise NodeError("No fields to update got specified", item=scope.index)
    return made


def recipients(scope: Scope) -> list[dict[str, Any]]:
    """Return those who get a message. Raise NodeError for what is neither a text nor a list, from version 2 of the node on."""
    given = scope.parameters.get("toRecipients")
    if scope.version > 1 and given is not None and not isinstance(given, str | list):
        raise NodeError('The "toRecipients" field must be a string or an array of strings', item=scope.index)
    return _people(given, trimmed=scope.version > 1)


def draft_recipients(scope: Scope) -> list[dict[str, Any]]:
    """Return those who get a draft."""
    return _people(scope.parameters.get("to"))


def untrimmed_recipients(scope: Scope) -> list[dict[str, Any]]:
    """Return those who get a draft in version 1, with the blanks beside their commas, as n8n sends them."""
    text = js_string((scope.parameters.get("additionalFields") or {}).get("recipients", ""))
    return [_person(each) for each in text.split(",")]


def question(scope: Scope) -> str:
    """Return the text of a question."""
    return f"<html><body>{question_html(scope)}</body></html>"


async def _files(run: Run, scope: Scope, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    files = []
    for each in (given.get("attachments") or {}).get("attachments") or []:
        content, ref = await encoded(run, scope.index, js_string(each.get("binaryPropertyName", UNDEFINED)))
        files.append(
            {"@odata.type": "#microsoft.graph.fileAttachment", "name": ref.get("fileName"), "contentBytes": content}
        )
    return files


async def create_draft(run: Run, scope: Scope) -> list[Item]:
    """Make a draft with files."""
    message = {**draft(scope), "attachments": await _files(run, scope, scope.parameters.get("additionalFields") or {})}
    return [{"json": await run.request(scope, method="POST", path="/messages", json=message)}]


async def send(run: Run, scope: Scope) -> list[Item]:
    """Send a message."""
    given = dict(scope.parameters.get("additionalFields") or {})
    people = recipients(scope)
    message = draft(scope) | ({"toRecipients": people} if people or scope.version > 1 else {})
    if files := await _files(run, scope, given):
        message["attachments"] = files
    body = {"message": message, "saveToSentItems": given.get("saveToSentItems", True)}
    await run.request(scope, method="POST", path="/sendMail", json=body)
    return [{"json": {"success": True}}]


async def reply(run: Run, scope: Scope) -> list[Item]:
    """Answer a message, and send the answer unless it is to stay a draft."""
    parameters = scope.parameters
    to_sender, text = bool(parameters.get("replyToSenderOnly")), parameters.get("message", "")
    given = dict(parameters.get("additionalFields") or {}) if to_sender else {}
    body: dict[str, Any] = {"comment": text}
    if given:
        body = {"message": _message({**given, "bodyContent": text})}
        if files := await _files(run, scope, given):
            body["message"]["attachments"] = files
    way = "createReply" if to_sender else "createReplyAll"
    path = f"/messages/{segment(scope.names['message'])}/{way}"
    made = await run.request(scope, method="POST", path=path, json=body)
    if not (parameters.get("options") or {}).get("saveAsDraft"):
        await run.request(scope, method="POST", path=f"/messages/{segment(made.get('id'))}/send", response="text")
    return [{"json": made}]


async def reply_v1(run: Run, scope: Scope) -> list[Item]:
    """Answer a message in version 1 of the node, and send the answer unless it is to stay a draft."""
    parameters = scope.parameters
    path, to_sender = f"/messages/{segment(scope.names['message'])}", parameters.get("replyType") == "reply"
    body: dict[str, Any] = {"comment": parameters.get("comment", "")}
    given = dict(parameters.get("additionalFields") or {}) if to_sender else {}
    if to_sender:
        body["message"] = _message(given, changes=True, trimmed=False)
        if files := await _files(run, scope, given):
            body["message"]["attachments"] = files
    way = "createReply" if to_sender else "createReplyAll"
    made = await run.request(scope, method="POST", path=f"{path}/{way}", json=body)
    if parameters.get("send", True):
        await run.request(scope, method="POST", path=f"/messages/{segment(made.get('id'))}/send", response="text")
    return [{"json": made}]


def event(scope: Scope) -> dict[str, Any]:
    """Return the body of an event."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or {})
    zone = given.pop("timeZone", None) or scope.timezone
    made: dict[str, Any] = {"subject": parameters.get("subject")}
    for name, key in (("start", "startDateTime"), ("end", "endDateTime")):
        moment = parameters.get(key)  # a text goes as it is written: the zone says what it means
        made[name] = {"dateTime": moment if isinstance(moment, str) else FILTERS["iso"](moment), "timeZone": zone}
    people = (given.pop("attendees", None) or {}).get("values") or []
    if people:
        made["attendees"] = [
            {"type": each.get("type"), "emailAddress": {"address": each.get("email"), "name": each.get("name")}}
            for each in people
        ]
    if "body" in given:
        made["body"] = {"content": given.pop("body"), "contentType": "html"}
    if "location" in given:
        made["location"] = {"displayName": given.pop("location")}
    return made | given


def fields(scope: Scope) -> Any:
    """Return the fields to answer with; UNDEFINED: all."""
    output = scope.parameters.get("output", "simple")
    if output == "fields":
        return FILTERS["join"](scope.parameters.get("fields") or [])
    resource = js_string(scope.parameters.get("resource", UNDEFINED))
    return _SIMPLE[resource] if output == "simple" else UNDEFINED


def listing(scope: Scope) -> dict[str, Any]:
    """Return the query of a list of messages."""
    given = (scope.parameters.get("filtersUI") or {}).get("values") or {}
    query: dict[str, Any] = {"$select": fields(scope)}
    if given.get("filterBy") == "search":
        query["$search"] = f'"{js_string(given.get("search", ""))}"'
    else:
        query["$filter"] = " and ".join(_tests(given.get("filters") or {})) or UNDEFINED
    return query | {"$top": scope.names["size"]}


def _tests(given: Mapping[str, Any]) -> list[str]:
    """Return the conditions of a list: a quote in a value must not end it."""

    def quoted(value: Any) -> str:
        return "'" + js_string(value).replace("'", "''") + "'"

    tests = []
    if folders := given.get("foldersToInclude"):
        tests.append(f"({' or '.join(f'parentFolderId eq {quoted(each)}' for each in folders)})")
    tests += [f"parentFolderId ne {quoted(each)}" for each in given.get("foldersToExclude") or []]
    if sender := given.get("sender"):
        tests.append(f"(from/emailAddress/address eq {quoted(sender)} or from/emailAddress/name eq {quoted(sender)})")
    if given.get("hasAttachments"):
        tests.append("hasAttachments eq true")
    if (status := given.get("readStatus")) and status != "both":
        tests.append(f"isRead eq {'true' if status == 'read' else 'false'}")
    for name, operator in (("receivedAfter", "ge"), ("receivedBefore", "le")):
        if given.get(name):
            tests.append(f"receivedDateTime {operator} {FILTERS['iso'](given[name])}")
    return tests + ([js_string(given["custom"])] if given.get("custom") else [])


def shown(scope: Scope) -> Any:
    """Return messages, as flat objects unless the node asks for them otherwise."""
    found = scope.names.get("items", scope.names.get("response"))
    if scope.parameters.get("output", "simple") != "simple":
        return found
    return [_simple(each) for each in found] if isinstance(found, list) else _simple(found)


def _simple(message: Mapping[str, Any]) -> dict[str, Any]:
    def address(person: Any) -> Any:
        return (person.get("emailAddress") or {}).get("address") if isinstance(person, Mapping) else None

    made = {name: message[name] for name in ("id", "conversationId", "subject", "bodyPreview") if name in message}
    if sender := address(message.get("from")):
        made["from"] = sender
    people = message.get("toRecipients", UNDEFINED)
    if people is None or people is UNDEFINED:
        raise unreadable(people, "map")
    made["to"] = [address(each) for each in people]
    return made | {name: message[name] for name in ("categories", "hasAttachments") if name in message}


async def list_events(run: Run, scope: Scope) -> list[Item]:
    """Return the events of a calendar, or those of all calendars one after the other."""
    parameters = scope.parameters
    calendars = [{"id": FILTERS["locator"](parameters.get("calendarId", UNDEFINED))}]
    if parameters.get("fromAllCalendars", True):
        calendars = (await run.request(scope, path="/calendars", query={"$select": "id"})).get("value") or []
    way, query = "events", {"$select": fields(scope)}
    if parameters.get("includeRecurringInstances"):
        way = "calendarView"
        query |= {key: FILTERS["iso"](parameters.get(key)) for key in ("startDateTime", "endDateTime")}
    elif custom := (parameters.get("filters") or {}).get("custom"):
        query["$filter"] = custom
    everything, out = bool(parameters.get("returnAll")), list[Any]()
    limit = int(parameters.get("limit", 100))
    for each in calendars:
        left = limit - len(out)
        if not everything and left <= 0:
            break
        asked = query | {"$top": 100 if everything else left}
        page = {**_PAGE, "when": everything, "limit": left}
        out += await run.pages(scope, path=f"/calendars/{segment(each['id'])}/{way}", query=asked, page=page)
    return [{"json": each} for each in out]
