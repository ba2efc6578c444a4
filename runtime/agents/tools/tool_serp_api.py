"""SerpApi: what Google finds, as the text of the best answer on its page."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from runtime.agents.messages import ToolSpec, dumps
from runtime.agents.tools.toolbox import Tool, one_text
from runtime.contract import ActivityContext, Dynamic, NodeApiError, Outputs, param
from runtime.values.javascript import js_string
from schemas.facts import CredentialUse

URL = "https://serpapi.com/search"
PURPOSE = "a search engine. useful for when you need to answer questions about current events. input should be a search query."
NOTHING = "No good search result found"
LISTS = ("events_results", "sports_results", "top_stories", "news_results", "questions_and_answers")
"""Members of an answer that are its answer as they are."""
INSIDE = {"jobs_results": "jobs", "popular_destinations": "destinations"}
ORGANIC = ("snippet", "snippet_highlighted_words", "rich_snippet", "rich_snippet_table", "link")


class ToolSerpApi(Tool):
    """One search per call; the answer box comes first, then results of a kind, then what the snippets say."""

    type = "@n8n/n8n-nodes-langchain.toolSerpApi"
    versions = (1,)
    credential_uses = (CredentialUse("serpApi"),)

    options: Dynamic[dict[str, Any]] = param({})

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return a tool whose one argument is the question."""
        del name, version, raw
        return {"name": "search", "description": PURPOSE, "schema": one_text()}

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Return the best answer as text. Raise NodeApiError with the service's own message."""
        credential = await context.credentials.get("serpApi")
        query = {name: js_string(value) for name, value in (self.options or {}).items() if value not in (None, "")}
        query |= {"api_key": str(credential.get("apiKey", "")), "q": str(arguments.get("input", ""))}
        response = await context.http.request("GET", f"{URL}?{urlencode(query)}")
        try:
            found = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            raise NodeApiError("SerpApi did not answer with JSON", http_code=str(response.status)) from None
        if isinstance(found, dict) and found.get("error"):
            raise NodeApiError(f"Got error from serpAPI: {found['error']}", http_code=str(response.status))
        return [[{"json": {"response": best(found if isinstance(found, dict) else {})}}]]


def best(found: Mapping[str, Any]) -> str:
    """Return the text of the best answer in a page of results."""
    boxes = found.get("answer_box_list")
    box = boxes[0] if isinstance(boxes, list) and boxes else found.get("answer_box")
    if isinstance(box, list):
        return "{}"  # the library reads a list as an object without texts
    if isinstance(box, Mapping):
        return _boxed(box)
    for name in LISTS:
        if found.get(name):
            return dumps(found[name])
    for name, member in INSIDE.items():
        if isinstance(found.get(name), Mapping) and found[name].get(member):
            return dumps(found[name][member])
    shopping = found.get("shopping_results")
    if isinstance(shopping, list) and shopping and shopping[0].get("title"):
        return dumps(shopping)
    snippets = [*_known(found.get("knowledge_graph")), *_organic(found.get("organic_results"))]
    snippets += [found["buying_guide"]] if found.get("buying_guide") else []
    places = found.get("local_results")
    if isinstance(places, Mapping) and places.get("places"):
        snippets.append(dumps(places["places"]))
    return dumps(snippets) if snippets else NOTHING


def _boxed(box: Mapping[str, Any]) -> str:
    for name in ("result", "answer", "snippet", "snippet_highlighted_words"):
        if box.get(name):
            return js_string(box[name])
    plain = {key: value for key, value in box.items() if not isinstance(value, Mapping | list)}
    return dumps({key: value for key, value in plain.items() if not str(value).startswith("http")})


def _known(graph: Any) -> list[str]:
    """Return what a knowledge graph says, one sentence per fact."""
    if not isinstance(graph, Mapping):
        return []
    facts = {
        key: value
        for key, value in graph.items()
        if isinstance(value, str) and key not in ("title", "description") and not value.startswith("http")
    }
    described = [graph["description"]] if graph.get("description") else []
    title = graph.get("title") or ""
    return [*described, *(f"{title} {key}: {facts[key]}" for key in facts if not key.endswith(("_stick", "_link")))]


def _organic(results: Any) -> list[Any]:
    first = results[0] if isinstance(results, list) and results else None
    if not isinstance(first, Mapping):
        return []
    return next(([first[name]] for name in ORGANIC if first.get(name)), [])
