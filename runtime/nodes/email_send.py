"""Send Email: a message by SMTP, and the question that a person answers by a link in it."""

from email.message import EmailMessage
from email.utils import formatdate, getaddresses, parseaddr
from html import escape
from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Call,
    Command,
    Done,
    DurableContext,
    Dynamic,
    Event,
    Item,
    Items,
    NodeError,
    Outputs,
    error_item,
    param,
)
from runtime.nodes.approvals import ASKS, SendAndWait
from runtime.nodes.checkpoint import Checkpoint
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from schemas.facts import CredentialUse
from schemas.item import Json

MAX_HEADER: Final = 8_000
"""Characters of a header: some three hundred addresses."""
SENDS = {"operation": ["send"]}
_BUTTON = '<a href="{url}" style="padding:8px 16px;border:1px solid #888;border-radius:4px">{label}</a>'


async def deliver(
    context: ActivityContext, message: EmailMessage, bcc: str, *, verify: bool, item: int
) -> dict[str, Any]:
    """Send a message with an id that is the same on every attempt. Raise NodeError."""
    check_length("Bcc", bcc)
    sender = parseaddr(str(message["From"] or ""))[1]
    fields = [str(message[name] or "") for name in ("To", "Cc")] + [bcc]
    recipients = [address for _, address in getaddresses([each for each in fields if each]) if address]
    if not recipients:
        raise NodeError("No recipients defined", item=item)
    return await context.mail.send(sender, recipients, message, verify=verify, item=item)


def _set_headers(message: EmailMessage, parts: dict[str, Any]) -> None:
    """Write the headers that a step gives. Raise NodeError for one that is too long: the parser takes the square of its length."""
    for header, name in (("From", "from"), ("To", "to"), ("Cc", "cc"), ("Reply-To", "replyTo"), ("Subject", "subject")):
        value = js_string(parts.get(name) or "").replace("\r", " ").replace("\n", " ")
        check_length(header, value)
        if value:
            message[header] = value


def check_length(header: str, value: str) -> None:
    """Raise NodeError for a header with more than MAX_HEADER characters."""
    if len(value) > MAX_HEADER:
        raise NodeError(
            f"'{header}' has {len(value):,} characters, and may have {MAX_HEADER:,}: send to fewer addresses at a time"
        )


async def compose(context: ActivityContext, item: Item, i: int, parts: dict[str, Any]) -> EmailMessage:
    """Build a message from {from, to, cc, replyTo, subject, text, html, attachments}. Raise NodeError."""
    message = EmailMessage()
    try:
        await context.on_thread(_set_headers, message, parts)
    except RecursionError as error:
        raise NodeError("The addresses have comments in comments without end", item=i) from error
    message["Date"] = formatdate(context.now / 1000)
    text, html = parts.get("text"), parts.get("html")
    if text is not None or html is None:
        message.set_content(js_string(text or ""))
    if html is not None:
        message.add_alternative(js_string(html), subtype="html") if text is not None else message.set_content(
            js_string(html), subtype="html"
        )
    for name in filter(None, (each.strip() for each in js_string(parts.get("attachments") or "").split(","))):
        try:
            ref = binary_of(item, name, i)
        except NoBinaryError as error:
            raise NodeError(error.message, description=error.description, item=i) from error
        major, _, minor = (ref.get("mimeType") or "application/octet-stream").partition("/")
        message.add_attachment(
            await context.blobs.read(ref),
            maintype=major,
            subtype=minor or "octet-stream",
            filename=ref.get("fileName") or name,
        )
    return message


