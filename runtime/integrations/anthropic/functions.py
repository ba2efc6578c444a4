"""Anthropic: messages with attachments, questions about files, and uploads."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.files import encoded
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.prompts import require
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["analyze", "files", "message", "prompt", "upload", "with_address"]

_MAX_TOKENS: Final = 1024
_FILES, _CODE = "files-api-2025-04-14", "code-execution-2025-05-22"
_TURNS: Final = 15
"""Requests of a message whose tools of Anthropic's own take several turns, unless an option says otherwise."""
_NO_NAME: Final = "Provided parameter is not a string or binary data object."
_SIMPLE: Final = ("messages", "system", "variable_values")


def _options(scope: Scope) -> Mapping[str, Any]:
    return scope.parameters.get("options") or {}


def _model(scope: Scope) -> Any:
    return scope.located("modelId", scope.parameters.get("modelId", UNDEFINED))


async def _ask(run: Run, scope: Scope, body: Mapping[str, Any], beta: str = _FILES) -> Any:
    return await run.request(scope, method="POST", path="/v1/messages", json=body, headers={"anthropic-beta": beta})


def _by_url(scope: Scope, url: str, type_: str) -> dict[str, Any]:
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


async def _by_name(run: Run, scope: Scope, name: str, type_: str | None = None) -> dict[str, Any]:
    content, ref = await encoded(run, scope.index, name)
    mime = js_string(ref.get("mimeType") or "")
    kind = type_ or _kind_of(mime, scope)
    return {"type": kind, "source": {"type": "base64", "media_type": mime, "data": content}}


async def analyze(run: Run, scope: Scope) -> list[Item]:
    """Ask a question about images or documents."""
    parameters, type_ = scope.parameters, js_string(scope.parameters["resource"])
    require([parameters.get("text", UNDEFINED)])
    if parameters.get("inputType", "url") == "url":
        urls = parameters.get("imageUrls" if type_ == "image" else "documentUrls", UNDEFINED)
        if urls is UNDEFINED:
            raise unreadable(urls, "split", scope.index)
        content = [_by_url(scope, url, type_) for url in FILTERS["split"](urls)]
    else:
        names = FILTERS["split"](parameters.get("binaryPropertyName", "data"))
        content = [await _by_name(run, scope, name, type_) for name in names]
    content.append({"type": "text", "text": parameters["text"]})
    body = {
        "model": _model(scope),
        "max_tokens": _options(scope).get("maxTokens", _MAX_TOKENS),
        "messages": [{"role": "user", "content": content}],
    }
    return [_answer(scope, await _ask(run, scope, body))]


def _answer(scope: Scope, response: Any) -> Item:
    known = dict(response) if isinstance(response, Mapping) else {}
    if scope.parameters.flag("simplify", default=True):
        if response is None or response is UNDEFINED:
            raise unreadable(response, "content")
        known = {name: known[name] for name in ("content",) if name in known}
    return {"json": known}


async def message(run: Run, scope: Scope) -> list[Item]:
    """Send messages and return the answer, asking again while Anthropic's own tools are at work."""
    options = _options(scope)
    given = (scope.parameters.get("messages") or {}).get("values") or []
    messages = [
        {"content": each.get("content", UNDEFINED), "role": each.get("role", "user")}
        for each in given
        if not _is_blank(each.get("content"))
    ]
    if scope.parameters.get("addAttachments"):
        messages.append({"content": await _attachments(run, scope), "role": "user"})
    if not messages:
        raise NodeError("A non-empty prompt is required.", item=scope.index)
    body: dict[str, Any] = {
        "model": _model(scope),
        "messages": messages,
        "tools": _tools(options),
        "max_tokens": options.get("maxTokens", _MAX_TOKENS),
    }
    names = {"system": "system", "temperature": "temperature", "topP": "top_p", "topK": "top_k"}
    body |= {wire: options[name] for name, wire in names.items() if not is_empty(options.get(name))}
    beta = f"{_FILES},{_CODE}" if options.get("codeExecution") else _FILES
    response = await _ask(run, scope, body, beta)
    for _ in range(int(options.get("maxToolsIterations") or _TURNS)):
        if not isinstance(response, Mapping) or response.get("stop_reason") != "pause_turn":
            break
        messages.append({"role": "assistant", "content": response.get("content")})
        response = await _ask(run, scope, body, beta)
    made = _answer(scope, response)
    if options.get("includeMergedResponse"):
        texts = [
            js_string(each.get("text", "")) for each in response.get("content") or [] if each.get("type") == "text"
        ]
        made["json"] = {**made["json"], "merged_response": "".join(texts)}
    return [made]


