"""Gmail: messages that are sent, replies, questions, and messages that are read."""

from collections.abc import Mapping, Sequence
from email.utils import formataddr
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.gmail.mail import Attachment, attached, check_headers, encode, header_of, parsed, simplified
from runtime.integrations.operation import Run
from runtime.integrations.questions import question_html
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_METADATA: Final = {"format": "metadata", "metadataHeaders": ["From", "To", "Cc", "Bcc", "Subject"]}
_FIRST: Final = 2
"""The version whose parameters are those of today."""
_MILLISECONDS: Final = 10**11
"""From here on a number is taken for milliseconds: it has as many in 1973."""


async def send(run: Run, scope: Scope) -> list[Item]:
    """Send a message."""
    recipients = _recipients(scope)
    files = await _files(run, scope)
    headers = {"From": await _sender(run, scope)} | recipients
    headers["Subject"] = _subject(scope)
    return [await _post(run, scope, "/messages/send", {"raw": _encoded(scope, headers, files)}, _upload(scope))]


async def create_draft(run: Run, scope: Scope) -> list[Item]:
    """Create a draft, as an answer to a thread where one is given."""
    options = _options(scope)
    headers = {"From": _alias(options)} | _recipients(scope)
    files = await _files(run, scope)
    thread, extra = options.get("threadId"), dict[str, Any]()
    if thread:
        query = {"format": "metadata", "metadataHeaders": "Message-ID"}
        found = await run.request(scope, path=f"/threads/{segment(thread)}", query=query)
        messages = found.get("messages") or [{}]
        headers["In-Reply-To"], extra["threadId"] = header_of(messages[-1], "message-id"), thread
    headers["Subject"] = _subject(scope)
    body = {"message": {"raw": _encoded(scope, headers, files)} | extra}
    return [await _post(run, scope, "/drafts", body, _upload(scope))]


async def reply(run: Run, scope: Scope) -> list[Item]:
    """Answer a message to its sender and its other recipients."""
    headers = _recipients(scope)
    options, files = _options(scope), await _files(run, scope)
    query = _upload(scope) | {"format": "metadata"}
    message_id = segment(scope.parameters.get("messageId"))
    message = await run.request(scope, path=f"/messages/{message_id}", query=query)
    check_headers(message)
    profile = await run.request(scope, path="/profile") if scope.version >= _FIRST or options.get("senderName") else {}
    own, reference = js_string(profile.get("emailAddress") or ""), header_of(message, "message-id")
    to = headers.get("To") or ", ".join(_answered(message, options, own))
    sender = formataddr((js_string(options["senderName"]), own)) if options.get("senderName") else None
    headers = {"From": sender} | headers | {"To": to, "In-Reply-To": reference, "References": reference}
    headers["Subject"] = header_of(message, "subject")
    thread = message.get("threadId")
    if scope.version < _FIRST:
        thread = scope.parameters.get("threadId") or thread
    body = {"raw": _encoded(scope, headers, files), "threadId": thread}
    return [await _post(run, scope, "/messages/send", body, query)]


def _answered(message: Mapping[str, Any], options: Mapping[str, Any], own: str) -> list[str]:
    to = [] if options.get("replyToRecipientsOnly") else [header_of(message, "from")]
    if not options.get("replyToSenderOnly"):
        others = [each.strip() for each in header_of(message, "to").split(",")]
        to += [each for each in others if not own or own.lower() not in each.lower()]
    return [each for each in to if each]


def _alias(options: Mapping[str, Any]) -> str | None:
    """Return the sender of a draft; what is no address is left out, as in n8n."""
    alias = js_string(options.get("fromAlias") or "")
    return alias if "@" in alias else None


def question(scope: Scope) -> str:
    """Return the message of a question. Raise NodeError for a subject that is no text."""
    subject = scope.parameters.get("subject")
    if subject is not None and not isinstance(subject, str):
        raise NodeError("text.replace is not a function", description="The subject must be a text.", item=scope.index)
    headers = _recipients(scope) | {"Subject": subject}
    return encode(headers, scope.now, html=question_html(scope))


