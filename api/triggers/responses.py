"""What a webhook sends back: n8n's response modes, as n8n 2.41 answered them."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from schemas.plan import Step
from schemas.run import RunReply, RunResult

__all__ = ["Answer", "Refusal", "after_run", "at_once", "refusal"]

JSON_TYPE: Final = "application/json; charset=utf-8"
TEXT_TYPE: Final = "text/html; charset=utf-8"
"""Of pages, and what n8n sends for text that says nothing of itself."""
SANDBOX: Final = (
    "sandbox allow-downloads allow-forms allow-modals allow-orientation-lock allow-pointer-lock allow-popups "
    "allow-popups-to-escape-sandbox allow-presentation allow-scripts allow-top-navigation-by-user-activation "
    "allow-top-navigation-to-custom-protocols"
)
"""A page that a workflow sends must not act as a page of the service's own origin (n8n sends the same)."""
NO_BODY: Final = frozenset({204, 304})
OK: Final = 200

ReadBinary = Callable[[Mapping[str, Any]], Awaitable[bytes]]
"""The bytes of a binary reference of an item."""


@dataclass
class Answer:
    """An HTTP response. Header names are lower case."""

    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None
    """In place of a body: pieces that are sent as they come."""

    def with_type(self, content_type: str) -> "Answer":
        """The same, with a content type unless its headers have one."""
        self.headers.setdefault("content-type", content_type)
        return self


class Refusal(Exception):
    """The webhook answers with an error of its own, in n8n's words."""

    def __init__(self, answer: Answer, message: str = "") -> None:
        super().__init__(answer.status)
        self.answer, self.message = answer, message


def refusal(status: int, message: str, **more: Any) -> Refusal:
    """n8n's `{"code": 0, "message": ...}`."""
    body = orjson.dumps({"code": more.pop("code", 0), "message": message} | more)
    return Refusal(Answer(status, {"content-type": JSON_TYPE}, body), message)


IN_WORKFLOW: Final = orjson.dumps({"message": "Error in workflow"})


def at_once(step: Step) -> Answer:
    """Mode onReceived: the run has begun.

    Raises:
        Refusal: an option cannot be used.
    """
    options = _options(step)
    answer = Answer(status_of(step), headers_of(step))
    if options.get("noResponseBody"):
        return answer.with_type(JSON_TYPE)
    text = options.get("responseData")
    if text:
        answer.body = _plain(text, "responseData").encode()
        return answer.with_type(TEXT_TYPE)
    answer.body = orjson.dumps({"message": "Workflow was started"})
    return answer.with_type(JSON_TYPE)


async def after_run(step: Step, told: RunReply, read: ReadBinary) -> Answer:
    """Modes lastNode and responseNode: what the run wants its caller to get.

    Raises:
        Refusal: there is nothing to send.
    """
    if told.response is not None:
        return await _responded(step, told.response, read)
    result = told.finished
    if result is None or _failed(result):
        return Answer(500, {"content-type": JSON_TYPE}, IN_WORKFLOW)
    if step.parameters.get("responseMode") == "responseNode":
        return Answer(status_of(step), headers_of(step)).with_type(JSON_TYPE)  # no Respond node was reached
    return await _last_node(step, result, read)


def status_of(step: Step) -> int:
    """The status code of the webhook's options: a parameter in version 1, an option from version 2 on.

    Raises:
        Refusal: it is no status code.
    """
    if step.version < 2:  # typeVersion
        code = step.parameters.get("responseCode", OK)
    else:
        chosen = (_options(step).get("responseCode") or {}).get("values") or {}
        code = chosen.get("responseCode", OK)
        if code == "customCode":
            code = chosen.get("customCode", OK)
    try:
        status = int(code)
    except (TypeError, ValueError):
        status = 0
    if not 100 <= status <= 999:  # what HTTP can carry
        raise refusal(500, f'Invalid status code: "{code}". Status code must be an integer.')
    return status


