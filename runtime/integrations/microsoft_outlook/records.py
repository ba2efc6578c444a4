"""Microsoft Outlook: contacts, changes of events, attachments, and what version 1 of the node does with messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runtime.contract import Item, NodeError
from runtime.integrations.answers import elements_of, member_of_answer
from runtime.integrations.files import encoded
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["add_attachment", "attachment_fields", "contact", "contact_filter", "event_changes", "get_message"]

_LISTS: Final = frozenset({"businessPhones", "children", "homePhones", "imAddresses"})
_ADDRESSES: Final = frozenset({"businessAddress", "otherAddress", "emailAddresses"})
"""Members whose entries n8n takes out of their collection; of the address of a home it does not."""
_ATTACHMENT: Final = "id,lastModifiedDateTime,name,contentType,size,isInline"
_FILES: Final = 100


def contact(scope: Scope) -> dict[str, Any]:
    """Return the members of a contact to create or to change."""
    parameters = scope.parameters
    made = {"givenName": parameters["givenName"]} if "givenName" in parameters else {}
    if parameters.get("surname"):
        made["surname"] = parameters["surname"]
    for name, value in (parameters.get("additionalFields") or {}).items():
        if name in _LISTS:
            made[name] = FILTERS["split"](value)
        elif name in _ADDRESSES and isinstance(value, Mapping):
            made[name] = value.get("values", {})
        else:
            made[name] = value
    return made


def contact_filter(scope: Scope) -> Any:
    """Return the condition of a list of contacts; an empty text: none."""
    given = scope.parameters.get("filters") or {}
    tests = []
    if address := given.get("emailAddress"):
        quoted = js_string(address).replace("'", "''")
        tests.append(f"emailAddresses/any(a:a/address eq '{quoted}')")
    if given.get("custom"):
        tests.append(js_string(given["custom"]))
    return FILTERS["nonempty"](" and ".join(tests))


def event_changes(scope: Scope) -> dict[str, Any]:
    """Return the members of an event that change. Of its start n8n sends the day alone."""
    given = dict(scope.parameters.get("additionalFields") or {})
    zone = js_string(given.pop("timeZone", None) or scope.timezone)
    people = (given.pop("attendees", None) or {}).get("values") or []
    if people:
        given["attendees"] = [
            {"type": each.get("type"), "emailAddress": {"address": each.get("email"), "name": each.get("name")}}
            for each in people
        ]
    if "body" in given:
        given["body"] = {"content": given["body"], "contentType": "html"}
    if "location" in given:
        given["location"] = {"displayName": given["location"]}
    if given.get("start"):
        given["start"] = {"dateTime": js_string(given["start"]).partition("T")[0], "timeZone": zone}
    if given.get("end"):
        given["end"] = {"dateTime": _local(js_string(given["end"]), zone, scope), "timeZone": zone}
    return given


def _local(text: str, zone: str, scope: Scope) -> str:
    """Return a date with the time and the offset of a zone. Raise NodeError for what is no date."""
    try:
        moment = datetime.fromisoformat(text)
        there = ZoneInfo(zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise NodeError(f"{text!r} is not a date", item=scope.index) from error
    local = moment.replace(tzinfo=there) if moment.tzinfo is None else moment.astimezone(there)
    return local.isoformat(timespec="milliseconds")


def attachment_fields(scope: Scope) -> Any:
    """Return the fields of an attachment to answer with."""
    fields = (scope.parameters.get("additionalFields") or {}).get("fields")
    return _ATTACHMENT if is_empty(fields) else fields


async def add_attachment(run: Run, scope: Scope) -> list[Item]:
    """Attach a file to a message. Raise NodeError."""
    parameters = scope.parameters
    content, ref = await encoded(run, scope.index, js_string(parameters.get("binaryPropertyName", UNDEFINED)))
    given = parameters.get("additionalFields") or parameters.get("options") or {}
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": given.get("fileName") or ref.get("fileName"),
        "contentBytes": content,
    }
    await run.request(scope, method="POST", path=f"/messages/{segment(scope.names['message'])}/attachments", json=file)
    return [{"json": {"success": True}}]


async def get_message(run: Run, scope: Scope) -> list[Item]:
    """Return a message, with its files where the node names them. Raise NodeError."""
    path = f"/messages/{segment(scope.parameters.get('messageId'))}"
    message = await run.request(scope, path=path, query=scope.names["asked"])
    prefix = (scope.parameters.get("additionalFields") or {}).get("dataPropertyAttachmentsPrefixName")
    if not prefix or not truthy(FILTERS["get"](message, "hasAttachments")):
        return [{"json": message}]
    listed = await run.request(scope, path=f"{path}/attachments", query={"$top": _FILES})
    files = {}
    for place, each in enumerate(elements_of(listed, "value", "length")):
        id_ = segment(member_of_answer(each, "id"))
        told = {"filename": each.get("name"), "mime": each.get("contentType")}
        ref = await run.request(scope, path=f"{path}/attachments/{id_}/$value", response="file", **told)
        files[f"{js_string(prefix)}{place}"] = ref
    return [{"json": message, "binary": files}]
