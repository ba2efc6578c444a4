"""Wikipedia: the beginnings of the pages that an English search finds."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from runtime.agents.messages import ToolSpec
from runtime.agents.tools.toolbox import Tool, function_name, one_text
from runtime.contract import ActivityContext, NodeApiError, Outputs

URL: Final = "https://en.wikipedia.org/w/api.php"
PURPOSE: Final = (
    "A tool for interacting with and fetching data from the Wikipedia API. The input should always be a string query."
)
NOTHING: Final = "No good Wikipedia Search Result was found"
PAGES: Final = 3
MAX_CHARACTERS: Final = 4000
"""Of all pages together."""


class ToolWikipedia(Tool):
    """A search, then the text of each of its first three pages."""

    type = "@n8n/n8n-nodes-langchain.toolWikipedia"
    versions = (1,)

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return a tool whose one argument is what to look up."""
        del version, raw
        return {"name": function_name(name), "description": PURPOSE, "schema": one_text()}

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Return the pages' beginnings as one text."""
        sought = {"action": "query", "list": "search", "srsearch": str(arguments.get("input", "")), "format": "json"}
        found = (await _get(context, sought)).get("query") or {}
        pages = [await self._page(context, str(each["title"])) for each in (found.get("search") or [])[:PAGES]]
        text = "\n\n".join(pages)
        return [[{"json": {"response": text[:MAX_CHARACTERS] or NOTHING}}]]

    @staticmethod
    async def _page(context: ActivityContext, title: str) -> str:
        query = {
            "action": "query", "prop": "extracts", "explaintext": "true", "redirects": "1", "format": "json",
            "titles": title,
        }  # fmt: skip
        pages = ((await _get(context, query)).get("query") or {}).get("pages") or {}
        page: dict[str, Any] = next(iter(pages.values()), {})
        return f"Page: {title}\nSummary: {page.get('extract', 'undefined')}"


async def _get(context: ActivityContext, query: Mapping[str, str]) -> dict[str, Any]:
    response = await context.http.request("GET", f"{URL}?{urlencode(query)}", headers=[("Accept", "application/json")])
    try:
        found = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        found = None
    if response.status >= 400 or not isinstance(found, dict):
        raise NodeApiError("Wikipedia did not answer", http_code=str(response.status))
    return found
