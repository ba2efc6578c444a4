"""Google Gemini: bodies of messages, and their answers."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import elements_of
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.prompts import require
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["answers", "ask", "body", "candidates", "message_items", "model", "options_of"]

_CONFIG: Final = (
    "frequencyPenalty", "maxOutputTokens", "candidateCount", "presencePenalty", "temperature", "topP", "topK",
)  # fmt: skip


def options_of(scope: Scope) -> Mapping[str, Any]:
    """Return the options."""
    return scope.parameters.get("options") or {}


def model(scope: Scope) -> str:
    """Return the name of the model, `models/...`."""
    return js_string(scope.located("modelId", scope.parameters.get("modelId", UNDEFINED)))


async def ask(run: Run, scope: Scope, body_: Mapping[str, Any]) -> Any:
    """Send a message and return the answer. Raise NodeError."""
    path = f"/v1beta/{FILTERS['path'](model(scope))}:generateContent"
    return await run.request(scope, method="POST", path=path, json=body_)


def answers(scope: Scope, response: Any) -> list[Item]:
    """Return the items of an answer."""
    if not scope.parameters.flag("simplify", default=True):
        return [{"json": response}]
    return [{"json": each} for each in candidates(response)]


def candidates(response: Any) -> list[Any]:
    """Return the candidates of an answer. Raise NodeError for an answer that has none."""
    return elements_of(response, "candidates", "map")


def message_items(scope: Scope, response: Any) -> list[Item]:
    """Return the items of the answer to a message. Raise NodeError for an answer without candidates."""
    elements_of(response, "candidates", "flatMap")  # n8n looks for calls of tools, whatever is asked for
    if not options_of(scope).get("includeMergedResponse"):
        return answers(scope, response)
    merged = "".join(
        js_string(part["text"])
        for each in (response.get("candidates") or [])[:1]
        for part in (each.get("content") or {}).get("parts") or []
        if "text" in part
    )
    found = [{**each, "mergedResponse": merged} for each in response["candidates"]]
    return answers(scope, {**response, "candidates": found})


def body(scope: Scope) -> dict[str, Any]:
    """Return the body of a message. Raise NodeError."""
    parameters, options = scope.parameters, options_of(scope)
    given = (parameters.get("messages") or {}).get("values") or []
    require([each.get("content", UNDEFINED) for each in given], "m.content")
    config = {name: options[name] for name in _CONFIG if name in options}
    if "thinkingBudget" in options:
        config["thinkingConfig"] = {"thinkingBudget": options["thinkingBudget"]}
    if parameters.get("jsonOutput"):
        config["responseMimeType"] = "application/json"
    made: dict[str, Any] = {
        "tools": [],
        "contents": [
            {"parts": [{"text": each["content"]}], "role": each.get("role", "user")}
            for each in given
            if each["content"].strip()
        ],
        "generationConfig": config,
    }
    if system := options.get("systemMessage"):
        made["systemInstruction"] = {"parts": [{"text": system}]}
    _add_tools(made, scope)
    return made


def _add_tools(made: dict[str, Any], scope: Scope) -> None:
    given = scope.parameters.get("builtInTools") or {}
    if given.get("googleSearch"):
        made["tools"].append({"googleSearch": {}})
    maps = given.get("googleMaps")
    if isinstance(maps, Mapping):
        made["tools"].append({"googleMaps": {}})
        place = {name: maps[name] for name in ("latitude", "longitude") if truthy(maps.get(name))}
        if place:
            made["toolConfig"] = {"retrievalConfig": {"latLng": place}}
    if given.get("urlContext"):
        made["tools"].append({"urlContext": {}})
    files = given.get("fileSearch")
    if isinstance(files, Mapping):
        search: dict[str, Any] = {}
        if named := files.get("fileSearchStoreNames"):
            if isinstance(named, dict):
                raise NodeError("Failed to parse file search store names", item=scope.index)
            stores = FILTERS["json"](named)
            search |= {"fileSearchStoreNames": stores} if isinstance(stores, list) else {}
        if files.get("metadataFilter"):
            search["metadataFilter"] = files["metadataFilter"]
        made["tools"].append({"fileSearch": search})
    if given.get("codeExecution") or options_of(scope).get("codeExecution"):
        made["tools"].append({"codeExecution": {}})
