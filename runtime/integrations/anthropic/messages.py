"""Anthropic: messages with attachments."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.contract import Item, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.files import encoded
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from runtime.values.objects import members
from schemas.item import UNDEFINED

__all__ = [
    "FILES", "MAX_TOKENS", "ask", "beta_of", "by_name", "by_url", "message_body", "message_item", "model_of", "options_of", "simplified",
]  # fmt: skip

MAX_TOKENS: Final = 1024
FILES, _CODE = "files-api-2025-04-14", "code-execution-2025-05-22"


def options_of(scope: Scope) -> Mapping[str, Any]:
    """Return the options."""
    return scope.parameters.get("options") or {}


def model_of(scope: Scope) -> Any:
    """Return the name of the model."""
    return scope.located("modelId", scope.parameters.get("modelId", UNDEFINED))


async def ask(run: Run, scope: Scope, body: Mapping[str, Any], beta: str = FILES) -> Any:
    """Send a message and return the answer. Raise NodeError."""
    return await run.request(scope, method="POST", path="/v1/messages", json=body, headers={"anthropic-beta": beta})


def by_url(scope: Scope, url: str, type_: str) -> dict[str, Any]:
    """Return the block of a file at an address; one that was uploaded to Anthropic goes by its id."""
    if (uploaded := _uploaded(scope, url)) is not None:
        return {"type": type_, "source": {"type": "file", "file_id": uploaded}}
    return {"type": type_, "source": {"type": "url", "url": url}}


def _uploaded(scope: Scope, url: str) -> str | None:
    """Return the id of a file that was uploaded to Anthropic; None for any other address."""
    parts, own = urlsplit(url), urlsplit(js_string(scope.credential.get("url") or "https://api.anthropic.com"))
    if parts.hostname != own.hostname or not parts.path.startswith("/v1/files/"):
        return None
    return parts.path.rpartition("/")[2]


async def by_name(run: Run, scope: Scope, name: str, type_: str | None = None) -> dict[str, Any]:
    """Return the block of a file of the item."""
    content, ref = await encoded(run, scope.index, name)
    mime = js_string(ref.get("mimeType") or "")
    kind = type_ or _kind_of(mime, scope)
    return {"type": kind, "source": {"type": "base64", "media_type": mime, "data": content}}


def simplified(scope: Scope, response: Any) -> Item:
    """Return the item of an answer: its content, or all of it. Raise NodeError."""
    known = dict(members(response))
    if scope.parameters.flag("simplify", default=True):
        if response is None or response is UNDEFINED:
            raise unreadable(response, "content")
        known = {name: known[name] for name in ("content",) if name in known}
    return {"json": known}


async def message_body(run: Run, scope: Scope) -> dict[str, Any]:
    """Return the body of a message. Raise NodeError."""
    options = options_of(scope)
    given = (scope.parameters.get("messages") or {}).get("values") or []
    messages = [
        {"content": each.get("content", UNDEFINED), "role": each.get("role", "user")}
        for each in given
        if not _is_blank(each.get("content"))
    ]
    if truthy(scope.parameters.get("addAttachments")):
        messages.append({"content": await _attachments(run, scope), "role": "user"})
    if not messages:
        raise NodeError("A non-empty prompt is required.", item=scope.index)
    body: dict[str, Any] = {
        "model": model_of(scope),
        "messages": messages,
        "tools": _tools(options),
        "max_tokens": options.get("maxTokens", MAX_TOKENS),
    }
    names = {"system": "system", "temperature": "temperature", "topP": "top_p", "topK": "top_k"}
    return body | {wire: options[name] for name, wire in names.items() if options.get(name, UNDEFINED) is not UNDEFINED}


def beta_of(options: Mapping[str, Any]) -> str:
    """Return which of Anthropic's coming features a message uses."""
    return f"{FILES},{_CODE}" if options.get("codeExecution") else FILES


def message_item(scope: Scope, response: Any) -> Item:
    """Return the item of the answer to a message. Raise NodeError."""
    made = simplified(scope, response)
    if options_of(scope).get("includeMergedResponse"):
        texts = [
            js_string(each.get("text", "")) for each in response.get("content") or [] if each.get("type") == "text"
        ]
        made["json"] = {**made["json"], "merged_response": "".join(texts)}
    return made


def _is_blank(content: Any) -> bool:
    """Return whether a content is a text of spaces; whatever else an expression gives is sent."""
    return isinstance(content, str) and not content.strip()


async def _attachments(run: Run, scope: Scope) -> list[dict[str, Any]]:
    parameters = scope.parameters
    if parameters.get("attachmentsInputType", "url") == "url":
        urls = FILTERS["split"](parameters.get("attachmentsUrls", ""))
        return [by_url(scope, url, _kind_of(await _type_at(run, scope, url), scope)) for url in urls]
    names = FILTERS["split"](parameters.get("binaryPropertyName", "data"))
    return [await by_name(run, scope, name) for name in names]


async def _type_at(run: Run, scope: Scope, url: str) -> Any:
    """Return the media type of a file at an address: Anthropic knows that of an uploaded one, a server says that of another."""
    if (uploaded := _uploaded(scope, url)) is not None:
        known = await run.request(scope, path=f"/v1/files/{segment(uploaded)}")
        return known.get("mime_type", UNDEFINED) if isinstance(known, Mapping) else UNDEFINED
    answer = await run.response(scope, method="HEAD", url=url, bare=True, plain_errors=True)
    return answer.headers.get("content-type", UNDEFINED)


def _kind_of(media_type: Any, scope: Scope) -> str:
    """Return what Anthropic calls a file of a media type. Raise NodeError for one that it does not read."""
    text = js_string(media_type).partition(";")[0]
    if text.startswith("image/"):
        return "image"
    if text == "application/pdf":
        return "document"
    raise NodeError(f"Unsupported file type: {text}. Only images and PDFs are supported.", item=scope.index)


def _tools(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    if options.get("codeExecution"):
        tools.append({"type": "code_execution_20250522", "name": "code_execution"})
    if options.get("webSearch"):
        search: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search"}
        search["max_uses"] = options.get("maxUses")
        for name, wire in (("allowedDomains", "allowed_domains"), ("blockedDomains", "blocked_domains")):
            search[wire] = FILTERS["split"](options.get(name) or "")
        tools.append({name: each for name, each in search.items() if not is_empty(each)})
    return tools
