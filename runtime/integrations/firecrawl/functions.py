"""Firecrawl: the body of each request."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def scrape(scope: Scope) -> dict[str, Any]:
    """Return the body for one page, or for a list of pages."""
    parameters = scope.parameters
    if parameters.get("operation") == "batchScrape":
        body: dict[str, Any] = {"urls": _urls(parameters.get("urls"))}
    else:
        body = {"url": parameters.get("url")}
    body |= _options((parameters.get("scrapeOptions") or {}).get("options") or {})
    if parsers := parameters.get("parsers"):
        body["parsers"] = [{"type": each} for each in parsers]
    return _sent(scope, body)


def map_site(scope: Scope) -> dict[str, Any]:
    """Return the body for the map of a site."""
    return _sent(scope, _of(scope, "url", "search", "sitemap", "includeSubdomains", "limit", "timeout"))


def search(scope: Scope) -> dict[str, Any]:
    """Return the body of a search."""
    return _sent(scope, _of(scope, "query", "limit", "sources", "tbs", "timeout"))


def crawl(scope: Scope) -> dict[str, Any]:
    """Return the body for a site whose pages are scraped."""
    body = _of(scope, "url", "prompt", "limit", "delay", "maxConcurrency")
    for name in ("excludePaths", "includePaths"):
        if paths := _members(scope.parameters.get(name), "items"):
            body[name] = [each.get("path") for each in paths]
    options = scope.parameters.get("crawlOptions")
    return _sent(scope, {**body, **(options if isinstance(options, Mapping) else {})})


def extract(scope: Scope) -> dict[str, Any]:
    """Return the body for data that a model finds in pages."""
    body = {"urls": _urls(scope.parameters.get("urls"))}
    body |= _of(scope, "prompt", "enableWebSearch", "ignoreSitemap", "includeSubdomains", "showSources")
    schema = FILTERS["json"](scope.parameters.get("schema"))
    return _sent(scope, body if is_empty(schema) else body | {"schema": schema})


def _of(scope: Scope, *names: str) -> dict[str, Any]:
    given = {name: scope.parameters.get(name) for name in names}
    return {name: each for name, each in given.items() if not is_empty(each) and each != 0}


def _sent(scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with what the author added as JSON, and with n8n's own mark."""
    parameters = scope.parameters
    if parameters.get("useCustomBody"):
        given = FILTERS["json"](parameters.get("customBody") or "{}")
        more = FILTERS["json"]((parameters.get("additionalFields") or {}).get("customProperties") or "{}")
        for each in (given, more):
            body |= each if isinstance(each, Mapping) else {}
    return body | {"integration": "n8n"}


def _urls(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        return [each.get("url") for each in _members(given, "items")]
    return list(FILTERS["split"](given)) if isinstance(given, str) else list(given or [])


def _members(given: Any, group: str) -> list[Mapping[str, Any]]:
    found = given.get(group) if isinstance(given, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: each for name, each in given.items() if not isinstance(each, Mapping)}
    body["formats"] = _formats(given.get("formats"))
    for name in ("includeTags", "excludeTags"):
        if name in given:
            body[name] = [each.get("tag") for each in _members(given[name], "items")]
    if actions := _members(given.get("actions"), "items"):
        body["actions"] = actions
    if headers := given.get("headers"):
        body["headers"] = {headers["key"]: headers.get("value")} if set(headers) == {"key", "value"} else headers
    place = given.get("location")
    settings = place.get("settings") if isinstance(place, Mapping) else None
    if isinstance(settings, Mapping):
        languages = [each.get("code") for each in _members(settings.get("languages"), "language")]
        body["location"] = {"country": settings.get("country"), "languages": languages}
    return {name: each for name, each in body.items() if not is_empty(each) or name in ("includeTags", "excludeTags")}


def _formats(given: Any) -> list[Any]:
    """Return the formats: names in older exports, objects in newer ones."""
    if not isinstance(given, Mapping):
        return list(given) if isinstance(given, list) else []
    return [_format(each) for each in _members(given, "format")]


def _format(given: Mapping[str, Any]) -> Any:
    kind = js_string(given.get("type", UNDEFINED))
    if kind in ("json", "changeTracking"):
        made = {name: given[name] for name in ("prompt", "modes", "tag") if given.get(name)}
        schema = {"schema": FILTERS["json"](given["schema"])} if given.get("schema") else {}
        return {"type": kind, **made, **schema}
    if kind == "screenshot":
        made = {name: given[name] for name in ("fullPage", "quality") if not is_empty(given.get(name, ""))}
        if not is_empty(given.get("viewportWidth")) and not is_empty(given.get("viewportHeight")):
            made["viewport"] = {"width": given["viewportWidth"], "height": given["viewportHeight"]}
        return {"type": kind, **made}
    return kind