def _subject(scope: Scope) -> Any:
    """Return the subject of a message; a list or an object is none, as in n8n."""
    given = scope.parameters.get("subject")
    return None if isinstance(given, list | Mapping) else given


def _options(scope: Scope) -> Mapping[str, Any]:
    given = scope.parameters.get("additionalFields" if scope.version < _FIRST else "options")
    return given if isinstance(given, Mapping) else {}


def _recipients(scope: Scope) -> dict[str, Any]:
    options, parameters = _options(scope), scope.parameters
    to = options.get("toList") or options.get("sendTo") or parameters.get("toList") or parameters.get("sendTo")
    fields = {"To": to, "Cc": options.get("ccList"), "Bcc": options.get("bccList")}
    needed = next((name for name in ("sendTo", "toList") if parameters.fact(name) is not None), None)
    if needed is not None and not to:
        _check_recipients(parameters.get(needed, UNDEFINED), scope)
    headers: dict[str, Any] = {name: _addresses(value, name, scope) for name, value in fields.items()}
    if parameters.get("operation") != "reply":
        headers["Reply-To"] = _addresses(options.get("replyTo"), "Reply-To", scope)
    return headers


def _check_recipients(to: Any, scope: Scope) -> None:
    """Raise NodeError for the recipients of a message that are none; an empty list is left out in version 1, as in n8n."""
    if scope.version >= _FIRST:
        raise _no_address("To", to, scope)
    if to is None or to is UNDEFINED:
        raise unreadable(to, "forEach", scope.index)
    if not isinstance(to, list):
        raise ThrownError("toList.forEach is not a function", item=scope.index)


def _no_address(field: str, value: Any, scope: Scope) -> NodeError:
    shown = "" if value is UNDEFINED else js_string(value)
    return NodeError(
        "Invalid email address", description=f"The field {field} has {shown!r}, which has no @", item=scope.index
    )


def _addresses(value: Any, field: str, scope: Scope) -> str:
    if scope.version < _FIRST and value and not isinstance(value, list):
        raise NodeError(f"{field.lower()}List.forEach is not a function", item=scope.index)
    if scope.version < _FIRST:  # lists, of which n8n leaves out what is no address
        return ", ".join(f"<{each}>" for each in map(js_string, FILTERS["list"](value)) if "@" in each)
    given = [each.strip() for each in js_string(value).split(",")] if value else []
    for each in given:
        if "@" not in each:
            raise _no_address(field, each, scope)
    return ", ".join(given)


async def _sender(run: Run, scope: Scope) -> str | None:
    name = _options(scope).get("senderName")
    if not name or scope.version < _FIRST:
        return None
    profile = await run.request(scope, path="/profile")
    return formataddr((js_string(name), js_string(profile.get("emailAddress", UNDEFINED))))


async def _files(run: Run, scope: Scope) -> list[Attachment]:
    names = [name for each in _named(scope) for name in FILTERS["split"](each.get("property") or "") or [""]]
    held = scope.item.get("binary") or {}
    if scope.version < _FIRST and not held:  # an item without files has none to attach, as in n8n
        return []
    return [await attached(run.context, run.file(scope.index, name)) for name in names]


def _upload(scope: Scope) -> dict[str, str]:
    """Return the query of a message for which attachments are named, whether the item has them or not."""
    return {"userId": "me", "uploadType": "media"} if _named(scope) else {}


def _named(scope: Scope) -> list[Any]:
    return (_options(scope).get("attachmentsUi") or {}).get("attachmentsBinary") or []


def _encoded(scope: Scope, headers: Mapping[str, Any], files: Sequence[Attachment]) -> str:
    parameters = scope.parameters
    text, html = parameters.get("message"), None
    if scope.version < _FIRST:
        if text is not None and not isinstance(text, str):
            raise ThrownError('The "chunk" argument must be of type string', item=scope.index)
        html = parameters.get("htmlMessage") if parameters.get("includeHtml") else None
    else:
        text = "" if text is None else js_string(text)
        text = text if text.strip() else ""
        if text and parameters.get("emailType") == "html":
            text, html = None, text
    return encode(headers, scope.now, text=text, html=html, files=files)


