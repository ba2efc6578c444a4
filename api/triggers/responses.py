"""Replies of webhooks: n8n's response modes, as n8n 2.41 answered them."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from schemas.plan import Step
from schemas.run import RunReply, RunResult

__all__ = ["HttpReply", "Refusal", "immediate_reply", "refusal", "reply_after_run"]

JSON_TYPE: Final = "application/json; charset=utf-8"
TEXT_TYPE: Final = "text/html; charset=utf-8"
"""Of pages, and n8n's for text without a type."""
SANDBOX: Final = (
    "sandbox allow-downloads allow-forms allow-modals allow-orientation-lock allow-pointer-lock allow-popups "
    "allow-popups-to-escape-sandbox allow-presentation allow-scripts allow-top-navigation-by-user-activation "
    "allow-top-navigation-to-custom-protocols"
)
"""A page from a workflow must not act as a page of the service's origin (n8n sends the same)."""
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
    stream: AsyncIterator[bytes] | None = None
    """In place of a body: chunks that are sent as they come."""

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
    body = orjson.dumps({"code": more.pop("code", 0), "message": message} | more)
    return Refusal(HttpReply(status, {"content-type": JSON_TYPE}, body), message)


IN_WORKFLOW: Final = orjson.dumps({"message": "Error in workflow"})


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
    reply.body = orjson.dumps({"message": "Workflow was started"})
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
    try:
        status = int(code)
    except (TypeError, ValueError):
        status = 0
    if not 100 <= status <= 999:  # what HTTP can carry
        raise refusal(500, f'Invalid status code: "{code}". Status code must be an integer.')
    return status


def headers_of(step: Step) -> dict[str, str]:
    """Return the response headers of the webhook's options; the last of several with one name counts."""
    entries = (_options(step).get("responseHeaders") or {}).get("entries") or ()
    return {
        str(each["name"]).lower(): _plain(each.get("value", ""), "responseHeaders")
        for each in entries
        if each.get("name")
    }


async def _last_node(step: Step, result: RunResult, read: ReadBinary) -> HttpReply:
    mode = step.parameters.get("responseData", "firstEntryJson")
    reply = HttpReply(status_of(step), headers_of(step))
    if mode == "noData":
        return reply.with_type(JSON_TYPE)
    if not result.outputs:
        message = "Workflow executed successfully but the last node did not return any data"
        return HttpReply(OK, {}, orjson.dumps({"message": message})).with_type(JSON_TYPE)
    items: Sequence[Mapping[str, Any]] = result.outputs[0] or ()
    if mode == "allEntries":
        reply.body = orjson.dumps([item.get("json", {}) for item in items])
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
        reply.body = value.encode("utf-8", "replace")
        return reply.with_type(content_type or TEXT_TYPE)
    if value is not _MISSING:
        reply.body = orjson.dumps(value)
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
    pairs = ((str(name).lower(), str(value)) for name, value in (response.get("headers") or {}).items())
    headers = {name: value for name, value in pairs if name != "content-length"}  # the server sets it
    reply = HttpReply(int(response.get("statusCode") or OK), headers_of(step) | headers)
    body = response.get("body")
    if (reference := _file(body)) is not None:
        reply.body = await read(reference)
        return reply.with_type(str(reference["mimeType"]))
    if isinstance(body, str):
        reply.body = body.encode("utf-8", "replace")
        return reply.with_type(TEXT_TYPE)
    if body is not None:
        reply.body = orjson.dumps(body)
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
