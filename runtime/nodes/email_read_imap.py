"""Email Trigger (IMAP): a run for the messages that came since the last look."""

import base64
import json
from typing import Any, Final, Literal

from runtime.contract import ActivityContext, Dynamic, Item, Items, NodeError, param
from runtime.nodes.polling import Poll
from runtime.values.imap_search import SearchKeyError, imap_date, search_keys
from schemas.facts import CredentialUse

_TRACKS_BY_OPTION: Final = 2.1
"""From this version on an option says whether what came before the last message is left out."""


class EmailReadImap(Poll):
    """The uid of the last message is kept; the first look takes all that match. Messages are marked as read by the look after
    the one that took them: a worker that dies in between must find them again.
    """

    type = "n8n-nodes-base.emailReadImap"
    versions = (1, 2, 2.1, 2.2)
    credential_uses = (CredentialUse("imap"),)
    differs = (
        "The mailbox is checked once a minute; in n8n, a new message starts the workflow at once. In version 2, too, a message that "
        "was read is not read again"
    )

    mailbox: Dynamic[str] = param("INBOX")
    post_process_action: Dynamic[Literal["read", "nothing"]] = param("read")
    download_attachments: Dynamic[bool] = param(default=False, show={"format": ["simple"]})
    format: Literal["raw", "resolved", "simple"] = param("simple")
    data_property_attachments_prefix_name: Dynamic[str] = param("attachment_", show={"format": ["resolved", "simple"]})
    options: Dynamic[dict[str, Any]] = param({})

    async def poll(self, context: ActivityContext, state: dict[str, Any]) -> Items:
        """Return an item per message."""
        given: Any = self.options  # an expression gives anything
        options = given if isinstance(given, dict) else {}
        track = context.version < _TRACKS_BY_OPTION or options.get("trackLastMessageId", True) is not False
        last = state.get("lastMessageUid") if track else None
        messages = await context.mail.receive(
            str(self.mailbox),
            self.criteria(context, options, state),
            after=last if isinstance(last, int) else None,
            mark=state.get("unmarked") or (),
            verify=context.version > 1 or not options.get("allowUnauthorizedCerts"),
        )
        if messages:
            state["lastMessageUid"] = max(uid for uid, _ in messages)
        reads = self.post_process_action == "read" and context.mode != "manual"
        state["unmarked"] = [uid for uid, _ in messages] if reads else []
        uids = [uid for uid, _ in messages]
        if self.format == "raw":
            return [{"json": {"raw": _text_of(raw)}} for _, raw in messages]
        from runtime.sandbox.mail import read_mails  # noqa: PLC0415 - starts a process, and workflow code loads this file

        simple = self.format == "simple"
        attachments = not simple or self.download_attachments
        read = await read_mails(context, [raw for _, raw in messages], simple=simple, attachments=attachments)
        return [await self._item(context, uid, message) for uid, message in zip(uids, read, strict=True)]

    def criteria(self, context: ActivityContext, options: dict[str, Any], state: dict[str, Any]) -> str:
        """Return the search keys. Version 2.1 and later take what came since the day of the first look. Raise NodeError."""
        text = _search(options.get("customEmailConfig") or '["UNSEEN"]')
        tracks = context.version >= _TRACKS_BY_OPTION and options.get("trackLastMessageId", True) is not False
        if tracks and "lastMessageUid" not in state:
            state.setdefault("since", imap_date(context.now))
            text = f"{text} SINCE {state['since']}".strip()
        if not text:
            raise NodeError("IMAP search needs at least one criterion.")
        return text

    async def _item(self, context: ActivityContext, uid: int, message: dict[str, Any]) -> Item:
        attributes = {"attributes": {"uid": uid}} if context.version > 1 else {}
        item: Item = {"json": message["json"] | attributes}
        prefix = str(self.data_property_attachments_prefix_name)
        binary = {
            f"{prefix}{i}": await context.blobs.write(
                base64.b64decode(part["data"]), mime_type=part["mime_type"], file_name=part["file_name"]
            )
            for i, part in enumerate(message["attachments"])
        }
        if binary:
            item["binary"] = binary
        return item


def _search(config: Any) -> str:
    """Return the search keys of n8n's JSON. Raise NodeError."""
    try:
        keys = json.loads(config) if isinstance(config, str) else config
    except ValueError as error:
        raise NodeError("Custom email config is not valid JSON.") from error
    try:
        return search_keys(keys)
    except SearchKeyError as error:
        raise NodeError(str(error)) from error


def _text_of(raw: bytes) -> str:
    """Return what follows the header of a message."""
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := raw.find(mark)) >= 0]
    at, length = min(ends, default=(len(raw), 0))
    return raw[at + length :].decode("utf-8", "replace")