def headers_of(step: Step) -> dict[str, str]:
    """The response headers of the webhook's options; the last of several with one name counts."""
    entries = (_options(step).get("responseHeaders") or {}).get("entries") or ()
    return {
        str(each["name"]).lower(): _plain(each.get("value", ""), "responseHeaders")
        for each in entries
        if each.get("name")
    }


async def _last_node(step: Step, result: RunResult, read: ReadBinary) -> Answer:
    wanted = step.parameters.get("responseData", "firstEntryJson")
    answer = Answer(status_of(step), headers_of(step))
    if wanted == "noData":
        return answer.with_type(JSON_TYPE)
    if not result.outputs:
        message = "Workflow executed successfully but the last node did not return any data"
        return Answer(OK, {}, orjson.dumps({"message": message})).with_type(JSON_TYPE)
    items: Sequence[Mapping[str, Any]] = result.outputs[0] or ()
    if wanted == "allEntries":
        answer.body = orjson.dumps([item.get("json", {}) for item in items])
        return answer.with_type(JSON_TYPE)
    if not items:
        raise refusal(500, "No item to return was found")
    if wanted == "firstEntryBinary":
        return await _binary(step, items[0], answer, read)
    return _first_entry(step, items[0], answer)


def _first_entry(step: Step, item: Mapping[str, Any], answer: Answer) -> Answer:
    options = _options(step)
    value: Any = item.get("json", {})
    if options.get("responsePropertyName"):
        value = _at(value, str(options["responsePropertyName"]))
    wanted = options.get("responseContentType")
    content_type = f"{wanted}; charset=utf-8" if wanted else None
    if isinstance(value, str):
        answer.body = value.encode("utf-8", "replace")
        return answer.with_type(content_type or TEXT_TYPE)
    if value is not _MISSING:
        answer.body = orjson.dumps(value)
    return answer.with_type(content_type or JSON_TYPE)


async def _binary(step: Step, item: Mapping[str, Any], answer: Answer, read: ReadBinary) -> Answer:
    name = str(step.parameters.get("responseBinaryPropertyName") or "data")
    files = item.get("binary")
    if not files:
        raise refusal(500, "No binary data was found to return")
    if name not in files:
        raise refusal(500, f"The binary property '{name}' which should be returned does not exist")
    answer.body = await read(files[name])
    return answer.with_type(str(files[name].get("mimeType") or "application/octet-stream"))


async def _responded(step: Step, response: Mapping[str, Any], read: ReadBinary) -> Answer:
    """What Respond to Webhook gave: `{statusCode, headers, body}`, where a file is `{"binary": reference}`."""
    given = ((str(name).lower(), str(value)) for name, value in (response.get("headers") or {}).items())
    headers = {name: value for name, value in given if name != "content-length"}  # the server counts by itself
    answer = Answer(int(response.get("statusCode") or OK), headers_of(step) | headers)
    body = response.get("body")
    if (reference := _file(body)) is not None:
        answer.body = await read(reference)
        return answer.with_type(str(reference["mimeType"]))
    if isinstance(body, str):
        answer.body = body.encode("utf-8", "replace")
        return answer.with_type(TEXT_TYPE)
    if body is not None:
        answer.body = orjson.dumps(body)
    return answer.with_type(JSON_TYPE)


def _file(body: Any) -> Mapping[str, Any] | None:
    reference = body.get("binary") if isinstance(body, dict) and len(body) == 1 else None
    return reference if isinstance(reference, dict) and "mimeType" in reference and "data" in reference else None


def _failed(result: RunResult) -> bool:
    """n8n: also when the workflow went on after an error of the node that ran last."""
    journal = result.journal
    if journal.status != "success":
        return True
    last = next((step for step in reversed(journal.steps) if step.node == journal.last_node), None)
    return last is not None and last.error is not None


class _Missing:
    """No such property."""


_MISSING: Final = _Missing()


def _at(value: Any, path: str) -> Any:
    """n8n's dot path: `a.b[0].c`."""
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
    """The bytes that ride in a reference."""
    return base64.b64decode(reference.get("data") or "")
