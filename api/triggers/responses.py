"""Replies of webhooks: n8n's response modes, as n8n 2.41 answered them."""

import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from api.triggers.reply_headers import HeaderError, check_header
from runtime.values.json_bytes import dumps
from runtime.values.well_formed import well_formed
from schemas.facts import is_literal
from schemas.plan import Step
from schemas.run import RunReply, RunResult

__all__ = ["HttpReply", "Refusal", "immediate_reply", "refusal", "reply_after_run"]

JSON_TYPE: Final = "application/json; charset=utf-8"
TEXT_TYPE: Final = "text/html; charset=utf-8"
"""Of pages, and n8n's for text without a type."""
NO_BODY: Final = frozenset({204, 304})
OK: Final = 200

ReadBinary = Callable[[Mapping[str, Any]], Awaitable[bytes]]
"""Returns the bytes of a binary reference of an item."""


@dataclass
class HttpReply:
    """An HTTP response. Header names are lower case."""

    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: AsyncGenerator[bytes] | None = None
    """In place of a body: chunks that are sent as they come."""
    refused: bool = False
    """The request reached no run: this says why."""
    policy: str | None = None
    """Content-Security-Policy of a page of the service; None: what a workflow says is sandboxed."""

    def with_type(self, content_type: str) -> "HttpReply":
        """Set the content type unless the headers have one; return the reply."""
        self.headers.setdefault("content-type", content_type)
        return self


class Refusal(Exception):
    """The reply is an error of the webhook, in n8n's words."""

    def __init__(self, reply: HttpReply, message: str = "") -> None:
        super().__init__(reply.status)
        self.reply, self.message = reply, message


def refusal(status: int, message: str, **more: Any) -> Refusal:
    """Return a refusal with n8n's `{"code": 0, "message": ...}`; `more` are further members."""
    body = dumps({"code": more.pop("code", 0), "message": message} | more)
    return Refusal(HttpReply(status, {"content-type": JSON_TYPE}, body, refused=True), message)


IN_WORKFLOW: Final = dumps({"message": "Error in workflow"})


def immediate_reply(step: Step) -> HttpReply:
    """Return the reply of mode onReceived.

    Raises:
        Refusal: an option cannot be used.
    """
    options = _options(step)
    reply = HttpReply(status_of(step), headers_of(step))
    if options.get("noResponseBody"):
        return reply.with_type(JSON_TYPE)
    text = options.get("responseData")
    if text:
        reply.body = _plain(text, "responseData").encode()
        return reply.with_type(TEXT_TYPE)
    reply.body = dumps({"message": "Workflow was started"})
    return reply.with_type(JSON_TYPE)


async def reply_after_run(step: Step, run_reply: RunReply, read: ReadBinary) -> HttpReply:
    """Return the reply of modes lastNode and responseNode.

    Raises:
        Refusal: there is nothing to send.
    """
    if run_reply.response is not None:
        return await _responded(step, run_reply.response, read)
    result = run_reply.finished
    if result is None or _failed(result):
        return HttpReply(500, {"content-type": JSON_TYPE}, IN_WORKFLOW)
    if step.parameters.get("responseMode") == "responseNode":
        return HttpReply(status_of(step), headers_of(step)).with_type(JSON_TYPE)  # no Respond node was reached
    return await _last_node(step, result, read)


def status_of(step: Step) -> int:
    """Return the status code of the webhook's options: a parameter in version 1, an option from version 2 on.

    Raises:
        Refusal: it is no status code.
    """
    if step.version < 2:  # typeVersion
        code = step.parameters.get("responseCode", OK)
    else:
        option = (_options(step).get("responseCode") or {}).get("values") or {}
        code = option.get("responseCode", OK)
        if code == "customCode":
            code = option.get("customCode", OK)
        elif not is_literal(code):
            code = OK  # n8n evaluates neither, and fails for an expression in `customCode` alone
    return status_code(code)


def status_code(value: Any) -> int:
    """Return a status code that a workflow gives.

    Raises:
        Refusal: it is no integer, in n8n's words, or not from 200 to 599: below are announcements of another response, which
            would be the next caller's.
    """
    try:
        code = int(value)
    except (TypeError, ValueError, OverflowError):
        code = None
    if code is None or isinstance(value, bool) or (isinstance(value, float) and value != code):
        raise refusal(500, f'Invalid status code: "{str(value)[:100]}". Status code must be an integer.')
    if not 200 <= code <= 599:
        raise refusal(500, f'Invalid status code: "{str(code)[:100]}". Status code must be from 200 to 599.')
    return code


