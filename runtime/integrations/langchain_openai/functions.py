"""OpenAI (AI package): bodies of chat completions and responses, images, speech, videos, and assistants."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import member_of_answer
from runtime.integrations.files import data_url, file_item, stored
from runtime.integrations.filters import is_empty, segment
from runtime.integrations.langchain_openai.assistants import (
    assistant_reply,
    assistant_tools,
    simple_assistants,
    updated_tools,
)
from runtime.integrations.langchain_openai.chat import chat, choices, entries
from runtime.integrations.langchain_openai.chat_tools import ChatTools
from runtime.integrations.langchain_openai.respond import respond, wait_for
from runtime.integrations.langchain_openai.response_tools import ResponseTools
from runtime.integrations.operation import Run
from runtime.integrations.prompts import require
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

__all__ = [
    "CHAT_TOOLS", "RESPONSE_TOOLS", "analyze", "analyze_by_chat", "answer", "assistant_reply", "assistant_tools", "chat", "choices", "edit",
    "generate", "generated", "metadata", "required_metadata", "respond", "simple_assistants", "speak", "updated_tools", "video",
]  # fmt: skip

CHAT_TOOLS: Final = ChatTools()
RESPONSE_TOOLS: Final = ResponseTools()


def metadata(scope: Scope) -> Any:
    """Return the metadata of a new conversation; UNDEFINED for what is no object, or an empty one."""
    found = _metadata((scope.parameters.get("options") or {}).get("metadata"))
    return found if isinstance(found, Mapping | list) and found else UNDEFINED


def required_metadata(scope: Scope) -> Any:
    """Return the metadata of a change. Raise NodeError without any."""
    given = scope.parameters.get("metadata")
    if not truthy(given):
        raise NodeError("Metadata is required", item=scope.index)
    return _metadata(given)


def _metadata(given: Any) -> Any:
    try:
        return parse_json(given) if isinstance(given, str) and given else given
    except NotJsonError as error:
        raise NodeError("Invalid JSON in metadata field", description=error.message) from error


def answer(scope: Scope) -> Any:
    """Return the message of the first choice."""
    response = scope.names["response"]
    if not scope.parameters.flag("simplify", default=True):
        return response
    found = response.get("choices") if isinstance(response, Mapping) else None
    if not truthy(found):
        return response
    first = found[0] if isinstance(found, list) and found else UNDEFINED
    message = member_of_answer(first, "message")
    content = member_of_answer(message, "content")
    return {} if content is UNDEFINED else {"content": content}


async def _pictures(run: Run, scope: Scope) -> list[str]:
    parameters = scope.parameters
    if parameters.get("inputType", "url") == "url":
        return _split(parameters.get("imageUrls", ""))
    return [await data_url(run, scope.index, name) for name in _split(parameters.get("binaryPropertyName", "data"))]


def _split(names: Any) -> list[str]:
    """Return the parts between commas, an empty one too, as n8n sends it."""
    return [each.strip() for each in js_string(names).split(",")]


async def analyze_by_chat(run: Run, scope: Scope) -> list[Item]:
    """Ask a question about images in a chat completion."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    require([parameters.get("text", UNDEFINED)])
    detail = options.get("detail", "auto")
    pictures = [
        {"type": "image_url", "image_url": {"url": url, "detail": detail}} for url in await _pictures(run, scope)
    ]
    body = {
        "model": scope.located("modelId", parameters.get("modelId", "gpt-4-vision-preview")),
        "messages": [{"role": "user", "content": [{"type": "text", "text": parameters["text"]}, *pictures]}],
        "max_tokens": options.get("maxTokens") or 300,
    }
    response = await run.request(scope, method="POST", path="/chat/completions", json=body)
    return [{"json": answer(scope.having(response=response))}]


async def analyze(run: Run, scope: Scope) -> list[Item]:
    """Ask a question about images in a response."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    require([parameters.get("text", UNDEFINED)])
    detail = options.get("detail", "auto")
    pictures = [{"type": "input_image", "detail": detail, "image_url": url} for url in await _pictures(run, scope)]
    body = {
        "model": scope.located("modelId", parameters.get("modelId")),
        "input": [{"role": "user", "content": [{"type": "input_text", "text": parameters["text"]}, *pictures]}],
        "max_output_tokens": options.get("maxTokens") or 300,
    }
    response = await run.request(scope, method="POST", path="/responses", json=body)
    return [{"json": response.get("output", UNDEFINED) if parameters.flag("simplify", default=True) else response}]


def generated(scope: Scope) -> dict[str, Any]:
    """Return the body of an image's generation."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    model = js_string(
        scope.located("model", parameters.get("model"))
        or scope.located("modelId", parameters.get("modelId", UNDEFINED))
    )
    require([parameters.get("prompt", UNDEFINED)], "prompt")
    modern = "gpt-image" in model
    body = {"prompt": parameters["prompt"], "model": model}
    if not modern:
        body["response_format"] = "url" if options.get("returnImageUrls") else "b64_json"
    shown = {
        "n": model == "dall-e-2", "dalleQuality": model == "dall-e-3", "quality": modern, "style": model == "dall-e-3",
    }  # fmt: skip
    for name, each in options.items():
        if name in ("returnImageUrls", "binaryPropertyOutput") or not shown.get(name, True):
            continue
        body["quality" if name == "dalleQuality" else name] = each
    return body


