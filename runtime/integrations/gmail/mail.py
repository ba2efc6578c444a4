"""Messages of Gmail: built from parts and read from their `raw` member."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import formatdate
from typing import Any

from runtime.contract import ActivityContext, Item, NodeError
from runtime.integrations.answers import member_of_answer, no_bytes, unreadable
from runtime.sandbox.mail import read_mail
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED, BinaryRef

__all__ = ["Attachment", "attached", "check_headers", "encode", "header_of", "parsed", "simplified"]

_UNKNOWN = "application/octet-stream"
_ASCII = default.clone(cte_type="7bit")
"""A message whose parts are encoded for every server on its way."""
_KEPT = ("id", "threadId", "labelIds", "sizeEstimate")


@dataclass(frozen=True)
class Attachment:
    """A file of a message."""

    data: bytes
    name: str
    mime_type: str


def encode(
    headers: Mapping[str, Any], now: float, *, text: Any = None, html: Any = None, files: Sequence[Attachment] = ()
) -> str:
    """Return a message as the API takes it: base64 for URLs. Headers without a value are left out; `now` in milliseconds."""
    message = EmailMessage(_ASCII)
    for name, value in headers.items():
        if line := " ".join(js_string(value or "").splitlines()):
            message[name] = line
    message["Date"] = formatdate(now / 1000)
    if text is not None or html is None:
        message.set_content(js_string(text or ""))
        if html is not None:
            message.add_alternative(js_string(html), subtype="html")
    else:
        message.set_content(js_string(html), subtype="html")
    for file in files:
        main, _, sub = (file.mime_type if "/" in file.mime_type else _UNKNOWN).partition("/")
        message.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
    return base64.urlsafe_b64encode(message.as_bytes(policy=SMTP)).decode()


async def attached(context: ActivityContext, ref: BinaryRef) -> Attachment:
    """Return a file of an item as an attachment."""
    mime_type = ref.get("mimeType") or _UNKNOWN
    return Attachment(await context.blobs.read(ref), ref.get("fileName") or "unknown", mime_type)


def header_of(message: Mapping[str, Any], name: str) -> str:
    """Return a header of a message of the API; empty when it has none."""
    for each in (message.get("payload") or {}).get("headers") or []:
        if js_string(each.get("name", UNDEFINED)).lower() == name:
            return js_string(each.get("value", UNDEFINED))
    return ""


def check_headers(message: Any) -> None:
    """Raise NodeError for a message to answer that has no headers, or one without a name, in the words of n8n's node."""
    if message is None or message is UNDEFINED:
        raise NodeError(
            f"Cannot destructure property 'payload' of '(intermediate value)' as it is {js_string(message)}."
        )
    headers = member_of_answer(member_of_answer(message, "payload"), "headers")
    if not isinstance(headers, list):
        raise unreadable(headers, "filter")
    for each in headers:
        if not isinstance(name := member_of_answer(each, "name"), str):
            raise unreadable(name, "toLowerCase")


async def parsed(context: ActivityContext, message: Any, prefix: str, i: int, *, attachments: bool) -> Item:
    """Return the item of a message that was asked for in the format `raw`. Raise NodeError."""
    raw = member_of_answer(message, "raw")
    if not isinstance(raw, str):
        raise no_bytes(raw)
    try:
        data = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except ValueError as error:
        raise NodeError("Gmail sent a message that is not base64", item=i) from error
    read = await read_mail(context, data, simple=False, attachments=attachments)
    item: Item = {"json": {name: message[name] for name in _KEPT if name in message} | read["json"]}
    binary = {
        f"{prefix}{n}": await context.blobs.write(
            base64.b64decode(part["data"]), mime_type=part["mime_type"], file_name=part["file_name"]
        )
        for n, part in enumerate(read["attachments"])
    }
    if binary:
        item["binary"] = binary
    return item


def simplified(message: Mapping[str, Any], labels: Sequence[Any]) -> dict[str, Any]:
    """Return a message with its labels by name and its headers as members."""
    made = {name: each for name, each in message.items() if name != "labelIds"}
    if isinstance(ids := message.get("labelIds"), list):
        made["labels"] = [
            {name: each[name] for name in ("id", "name") if name in each}
            for each in labels
            if isinstance(each, Mapping) and each.get("id") in ids
        ]
    payload = message.get("payload")
    if isinstance(payload, Mapping) and payload.get("headers"):
        made["payload"] = {name: each for name, each in payload.items() if name != "headers"}
        made |= {
            js_string(each.get("name", UNDEFINED)): each["value"] for each in payload["headers"] if "value" in each
        }
    return made