def headers_of(step: Step) -> dict[str, str]:
    """Return the response headers of the webhook's options; the last of several with one name counts.

    Raises:
        Refusal: HTTP cannot carry one.
    """
    entries = (_options(step).get("responseHeaders") or {}).get("entries") or ()
    headers = {
        _plain(each["name"], "responseHeaders").lower(): _plain(each.get("value", ""), "responseHeaders")
        for each in entries
        if each.get("name")
    }
    for name, value in headers.items():
        try:
            check_header(name, value)
        except HeaderError as error:
            raise refusal(500, str(error)) from None
    return headers


async def _last_node(step: Step, result: RunResult, read: ReadBinary) -> HttpReply:
    mode = step.parameters.get("responseData", "firstEntryJson")
    reply = HttpReply(status_of(step), headers_of(step))
    if mode == "noData":
        return reply.with_type(JSON_TYPE)
    if not result.outputs:
        message = "Workflow executed successfully but the last node did not return any data"
        return HttpReply(OK, {}, dumps({"message": message})).with_type(JSON_TYPE)
    items: Sequence[Mapping[str, Any]] = result.outputs[0] or ()
    if mode == "allEntries":
        reply.body = dumps([item.get("json", {}) for item in items])
        return reply.with_type(JSON_TYPE)
    if not items:
        raise refusal(500, "No item to return was found")
    if mode == "firstEntryBinary":
        return await _binary(step, items[0], reply, read)
    return _first_entry(step, items[0], reply)


def _first_entry(step: Step, item: Mapping[str, Any], reply: HttpReply) -> HttpReply:
    options = _options(step)
    value: Any = item.get("json", {})
    if options.get("responsePropertyName"):
        value = _at(value, str(options["responsePropertyName"]))
    subtype = options.get("responseContentType")
    content_type = f"{subtype}; charset=utf-8" if subtype else None
    if isinstance(value, str):
        reply.body = well_formed(value).encode()
        return reply.with_type(content_type or TEXT_TYPE)
    if value is not _MISSING:
        reply.body = dumps(value)
    return reply.with_type(content_type or JSON_TYPE)


async def _binary(step: Step, item: Mapping[str, Any], reply: HttpReply, read: ReadBinary) -> HttpReply:
    name = str(step.parameters.get("responseBinaryPropertyName") or "data")
    files = item.get("binary")
    if not files:
        raise refusal(500, "No binary data was found to return")
    if name not in files:
        raise refusal(500, f"The binary property '{name}' which should be returned does not exist")
    reply.body = await read(files[name])
    return reply.with_type(str(files[name].get("mimeType") or "application/octet-stream"))


async def _responded(step: Step, response: Mapping[str, Any], read: ReadBinary) -> HttpReply:
    """Return the response of Respond to Webhook: `{statusCode, headers, body}`, where a file is `{"binary": reference}`."""
    headers = {str(name).lower(): str(value) for name, value in (response.get("headers") or {}).items()}
    reply = HttpReply(status_code(response.get("statusCode") or OK), headers_of(step) | headers)
    body = response.get("body")
    if (reference := _file(body)) is not None:
        reply.body = await read(reference)
        return reply.with_type(str(reference["mimeType"]))
    if isinstance(body, str):
        reply.body = well_formed(body).encode()
        return reply.with_type(TEXT_TYPE)
    if body is not None:
        reply.body = dumps(body)
    return reply.with_type(JSON_TYPE)


def _file(body: Any) -> Mapping[str, Any] | None:
    reference = body.get("binary") if isinstance(body, dict) and len(body) == 1 else None
    return reference if isinstance(reference, dict) and "mimeType" in reference and "data" in reference else None


def _failed(result: RunResult) -> bool:
    """Return whether the run failed: as in n8n, also when it continued after an error of the node that ran last."""
    journal = result.journal
    if journal.status != "success":
        return True
    last = next((step for step in reversed(journal.steps) if step.node == journal.last_node), None)
    return last is not None and last.error is not None


class _Missing:
    """No such property."""


_MISSING: Final = _Missing()


def _at(value: Any, path: str) -> Any:
    """Return the value at n8n's dot path: `a.b[0].c`."""
    for part in path.replace("[", ".").replace("]", "").split("."):
        key = part.strip("'\"")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return _MISSING
    return value


def _plain(value: Any, option: str) -> str:
    if isinstance(value, str) and value.startswith("="):
        raise refusal(
            500,
            f"The webhook's option '{option}' is an expression, which is not evaluated here",
            hint="Write plain text there, or answer with a Respond to Webhook node.",
        )
    return str(value)


def _options(step: Step) -> dict[str, Any]:
    options = step.parameters.get("options")
    return options if isinstance(options, dict) else {}


def inline_bytes(reference: Mapping[str, Any]) -> bytes:
    """Return the bytes that are in a reference itself."""
    return base64.b64decode(reference.get("data") or "")