async def generate(run: Run, scope: Scope) -> list[Item]:
    """Generate images and return their files, or their addresses."""
    options, body = scope.parameters.get("options") or {}, generated(scope)
    response = await run.request(scope, method="POST", path="/images/generations", json=body)
    name = js_string(options.get("binaryPropertyOutput") or "data")
    return await _images(run, response, name, urls=body.get("response_format") == "url")


async def _images(run: Run, response: Any, name: str, *, urls: bool) -> list[Item]:
    made: list[Item] = []
    for each in response.get("data") or []:
        if urls or "b64_json" not in each:
            made.append({"json": each})
        else:
            ref = await stored(run, each["b64_json"], mime_type="image/png", file_name="data")
            made.append(file_item(ref, name))
    return made


async def edit(run: Run, scope: Scope) -> list[Item]:
    """Edit images and return the files, or their addresses."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    model = js_string(
        scope.located("model", parameters.get("model"))
        or scope.located("modelId", parameters.get("modelId", UNDEFINED))
    )
    modern = "gpt-image" in model
    fields = {
        "prompt": parameters.get("prompt", UNDEFINED), "model": model, "n": parameters.get("n", 1), "size": parameters.get("size"),
        "response_format": None if modern else parameters.get("responseFormat", "url"),
        "user": options.get("user"), "background": options.get("background"),
        "input_fidelity": options.get("inputFidelity"),
        "quality": parameters.get("quality") if modern else None,
    }  # fmt: skip
    files = [each.get("binaryPropertyName", "data") for each in entries(parameters.get("images"))] if modern else [
        parameters.get("binaryPropertyName", "data")
    ]  # fmt: skip
    parts: list[dict[str, Any]] = [{"name": "image[]" if modern else "image", "file": name} for name in files]
    parts.append({"fields": {name: each for name, each in fields.items() if not is_empty(each)}})
    if mask := options.get("imageMask"):
        parts.append({"name": "mask", "file": mask})
    response = await run.request(scope, method="POST", path="/images/edits", multipart=parts)
    return await _images(run, response, "data", urls=fields["response_format"] == "url")


async def speak(run: Run, scope: Scope) -> list[Item]:
    """Turn text into speech and return the file."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    format_ = js_string(options.get("response_format", "mp3"))
    body = {
        "model": parameters.get("model", UNDEFINED), "input": parameters.get("input", UNDEFINED), "voice": parameters.get("voice", UNDEFINED),
        "response_format": format_, "speed": options.get("speed", 1),
    }  # fmt: skip
    ref = await run.request(
        scope, method="POST", path="/audio/speech", json=body, response="file",
        filename=f"audio.{format_}", mime=f"audio/{format_}",
    )  # fmt: skip
    return [file_item(ref, js_string(options.get("binaryPropertyOutput") or "data"))]


async def video(run: Run, scope: Scope) -> list[Item]:
    """Generate a video, wait for it, and return the file."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    require([parameters.get("prompt", UNDEFINED)], "prompt")
    fields = {
        "model": scope.located("modelId", parameters.get("modelId", UNDEFINED)), "prompt": parameters["prompt"],
        "seconds": js_string(parameters["seconds"]), "size": parameters["size"],
    }  # fmt: skip
    parts: list[dict[str, Any]] = [{"fields": fields}]
    if reference := options.get("binaryPropertyNameReference"):
        parts.append({"name": "input_reference", "file": reference})
    job = await run.request(scope, method="POST", path="/videos", multipart=parts)
    path = f"/videos/{segment(job.get('id'))}"
    done = await wait_for(run, scope, path, {"queued", "in_progress"}, float(options.get("waitTime", 300)))
    if done is None:
        raise NodeError("Timeout reached", item=scope.index)
    if done.get("status") == "failed":
        error = done.get("error") or {}
        raise NodeError(js_string(error.get("message") or "The video could not be made"), item=scope.index)
    name = js_string(options.get("fileName") or "data")
    ref = await run.request(scope, path=f"{path}/content", response="file", filename=name, mime="video/mp4")
    return [file_item(ref, "data")]
