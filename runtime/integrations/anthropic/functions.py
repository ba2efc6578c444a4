"""Anthropic: messages, questions about files, and uploads."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.anthropic.messages import (
    FILES,
    MAX_TOKENS,
    ask,
    beta_of,
    by_name,
    by_url,
    message_body,
    message_item,
    model_of,
    options_of,
    simplified,
)
from runtime.integrations.anthropic.tools import MessageTools
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.prompts import require
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.objects import members
from schemas.item import UNDEFINED

__all__ = ["MESSAGE_TOOLS", "analyze", "files", "message", "prompt", "upload", "with_address"]

MESSAGE_TOOLS: Final = MessageTools()
_TURNS: Final = 15
"""Requests of a message whose tools of Anthropic's own take several turns, unless an option says otherwise."""
_NO_NAME: Final = "Provided parameter is not a string or binary data object."
_SIMPLE: Final = ("messages", "system", "variable_values")


async def analyze(run: Run, scope: Scope) -> list[Item]:
    """Ask a question about images or documents."""
    parameters, type_ = scope.parameters, js_string(scope.parameters["resource"])
    require([parameters.get("text", UNDEFINED)])
    if parameters.get("inputType", "url") == "url":
        urls = parameters.get("imageUrls" if type_ == "image" else "documentUrls", UNDEFINED)
        if urls is UNDEFINED:
            raise unreadable(urls, "split", scope.index)
        content = [by_url(scope, url, type_) for url in FILTERS["split"](urls)]
    else:
        names = FILTERS["split"](parameters.get("binaryPropertyName", "data"))
        content = [await by_name(run, scope, name, type_) for name in names]
    content.append({"type": "text", "text": parameters["text"]})
    body = {
        "model": model_of(scope),
        "max_tokens": options_of(scope).get("maxTokens", MAX_TOKENS),
        "messages": [{"role": "user", "content": content}],
    }
    return [simplified(scope, await ask(run, scope, body))]


async def message(run: Run, scope: Scope) -> list[Item]:
    """Send messages and return the answer, asking again while Anthropic's own tools are at work."""
    options, body = options_of(scope), await message_body(run, scope)
    response = await ask(run, scope, body, beta_of(options))
    for _ in range(int(options.get("maxToolsIterations") or _TURNS)):
        if not isinstance(response, Mapping) or response.get("stop_reason") != "pause_turn":
            break
        body["messages"].append({"role": "assistant", "content": response.get("content")})
        response = await ask(run, scope, body, beta_of(options))
    return [message_item(scope, response)]


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Upload a file, of the item or from an address, and return it with its address."""
    parameters, options = scope.parameters, options_of(scope)
    name, inner = parameters.get("binaryPropertyName", "data"), scope
    if parameters.get("inputType", "url") == "url":
        ref = await run.request(scope, url=parameters["fileUrl"], response="file", bare=True)
        name, inner = "file", scope.with_binary("file", ref)
    elif not isinstance(parameters.get("binaryPropertyName"), str):
        raise NodeError(_NO_NAME, description="Write the name of the item's file into the parameter.", item=scope.index)
    filename = options.get("fileName") or (False if "fileName" in options else "")  # an empty one is none
    part = {"name": "file", "file": name, "filename": filename}
    made = await run.request(
        inner, method="POST", path="/v1/files", multipart=[part], headers={"anthropic-beta": FILES}
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
    known = members(file)
    return {**known, "url": f"{base}/v1/files/{js_string(known.get('id', UNDEFINED))}"}


def prompt(scope: Scope) -> Any:
    """Return the answer of a prompt tool."""
    response = scope.names["response"]
    if not isinstance(response, Mapping):
        return {}
    if not scope.parameters.flag("simplify", default=True):
        return response
    return {name: response[name] for name in _SIMPLE if name in response}