class EmailSendV1(Activity):
    """Version 1: text and HTML side by side."""

    type = "n8n-nodes-base.emailSend"
    versions = (1,)
    credential_uses = (CredentialUse("smtp"),)

    from_email: Dynamic[str] = param("", required=True)
    to_email: Dynamic[str] = param("", required=True)
    cc_email: Dynamic[str] = param("")
    bcc_email: Dynamic[str] = param("")
    subject: Dynamic[str] = param("")
    text: Dynamic[str] = param("")
    html: Dynamic[str] = param("")
    attachments: Dynamic[str] = param("")
    options: Dynamic[dict[str, Any]] = param({})

    def mutation(self, version: float) -> str:
        """Return what cannot be taken back: a message is sent."""
        del version
        return "its message"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Send a message per item."""
        return [await _each(context, items, self._one)]

    async def _one(self, context: ActivityContext, item: Item, i: int) -> dict[str, Any]:
        node = context.resolve(self, i)
        options = node.options or {}
        parts = {
            "from": node.from_email,
            "to": node.to_email,
            "cc": node.cc_email,
            "subject": node.subject,
            "replyTo": options.get("replyTo"),
            "text": node.text or None,
            "html": node.html or None,
            "attachments": node.attachments,
        }
        message = await compose(context, item, i, parts)
        verify = not options.get("allowUnauthorizedCerts")
        return await deliver(context, message, js_string(node.bcc_email or ""), verify=verify, item=i)


class EmailSend(SendAndWait):
    """Version 2: a message per item, or a question and its answer."""

    type = "n8n-nodes-base.emailSend"
    versions = (2, 2.1)
    usable_as_tool = True
    credential_uses = (CredentialUse("smtp"),)
    differs = "The attribution line of n8n is not added to the message"

    resource: Literal["email"] = param("email")
    operation: Literal["send", "sendAndWait"] = param("send")
    from_email: Dynamic[str] = param("", required=True)
    to_email: Dynamic[str] = param("", required=True)
    subject: Dynamic[str] = param("")
    email_format_v2: Dynamic[Literal["text", "html", "both"]] = param(
        "text", alias="emailFormat", show={**SENDS, "@version": [2]}
    )
    email_format: Dynamic[Literal["text", "html", "both"]] = param("html", show=SENDS, hide={"@version": [2]})
    text: Dynamic[str] = param("", show=SENDS)
    html: Dynamic[str] = param("", show=SENDS)

    def mutation(self, version: float) -> str:
        """Return what cannot be taken back: a message is sent."""
        del version
        return "its message"

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Return one call that sends everything, or the question."""
        if self.operation == "sendAndWait":
            return self.ask(context, state, event)
        if event is None:
            return state, [Call("send_all", None)]
        if event.error is not None:
            raise NodeError(
                event.error["message"],
                description=event.error.get("description"),
                item=(event.error.get("context") or {}).get("itemIndex"),
            )
        outputs: Any = event.value
        return None, [Done([outputs])]

    async def send_all(self, context: ActivityContext, payload: Json) -> Json:
        """Send a message per item."""
        del payload
        items: Items = next((each for each in context.inputs if each), [])
        outputs: Any = await _each(context, items, self._one)
        return outputs  # type: ignore[no-any-return]

    async def send_request(self, context: ActivityContext, payload: Json) -> Json:
        """Send the question, with its links."""
        request: Any = payload
        node = context.resolve(self, 0)
        links = " &nbsp; ".join(
            _BUTTON.format(url=escape(each["url"]), label=escape(each["label"])) for each in request["buttons"]
        )
        text = "\n".join(f"{each['label']}: {each['url']}" for each in request["buttons"])
        parts = {
            "from": node.from_email,
            "to": node.to_email,
            "subject": node.subject,
            "text": f"{request['message']}\n\n{text}\n",
            "html": f"<p>{escape(request['message']).replace(chr(10), '<br>')}</p><p>{links}</p>",
        }
        message = await compose(context, {"json": {}}, 0, parts)
        return await deliver(context, message, "", verify=True, item=0)

    async def _one(self, context: ActivityContext, item: Item, i: int) -> dict[str, Any]:
        node = context.resolve(self, i)
        options = node.options or {}
        format_ = node.email_format_v2 if context.version == 2 else node.email_format
        parts = {
            "from": node.from_email,
            "to": node.to_email,
            "cc": options.get("ccEmail"),
            "subject": node.subject,
            "replyTo": options.get("replyTo"),
            "text": None if format_ == "html" else node.text,
            "html": None if format_ == "text" else node.html,
            "attachments": options.get("fileAttachments") or options.get("attachments"),
        }
        message = await compose(context, item, i, parts)
        verify = not options.get("allowUnauthorizedCerts")
        return await deliver(context, message, js_string(options.get("bccEmail") or ""), verify=verify, item=i)


async def _each(context: ActivityContext, items: Items, one: Any) -> Items:
    """Return the results in order; those that an attempt before was done with are not sent again."""
    checkpoint, results = Checkpoint(context, len(items)), []
    for i, item in enumerate(items):

        async def work(item: Item = item, i: int = i) -> list[Item]:
            try:
                return [{"json": await one(context, item, i), "pairedItem": {"item": i}}]
            except NodeError as error:
                error.item = i if error.item is None else error.item
                if not context.continue_on_fail:
                    raise
                return [error_item(error, i)]

        results += await checkpoint.run_once(i, work)
    return results


__all__ = ["ASKS", "EmailSend", "EmailSendV1"]
