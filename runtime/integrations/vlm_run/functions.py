"""VLM Run: images, files that go to a signed address, agents, and chats over media."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED, BinaryRef

_MODEL: Final = "vlmrun-orion-1:auto"
_JSON_WISH: Final = "You are a helpful assistant designed to output JSON."
_DAY: Final = 86_400


async def image(run: Run, scope: Scope) -> list[Item]:
    """Analyze an image, which rides in the request."""
    ref = _file(run, scope)
    content = base64.b64encode(await run.context.blobs.read(ref)).decode()
    images = [f"data:{ref.get('mimeType') or 'image/png'};base64,{content}"]
    body = {"images": images, "model": _MODEL, "domain": scope.parameters.get("domain")}
    return [{"json": await run.request(scope, method="POST", path="/image/generate", json=body)}]


def _file(run: Run, scope: Scope) -> BinaryRef:
    return run.file(scope.index, js_string(scope.parameters.get("file", UNDEFINED)))


async def _upload(run: Run, scope: Scope) -> dict[str, Any]:
    ref = _file(run, scope)
    wish = {"filename": ref.get("fileName") or "file", "purpose": "assistants", "expiration": _DAY}
    slot = await run.request(scope, method="POST", url=Template("{$agents}/files/presigned-url"), json=wish)
    await run.request(
        scope,
        method="PUT",
        url=slot.get("url"),
        file=js_string(scope.parameters.get("file", UNDEFINED)),
        type=slot.get("content_type") or ref.get("mimeType"),
        response="text",
        bare=True,
    )
    return {"url": slot.get("public_url"), **slot}


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Upload a file to the address that the vendor signs for it."""
    return [{"json": await _upload(run, scope)}]


async def execute_agent(run: Run, scope: Scope) -> list[Item]:
    """Start an agent with a file, or with the addresses of several."""
    parameters = scope.parameters
    if parameters.get("multipleFiles"):
        pairs = (parameters.get("fileMappings") or {}).get("mapping") or []
        if not pairs:
            raise NodeError("At least one file mapping is required when multiple files is enabled")
        if not all(each.get("key") and each.get("url") for each in pairs):
            raise NodeError("Both key and URL are required for each file mapping")
        inputs: dict[str, Any] = {"urls": {js_string(each["key"]): each["url"] for each in pairs}}
    else:
        address = (await _upload(run, scope)).get("public_url")
        if not address:
            raise NodeError("Failed to obtain uploaded file URL")
        inputs = {"url": address}
    body: dict[str, Any] = {"config": {"prompt": parameters.get("agentPrompt")}, "inputs": inputs}
    body["callback_url"] = parameters.get("agentCallbackUrl")
    answer = await run.request(scope, method="POST", url=Template("{$agents}/agent/execute"), json=body)
    return [{"json": answer}]


async def chat(run: Run, scope: Scope) -> list[Item]:
    """Ask a model, with images, videos or files beside the last message."""
    parameters = scope.parameters
    messages = _messages(parameters)
    body: dict[str, Any] = {"messages": messages, "model": parameters.get("model")}
    if parameters.get("jsonOutput"):
        body["response_format"] = {"type": "json_object"}
        if all(each["role"] != "system" for each in messages):
            body["messages"] = [{"role": "system", "content": _JSON_WISH}, *messages]
    answer = await run.request(scope, method="POST", url=Template("{$agents}/openai/chat/completions"), json=body)
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not isinstance(choices, list):
        return [{"json": answer}]
    if parameters.get("jsonOutput"):
        choices = [_parsed(each) for each in choices]
        answer = {**answer, "choices": choices}
    if not parameters.get("simplifyOutput") or not choices:
        return [{"json": answer}]
    return [{"json": _simple(i, each)} for i, each in enumerate(choices)]


def _messages(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = (parameters.get("prompt") or {}).get("messages") or []
    if not given:
        raise NodeError("At least one message is required. Please add a message to the prompt.")
    kind = js_string(parameters.get("inputType", UNDEFINED))
    listed = (parameters.get(f"{kind}Urls") or {}).get("url") or []
    urls = [url for each in listed if (url := js_string(each.get("url") or "").strip())]
    messages = [{"role": each.get("role"), "content": each.get("content")} for each in given]
    last = messages[-1]
    if urls and last["role"] == "user":
        text = js_string(last["content"] or "")
        parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text.strip() else []
        last["content"] = parts + [{"type": f"{kind}_url", f"{kind}_url": {"url": url}} for url in urls]
    if any(not each["content"] for each in messages):
        raise NodeError("Text message content cannot be empty.")
    return messages


def _parsed(choice: Mapping[str, Any]) -> dict[str, Any]:
    message = choice.get("message") or {}
    try:
        content = parse_json(message["content"])
    except (KeyError, TypeError, NotJsonError):
        return dict(choice)
    return {**choice, "message": {**message, "content": content}}


def _simple(i: int, choice: Mapping[str, Any]) -> dict[str, Any]:
    message = choice.get("message") or {}
    return {
        "index": choice.get("index", i),
        "message": {
            "role": message.get("role") or "assistant",
            "content": message.get("content") or "",
            "refusal": message.get("refusal") or None,
            "annotations": message.get("annotations") or [],
        },
        "logprobs": choice.get("logprobs") or None,
        "finish_reason": choice.get("finish_reason") or "stop",
    }