async def _post(run: Run, scope: Scope, path: str, body: Any, query: Mapping[str, Any]) -> Item:
    return {"json": await run.request(scope, method="POST", path=path, json=body, query=dict(query))}


def search(scope: Scope) -> dict[str, Any]:
    """Return the query of a list: n8n's filters as Gmail's search."""
    filters = scope.parameters.get("filters") or {}
    words = [filters.get("q")]
    words.append(f"from:{js_string(filters['sender'])}" if filters.get("sender") else None)
    status = filters.get("readStatus")
    words.append(f"is:{js_string(status)}" if status and status != "both" else None)
    for name, word in (("receivedAfter", "after"), ("receivedBefore", "before")):
        words.append(f"{word}:{js_string(_seconds(filters[name]))}" if filters.get(name) else None)
    q = " ".join(js_string(each) for each in words if each)
    made = {"includeSpamTrash": filters.get("includeSpamTrash"), "labelIds": filters.get("labelIds"), "q": q}
    return {name: each for name, each in made.items() if not is_empty(each)}


def _seconds(value: Any) -> Any:
    """Return a date as seconds; a number that is too small for milliseconds is taken for them."""
    return value if isinstance(value, int | float) and value < _MILLISECONDS else FILTERS["epoch_s"](value)


async def _listed(run: Run, scope: Scope, kind: str, query: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the elements of a list and the query that it was asked with."""
    everything = scope.parameters.get("returnAll")
    query_ = dict(query) | {"maxResults": 100 if everything else scope.parameters.get("limit")}
    # the limit is the size of the one page, which the service keeps to
    page = {
        "items": Template(f"{{$response.{kind}}}"),
        "limit": None,
        "next": {"query": {"pageToken": Template("{$response.nextPageToken}")}},
    }
    found: Any = await run.pages(scope, path=f"/{kind}", query=query_, page=page, arrays="repeat")
    return found if isinstance(found, list) else [], query_  # an answer without a list has no elements


async def _labels(run: Run, scope: Scope) -> list[Any]:
    return (await run.request(scope, path="/labels")).get("labels") or []


async def list_messages(run: Run, scope: Scope) -> list[Item]:
    """Return the messages that match, each asked for by itself."""
    found, query = await _listed(run, scope, "messages", search(scope))
    simple = bool(scope.parameters.get("simple"))
    query |= _METADATA if simple else {"format": "raw"}
    if not simple:
        return [await _parsed(run, scope, await _message(run, scope, _id(each), query)) for each in found]
    bodies = [await _message(run, scope, _id(each), query) for each in found]
    labels = await _labels(run, scope) if bodies or scope.parameters.get("returnAll") else []
    return [{"json": simplified(each, labels)} for each in bodies]


async def get_message(run: Run, scope: Scope) -> list[Item]:
    """Return one message."""
    simple = bool(scope.parameters.get("simple"))
    query: Mapping[str, Any] = _METADATA if simple else {"format": "raw"}
    message = await _message(run, scope, scope.parameters.get("messageId"), query)
    if simple:
        return [{"json": simplified(message, await _labels(run, scope))}]
    return [await _parsed(run, scope, message)]


async def get_thread(run: Run, scope: Scope) -> list[Item]:
    """Return a thread, or its messages."""
    parameters = scope.parameters
    query: Mapping[str, Any] = _METADATA if parameters.get("simple") else {"format": "full"}
    path = f"/threads/{segment(parameters.get('threadId'))}"
    thread = await run.request(scope, path=path, query=dict(query), arrays="repeat")
    labels = await _labels(run, scope)
    thread = {**thread, "messages": [simplified(each, labels) for each in thread.get("messages") or []]}
    if _options(scope).get("returnOnlyMessages"):
        return [{"json": each} for each in thread.get("messages") or []]
    return [{"json": thread}]


def _id(element: Any) -> Any:
    """Return the id of an element of a list: UNDEFINED where it has none, which n8n asks for likewise."""
    return member_of_answer(element, "id")


async def _message(run: Run, scope: Scope, id_: Any, query: Mapping[str, Any]) -> Any:
    path = f"/messages/{segment(id_)}"
    return await run.request(scope, path=path, query=dict(query), arrays="repeat")


async def _parsed(run: Run, scope: Scope, message: Any) -> Item:
    options = _options(scope)
    prefix = js_string(options.get("dataPropertyAttachmentsPrefixName") or "attachment_")
    attachments = scope.version < _FIRST or bool(options.get("downloadAttachments"))
    return await parsed(run.context, message, prefix, scope.index, attachments=attachments)


async def _draft(run: Run, scope: Scope, id_: Any, query: Mapping[str, Any]) -> Item:
    draft = await run.request(scope, path=f"/drafts/{segment(id_)}", query=dict(query), arrays="repeat")
    if query.get("format") != "raw" or _format(scope) == "raw":
        return {"json": draft}
    message = member_of_answer(draft, "message")
    item = await _parsed(run, scope, message)
    item["json"] = item["json"] | {"id": draft.get("id"), "messageId": message.get("id")}
    return item


def _format(scope: Scope) -> Any:
    """The format that version 1 may choose."""
    return (_options(scope).get("format") or "resolved") if scope.version < _FIRST else "resolved"


def _requested_format(scope: Scope) -> str:
    format_ = _format(scope)
    return "raw" if format_ == "resolved" else js_string(format_)


async def get_draft(run: Run, scope: Scope) -> list[Item]:
    """Return one draft."""
    return [await _draft(run, scope, scope.parameters.get("messageId"), {"format": _requested_format(scope)})]


async def list_drafts(run: Run, scope: Scope) -> list[Item]:
    """Return the drafts, each asked for by itself."""
    found, query = await _listed(run, scope, "drafts", _first_query(run, scope, list(_options(scope))))
    if _format(scope) == "ids":
        return [{"json": each} for each in found]
    query["format"] = _requested_format(scope)
    run.kept["formatted"] = _format(scope) == "resolved"
    return [await _draft(run, scope, _id(each), query) for each in found]


async def get_message_v1(run: Run, scope: Scope) -> list[Item]:
    """Return one message in the chosen format."""
    message = await _message(run, scope, scope.parameters.get("messageId"), {"format": _requested_format(scope)})
    return [await _in_format(run, scope, message)]


async def list_messages_v1(run: Run, scope: Scope) -> list[Item]:
    """Return the messages in the chosen format."""
    names = ("format", "includeSpamTrash", "labelIds", "q")
    found, query = await _listed(run, scope, "messages", _first_query(run, scope, names))
    if _format(scope) == "ids":
        return [{"json": each} for each in found]
    query["format"] = _requested_format(scope)
    run.kept["formatted"] = _format(scope) == "resolved"
    return [await _in_format(run, scope, await _message(run, scope, _id(each), query)) for each in found]


async def _in_format(run: Run, scope: Scope, message: Any) -> Item:
    if _format(scope) == "resolved":
        return await _parsed(run, scope, message)
    return {"json": dict(message) if isinstance(message, Mapping) else {}}  # what is no message has no members


def _first_query(run: Run, scope: Scope, names: Sequence[str]) -> dict[str, Any]:
    """Return the options of a list. n8n's version 1 repeats the format in which messages were asked for before."""
    options = _options(scope)
    made = {name: options[name] for name in names if not is_empty(options.get(name))}
    formatted = run.kept.setdefault(
        "formatted", scope.index > 0
    )  # an item that an earlier attempt has done was asked for
    if scope.version < _FIRST and formatted and _format(scope) == "resolved" and "format" not in made:
        made["format"] = "raw"
    return made