def _is_blank(content: Any) -> bool:
    """Return whether a content is a text of spaces; whatever else an expression gives is sent."""
    return isinstance(content, str) and not content.strip()


async def _attachments(run: Run, scope: Scope) -> list[dict[str, Any]]:
    parameters = scope.parameters
    if parameters.get("attachmentsInputType", "url") == "url":
        urls = FILTERS["split"](parameters.get("attachmentsUrls", ""))
        return [_by_url(scope, url, _kind_of(await _type_at(run, scope, url), scope)) for url in urls]
    names = FILTERS["split"](parameters.get("binaryPropertyName", "data"))
    return [await _by_name(run, scope, name) for name in names]


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
    raise NodeError(f"Anthropic reads images and PDFs only, and a file is of the type '{text}'", item=scope.index)


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


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Upload a file, of the item or from an address, and return it with its address."""
    parameters, options = scope.parameters, _options(scope)
    name, inner = parameters.get("binaryPropertyName", "data"), scope
    if parameters.get("inputType", "url") == "url":
        ref = await run.request(scope, url=parameters["fileUrl"], response="file", bare=True)
        name, inner = "file", scope.with_binary("file", ref)
    elif not isinstance(parameters.get("binaryPropertyName"), str):
        raise NodeError(_NO_NAME, description="Write the name of the item's file into the parameter.", item=scope.index)
    filename = options.get("fileName") or (False if "fileName" in options else "")  # an empty one is none
    part = {"name": "file", "file": name, "filename": filename}
    made = await run.request(
        inner, method="POST", path="/v1/files", multipart=[part], headers={"anthropic-beta": _FILES}
    )
    return [{"json": _addressed(scope, made)}]


def with_address(scope: Scope) -> Any:
    """Return the answer about a file with the file's address."""
    return _addressed(scope, scope.names["response"])


def files(scope: Scope) -> list[Any]:
    """Return the files of a page with their addresses. Raise NodeError for an answer that is no page."""
    found = member_of_answer(scope.names["response"], "data")
    if not scope.parameters.get("returnAll"):
        if found is None or found is UNDEFINED:
            raise unreadable(found, "map")
        if not isinstance(found, list):
            raise ThrownError("response.data.map is not a function")
    elif found is None or found is UNDEFINED:
        raise ThrownError(f"response.data is not iterable (cannot read property {js_string(found)})")
    elif not isinstance(found, list | str):
        raise ThrownError("Spread syntax requires ...iterable[Symbol.iterator] to be a function")
    return [_addressed(scope, each) for each in found]


def _addressed(scope: Scope, file: Any) -> dict[str, Any]:
    if file is None:
        raise unreadable(None, "id")
    base = js_string(scope.credential.get("url") or "https://api.anthropic.com").rstrip("/")
    known = {str(i): each for i, each in enumerate(file)} if isinstance(file, str) else file
    known = known if isinstance(known, Mapping) else {}
    return {**known, "url": f"{base}/v1/files/{js_string(known.get('id', UNDEFINED))}"}


def prompt(scope: Scope) -> Any:
    """Return the answer of a prompt tool."""
    response = scope.names["response"]
    if not isinstance(response, Mapping):
        return {}
    if not scope.parameters.flag("simplify", default=True):
        return response
    return {name: response[name] for name in _SIMPLE if name in response}
