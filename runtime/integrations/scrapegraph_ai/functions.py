"""ScrapegraphAI: the bodies of its scrapers."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED


def body(scope: Scope) -> dict[str, Any]:
    """Return the body of the scraper of one page, or of a search."""
    parameters = scope.parameters
    made: dict[str, Any] = {"user_prompt": parameters.get("userPrompt")}
    if parameters.get("resource") == "smartscraper":
        made |= {"website_url": parameters.get("websiteUrl"), "render_heavy_js": parameters.get("renderHeavyJs")}
    else:
        made |= {"num_results": parameters.get("numResults"), "extraction_mode": parameters.get("extractionMode")}
    scrolls, pages = parameters.get("numberOfScrolls"), parameters.get("totalPages")
    if js_number(scrolls) > 0:
        made["number_of_scrolls"] = scrolls
    if js_number(pages) > 1:
        made["total_pages"] = pages
    return made | _schema(parameters)


def _schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if not parameters.get("useOutputSchema"):
        return {}
    try:
        return {"output_schema": parse_json(js_string(parameters.get("outputSchema", UNDEFINED)))}
    except NotJsonError as error:
        raise NodeError(f"Invalid JSON in Output Schema: {error}") from error


def _texts(given: Any, group: str, member: str) -> list[Any]:
    listed = given.get(group) if isinstance(given, Mapping) else None
    return [each.get(member) for each in listed or [] if js_string(each.get(member) or "").strip()]


def queries(scope: Scope) -> dict[str, Any]:
    """Return the body of a crawl with questions."""
    parameters = scope.parameters
    asked = _texts(parameters.get("inputQueries"), "query", "text")
    if not asked:
        raise NodeError("At least one input query is required")
    return {
        "website_url": parameters.get("websiteUrl"),
        "input_queries": asked,
        "cache_website": parameters.get("cacheWebsite"),
        "extraction_mode": parameters.get("extractionMode"),
    }


def steps(scope: Scope) -> dict[str, Any]:
    """Return the body of a browser that is led by steps."""
    parameters = scope.parameters
    actions = _texts(parameters.get("steps"), "step", "action")
    if not actions:
        raise NodeError("At least one browser interaction step is required")
    made = {
        "url": parameters.get("url"),
        "steps": actions,
        "use_session": parameters.get("useSession"),
        "ai_extraction": parameters.get("aiExtraction"),
    }
    if parameters.get("aiExtraction"):
        prompt = parameters.get("userPrompt")
        made |= ({"user_prompt": prompt} if prompt else {}) | _schema(parameters)
    return made
