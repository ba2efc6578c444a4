"""The pages of forms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.problems import RETRY_AFTER_SECONDS
from api.triggers.form_fields import Field
from api.triggers.responses import TEXT_TYPE, HttpReply
from service.errors import ReplyPendingError

__all__ = ["RESPONSE_RECORDED", "file_reply", "form_page", "last_page", "message_page", "pending_page", "thanks_page"]

RESPONSE_RECORDED: Final = "Your response has been recorded"
_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def form_page(parameters: Mapping[str, Any], fields: list[Field], *, error: str = "", status: int = 200) -> HttpReply:
    """Return the page of a form; `error` says what is wrong with a submission."""
    options = parameters.get("options") or {}
    page = _PAGES.get_template("form.html.j2").render(
        title=str(parameters.get("formTitle") or "Form"), about=str(parameters.get("formDescription") or ""),
        button=str(options.get("buttonLabel") or "Submit"), fields=fields, error=error, text=None, refresh=None, links={},
    )  # fmt: skip
    return HttpReply(status, {"content-type": TEXT_TYPE}, page.encode("utf-8", "replace"))


def thanks_page(parameters: Mapping[str, Any]) -> HttpReply:
    """Return the page after a submission by the node's options: a text, or a redirection to another page."""
    options = parameters.get("options") or {}
    values = (options.get("respondWithOptions") or {}).get("values") or {}
    if values.get("respondWith") == "redirect" and values.get("redirectUrl"):
        return HttpReply(303, {"location": str(values["redirectUrl"]), "content-type": TEXT_TYPE})
    text = str(values.get("formSubmittedText") or options.get("formSubmittedText") or RESPONSE_RECORDED)
    return message_page(str(parameters.get("formTitle") or "Form"), text)


def message_page(
    title: str, text: str, *, refresh: int | str | None = None, links: Mapping[str, str] | None = None
) -> HttpReply:
    """Return a page with a text, and with links (address -> text), which loads itself again after `refresh` seconds; after
    "seconds; url=address" the browser goes there.
    """
    page = _PAGES.get_template("form.html.j2").render(
        title=title, about="", button="", fields=[], error="", text=text, refresh=refresh, links=links or {}
    )
    return HttpReply(200, {"content-type": TEXT_TYPE}, page.encode("utf-8", "replace"))


def pending_page(pending: ReplyPendingError) -> HttpReply:
    """Return the page for a run that has begun and has no reply in time: what was sent is not lost, and need not be sent again."""
    text = f"This takes longer than usual. What you sent was received as {pending.workflow_id}; you need not send it again."
    reply = message_page("Form", text)
    reply.status = 503
    reply.headers["retry-after"] = RETRY_AFTER_SECONDS
    return reply


def last_page(page: Mapping[str, Any], address: str) -> HttpReply:
    """Return the page of a Form node that completes the form. `address`, with a number behind it, gives a file of the page: the
    browser takes the first by itself.
    """
    if page.get("redirect"):
        return HttpReply(303, {"location": str(page["redirect"]), "content-type": TEXT_TYPE})
    if "html" in page:
        return HttpReply(200, {"content-type": TEXT_TYPE}, str(page["html"]).encode("utf-8", "replace"))
    links = {f"{address}{i}": file_name(file) for i, file in enumerate(page.get("files") or ())}
    first = f"0; url={next(iter(links))}" if links else None
    text = str(page.get("message") or RESPONSE_RECORDED)
    return message_page(str(page.get("title") or "Form"), text, refresh=first, links=links)


def file_reply(file: Mapping[str, Any], content: bytes) -> HttpReply:
    """Return a file that the browser saves."""
    name = quote(file_name(file), safe="", errors="replace")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return HttpReply(200, headers, content).with_type(str(file.get("mimeType") or "application/octet-stream"))


def file_name(file: Mapping[str, Any]) -> str:
    """Return the name under which the browser saves a file."""
    return str(file.get("fileName") or "file")
