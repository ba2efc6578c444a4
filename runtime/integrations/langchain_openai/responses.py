"""The body of a response (`/responses`) of OpenAI: its messages, tools and options."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.files import data_url
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

__all__ = ["entry", "response_body", "response_input"]

JSON_PROMPT: Final = "You are a helpful assistant designed to output JSON."
_NAMES: Final = {
    "conversationId": "conversation",
    "include": "include",
    "instructions": "instructions",
    "maxTokens": "max_output_tokens",
    "maxToolCalls": "max_tool_calls",
    "previousResponseId": "previous_response_id",
    "promptCacheKey": "prompt_cache_key",
    "safetyIdentifier": "safety_identifier",
    "serviceTier": "service_tier",
    "topLogprobs": "top_logprobs",
    "temperature": "temperature",
    "topP": "top_p",
}
"""Options that become members under another name."""


async def response_input(run: Run, scope: Scope) -> list[dict[str, Any]]:
    """Return the messages. Raise NodeError."""
    made = []
    for each in (scope.parameters.get("responses") or {}).get("values") or []:
        part = await _part(run, scope, each)
        made.append({"role": each.get("role", "user"), "content": [part]})
    return made


async def _part(run: Run, scope: Scope, message: Mapping[str, Any]) -> dict[str, Any]:
    kind = message.get("type", "text")
    if kind == "image":
        part = {"type": "input_image", "detail": message.get("imageDetail", "auto")}
        return part | await _source(run, scope, message, message.get("imageType", "url"), "image")
    if kind == "file":
        return {"type": "input_file"} | await _source(run, scope, message, message.get("fileType", "url"), "file")
    text = {"text": message["content"]} if "content" in message else {}
    if message.get("role") == "assistant":
        return {"type": "output_text", **text, "annotations": []}
    return {"type": "input_text", **text}


async def _source(run: Run, scope: Scope, message: Mapping[str, Any], way: str, kind: str) -> dict[str, Any]:
    if way == "fileId":
        return {"file_id": message.get("fileId")}
    if way == "url":
        return {f"{kind}_url": message.get(f"{kind}Url")}
    content = await data_url(run, scope.index, message.get("binaryPropertyName", "data"))
    return {"image_url": content} if kind == "image" else {"filename": message.get("fileName"), "file_data": content}


def response_body(scope: Scope, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body. Raise NodeError."""
    options = scope.parameters.get("options") or {}
    background = (options.get("backgroundMode") or {}).get("values") or {}
    body: dict[str, Any] = {
        "model": scope.located("modelId", scope.parameters.get("modelId", UNDEFINED)),
        "input": messages,
        "parallel_tool_calls": options.get("parallelToolCalls", True),
        "store": options.get("store", True),
        "background": bool(background.get("enabled", False)),
    }
    body |= {wire: options[name] for name, wire in _NAMES.items() if not is_empty(options.get(name))}
    if metadata := FILTERS["json"](options.get("metadata")):
        body["metadata"] = metadata
    if "truncation" in options:
        body["truncation"] = "auto" if options["truncation"] else "disabled"
    if tools := _tools(scope):
        body["tools"] = tools
    prompt = entry(options.get("promptConfig"), "promptOptions")
    if prompt.get("promptId"):
        made = {"id": prompt["promptId"], "version": prompt.get("version")}
        made["variables"] = FILTERS["json"](prompt.get("variables"))
        body["prompt"] = {name: each for name, each in made.items() if not is_empty(each)}
    if reasoning := entry(options.get("reasoning"), "reasoningOptions"):
        body["reasoning"] = {"effort": reasoning.get("effort", "medium")}
        if reasoning.get("summary", "none") != "none":
            body["reasoning"]["summary"] = reasoning["summary"]
    if text := entry(options.get("textFormat"), "textOptions"):
        body["text"] = {"verbosity": text.get("verbosity", "medium"), "format": _format(text)}
        if text.get("type") == "json_object":
            prompt_part = {"type": "input_text", "text": JSON_PROMPT}
            messages.insert(0, {"role": "system", "content": [prompt_part]})
    return body


def _format(text: Mapping[str, Any]) -> dict[str, Any]:
    type_ = text.get("type") or "text"
    if type_ != "json_schema":
        return {"type": type_}
    return {"type": type_, "name": text.get("name", "my_schema"), "schema": FILTERS["json"](text.get("schema"))}


def entry(collection: Any, group: str) -> Mapping[str, Any]:
    """Return the entry of a fixed collection that holds one, or a list of one."""
    found = (collection or {}).get(group) or {}
    return (found[0] if found else {}) if isinstance(found, list) else found


def _tools(scope: Scope) -> list[dict[str, Any]]:
    given = scope.parameters.get("builtInTools") or {}
    tools: list[dict[str, Any]] = []
    if (search := given.get("webSearch")) is not None and search is not False:
        tools.append(_web_search(search if isinstance(search, Mapping) else {}))
    if given.get("codeInterpreter"):
        tools.append({"type": "code_interpreter", "container": {"type": "auto"}})
    files = given.get("fileSearch")
    if isinstance(files, Mapping):
        tool: dict[str, Any] = {"type": "file_search"}
        if "vectorStoreIds" in files:
            tool["vector_store_ids"] = FILTERS["json"](files["vectorStoreIds"])
        filters, count = FILTERS["json"](files.get("filters")), files.get("maxResults")
        tools.append(tool | _present({"filters": filters, "max_num_results": count}))
    return tools


def _web_search(search: Mapping[str, Any]) -> dict[str, Any]:
    tool: dict[str, Any] = {"type": "web_search", "search_context_size": search.get("searchContextSize", "medium")}
    if domains := FILTERS["split"](search.get("allowedDomains") or ""):
        tool["filters"] = {"allowed_domains": domains}
    if place := _present({name: search.get(name) for name in ("country", "city", "region")}):
        tool["user_location"] = {"type": "approximate", **place}
    return tool


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in members.items() if not is_empty(each)}
