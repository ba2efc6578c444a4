"""Email Trigger (IMAP): a run for the messages that came since the last look."""

import json
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from html import escape
from typing import Any, Final, Literal, cast

from runtime.contract import ActivityContext, Dynamic, Item, Items, NodeError, param
from runtime.nodes.polling import Poll
from schemas.facts import CredentialUse

TOP_LEVEL_HEADERS: Final = ("cc", "date", "from", "subject", "to")
"""Headers that are members of the item; the others are metadata."""
_ADDRESSES: Final = ("from", "to", "cc", "bcc", "reply-to")


class EmailReadImap(Poll):
    """The uid of the last message is kept; the first look takes all that match. Messages are marked as read by the look after
    the one that took them: a worker that dies in between must find them again.
    """

    type = "n8n-nodes-base.emailReadImap"
    versions = (2, 2.1)
    credential_uses = (CredentialUse("imap"),)
    differs = "The mailbox is checked once a minute; in n8n, a new message starts the workflow at once"

    mailbox: Dynamic[str] = param("INBOX")
    post_process_action: Dynamic[Literal["read", "nothing"]] = param("read")
    download_attachments: Dynamic[bool] = param(default=False, show={"format": ["simple"]})
    format: Literal["raw", "resolved", "simple"] = param("simple")
    data_property_attachments_prefix_name: Dynamic[str] = param("attachment_", show={"format": ["resolved", "simple"]})
    options: Dynamic[dict[str, Any]] = param({})

    async def poll(self, context: ActivityContext, state: dict[str, Any]) -> Items:
        """Return an item per message."""
        options = self.options or {}
        track = options.get("trackLastMessageId", True) is not False
        last = state.get("lastMessageUid") if track else None
        criteria = search_keys(options.get("customEmailConfig") or '["UNSEEN"]')
        messages = await context.mail.receive(
            str(self.mailbox),
            criteria,
            after=last if isinstance(last, int) else None,
            mark=state.get("unmarked") or (),
        )
        if messages:
            state["lastMessageUid"] = max(uid for uid, _ in messages)
        reads = self.post_process_action == "read" and context.mode != "manual"
        state["unmarked"] = [uid for uid, _ in messages] if reads else []
        return [await self._item(context, uid, raw) for uid, raw in messages]

    async def _item(self, context: ActivityContext, uid: int, raw: bytes) -> Item:
        message = message_from_bytes(raw, policy=default)
        if self.format == "raw":
            return {"json": {"raw": raw.decode("utf-8", "replace"), "attributes": {"uid": uid}}}
        simple = self.format == "simple"
        json = _simple(message) if simple else _resolved(message)
        item: Item = {"json": json | {"attributes": {"uid": uid}}}
        if not simple or self.download_attachments:
            prefix = str(self.data_property_attachments_prefix_name)
            binary = {
                f"{prefix}{i}": await context.blobs.write(
                    cast("bytes", part.get_payload(decode=True) or b""),
                    mime_type=part.get_content_type(),
                    file_name=part.get_filename(),
                )
                for i, part in enumerate(message.iter_attachments())
            }
            if binary:
                item["binary"] = binary
        return item


def search_keys(config: Any) -> str:
    """Return the IMAP search keys of n8n's JSON: a list of keys, those with arguments as lists. Raise NodeError."""
    try:
        keys = json.loads(config) if isinstance(config, str) else config
    except ValueError as error:
        raise NodeError("Custom email config is not valid JSON.") from error
    if not isinstance(keys, list):
        raise NodeError("Custom email config is not valid JSON.")
    return " ".join(_key(key) for key in keys) or "ALL"


def _key(key: Any) -> str:
    name, *arguments = key if isinstance(key, list) and key else [key]
    word = str(name).upper()
    if not word.lstrip("!").replace("-", "").isalnum():
        raise NodeError(f"{name!r} is no search key of IMAP.")
    word = f"NOT {word[1:]}" if word.startswith("!") else word
    quoted = ['"{}"'.format(str(each).replace("\\", "\\\\").replace('"', '\\"')) for each in arguments]
    if any("\r" in each or "\n" in each for each in quoted):
        raise NodeError("A search key of IMAP has one line.")
    return " ".join([word, *quoted])


def _texts(message: EmailMessage) -> tuple[str | None, str | None]:
    """Return HTML and plain text."""
    bodies = [message.get_body((kind,)) for kind in ("html", "plain")]
    html, plain = (part.get_content() if part is not None else None for part in bodies)
    return html, plain


def _simple(message: EmailMessage) -> dict[str, Any]:
    html, plain = _texts(message)
    json: dict[str, Any] = {"textHtml": html, "textPlain": plain, "metadata": {}}
    for name, value in message.items():
        place = json if name.lower() in TOP_LEVEL_HEADERS else json["metadata"]
        place.setdefault(name.lower(), str(value))
    return {name: value for name, value in json.items() if value is not None}


def _resolved(message: EmailMessage) -> dict[str, Any]:
    html, plain = _texts(message)
    json: dict[str, Any] = {"headers": {name.lower(): f"{name}: {value}" for name, value in message.items()}}
    json |= {name: value for name, value in (("html", html), ("text", plain)) if value is not None}
    for header, name in (("subject", "subject"), ("message-id", "messageId"), ("in-reply-to", "inReplyTo")):
        if message[header]:
            json[name] = str(message[header])
    if message["date"]:
        at = parsedate_to_datetime(str(message["date"])).astimezone(UTC)
        json["date"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for header in _ADDRESSES:
        if message[header]:
            json["replyTo" if header == "reply-to" else header] = _people(str(message[header]))
    return json


def _people(text: str) -> dict[str, Any]:
    """Return mailparser's view of a list of addresses."""
    value = [{"address": address, "name": name} for name, address in getaddresses([text])]
    markup = ", ".join(f"{escape(each['name'])} &lt;{escape(each['address'])}&gt;" for each in value)
    return {"value": value, "html": markup, "text": text}
