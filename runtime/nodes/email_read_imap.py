"""Email Trigger (IMAP): a run for the messages that came since the last look."""

import base64
import json
from typing import Any, Literal

from runtime.contract import ActivityContext, Dynamic, Item, Items, NodeError, param
from runtime.nodes.polling import Poll
from schemas.facts import CredentialUse


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
        uids = [uid for uid, _ in messages]
        if self.format == "raw":
            return [
                {"json": {"raw": raw.decode("utf-8", "replace"), "attributes": {"uid": uid}}} for uid, raw in messages
            ]
        from runtime.sandbox.mail import read_mails  # noqa: PLC0415 - starts a process, and workflow code loads this file

        simple = self.format == "simple"
        attachments = not simple or self.download_attachments
        read = await read_mails(context, [raw for _, raw in messages], simple=simple, attachments=attachments)
        return [await self._item(context, uid, message) for uid, message in zip(uids, read, strict=True)]

    async def _item(self, context: ActivityContext, uid: int, message: dict[str, Any]) -> Item:
        item: Item = {"json": message["json"] | {"attributes": {"uid": uid}}}
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
