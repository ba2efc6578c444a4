"""Microsoft Outlook Trigger: messages that were received since the last poll."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import WRONG_VALUES
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import Interval
from schemas.item import UNDEFINED

_SIMPLE: Final = "id,conversationId,subject,bodyPreview,from,toRecipients,categories,hasAttachments"
_MAX_PAGES: Final = 1_000
_NEVER: Final = "1900-01-01T00:00:00Z"
"""Graph wants the field by which is ordered in the filter too."""


async def poll(poll: PollRun) -> Items:
    """Return new messages."""
    time, known = Interval(poll.state, poll.now, "milliseconds"), poll.state.get("lastTimeChecked")
    try:
        messages = await _messages(poll, time)
        items = [await _item(poll, each) for each in messages]
    except (NodeError, *WRONG_VALUES) as error:
        if poll.manual or known is None:
            raise
        poll.run.context.log.info("a poll failed", reason=str(error))  # as in n8n, the next one asks again
        return []
    time.close()
    return items


async def _messages(poll: PollRun, time: Interval) -> list[dict[str, Any]]:
    filters = poll.scope.parameters.get("filters") or {}
    folders = [each for each in filters.get("foldersToInclude") or [] if each]
    paths = [f"/mailFolders/{FILTERS['quote'](each)}/messages" for each in folders] or ["/messages"]
    query, terms = _selected(poll), _terms(filters)
    found = list[dict[str, Any]]()
    for path in paths:
        if poll.manual:
            searched = {"$filter": f"receivedDateTime ge {_NEVER} and ({' and '.join(terms)})"} if terms else {}
            newest = query | searched | {"$top": 1, "$orderby": "receivedDateTime desc"}
            found += appended(await poll.request(path=path, query=newest), "value")
            return found[:1]
        within = [*terms, f"receivedDateTime ge {time.start}", f"receivedDateTime lt {time.end}"]
        found += await _all(poll, path, query | {"$filter": " and ".join(within), "$top": 100})
    return found


async def _all(poll: PollRun, path: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the elements of all pages: the address of the next one has its whole query."""
    page = await poll.request(path=path, query=dict(query))
    found: list[dict[str, Any]] = appended(page, "value")
    for _ in range(_MAX_PAGES):
        link = member_of_answer(page, "@odata.nextLink")
        if not link or link is UNDEFINED:
            return found
        page = await poll.request(url=link)
        found += appended(page, "value")
    raise NodeError(f"Microsoft Outlook gave more than {_MAX_PAGES} pages")


def _selected(poll: PollRun) -> dict[str, Any]:
    output = poll.scope.parameters.get("output")
    if output == "simple":
        return {"$select": _SIMPLE}
    if output != "fields":
        return {}
    fields = list(poll.scope.parameters.get("fields") or [])
    return {"$select": ",".join([*fields, "hasAttachments"] if _downloads(poll) else fields)}


def _downloads(poll: PollRun) -> bool:
    return bool((poll.scope.parameters.get("options") or {}).get("downloadAttachments"))


def _terms(filters: Mapping[str, Any]) -> list[str]:
    terms = [f"parentFolderId ne '{each}'" for each in filters.get("foldersToExclude") or [] if each]
    if sender := str(filters.get("sender") or "").replace("'", "''"):
        terms.append(f"(from/emailAddress/address eq '{sender}' or from/emailAddress/name eq '{sender}')")
    if filters.get("hasAttachments"):
        terms.append("hasAttachments eq true")
    if filters.get("readStatus") in ("read", "unread"):
        terms.append(f"isRead eq {'true' if filters['readStatus'] == 'read' else 'false'}")
    if filters.get("custom"):
        terms.append(str(filters["custom"]))
    return terms


async def _item(poll: PollRun, message: Mapping[str, Any]) -> Item:
    item: Item = {"json": _simple(message) if poll.scope.parameters.get("output") == "simple" else dict(message)}
    if not _downloads(poll) or not message.get("hasAttachments"):
        return item
    path = f"/messages/{FILTERS['quote'](message['id'])}/attachments"
    prefix = str((poll.scope.parameters.get("options") or {}).get("attachmentsPrefix") or "attachment_")
    binary = {}
    for number, each in enumerate(await _all(poll, path, {"$top": 100})):
        binary[f"{prefix}{number}"] = await poll.request(
            path=f"{path}/{FILTERS['quote'](each['id'])}/$value", response="file",
            filename=each.get("name"), mime=each.get("contentType"),
        )  # fmt: skip
    if binary:
        item["binary"] = binary
    return item


def _simple(message: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        "id": message.get("id", UNDEFINED), "conversationId": message.get("conversationId", UNDEFINED),
        "subject": message.get("subject", UNDEFINED), "bodyPreview": message.get("bodyPreview", UNDEFINED),
        "from": _address(message.get("from")), "to": [_address(each) for each in message.get("toRecipients") or []],
        "categories": message.get("categories", UNDEFINED), "hasAttachments": message.get("hasAttachments", UNDEFINED),
    }  # fmt: skip
    return {name: each for name, each in made.items() if each is not UNDEFINED}


def _address(person: Any) -> Any:
    return ((person or {}).get("emailAddress") or {}).get("address")
