"""HTTP Request: the parameters of URL, query and headers to values of a request."""

from typing import Any

from runtime.contract import NodeError
from runtime.http.request import spread
from runtime.nodes.http_request.parameters import HttpRequestParameters
from runtime.values.javascript import js_string
from runtime.values.json_error import json_error
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_COLLECTS_SAME_NAMES = 4.3
_PAIRS = "parameters"


def pairs(collection: Any, written: Any, key: str = _PAIRS) -> list[dict[str, Any]]:
    """Return the entries of a fixed collection; none when it is empty. `written` is the collection with its
    expressions: a value that is there but not in `collection` came out as undefined, one that is in neither has its
    default.
    """
    entries, sources = (each.get(key) if isinstance(each, dict) else None for each in (collection, written))
    sources = sources if isinstance(sources, list) else []
    rows = []
    for i, entry in enumerate(entries or []):
        source = sources[i] if i < len(sources) and isinstance(sources[i], dict) else {}
        rows.append({"name": "", "value": UNDEFINED if "value" in source else "", **entry})
    return rows


def last_wins(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return name -> value, the last of a name."""
    return {js_string(each["name"]): each["value"] for each in entries}


def group_values(entries: list[dict[str, Any]], *, of_text: bool = False) -> dict[str, Any]:
    """Return name -> value; values of a name that comes more than once make a list, unless the one before is undefined or,
    with `of_text`, neither text nor a list: then the later one takes its place.
    """
    out: dict[str, Any] = {}
    for each in entries:
        name, value = js_string(each["name"]), each["value"]
        before = out.get(name, UNDEFINED)
        if before is UNDEFINED or (of_text and not isinstance(before, str | list)):
            out[name] = value
        else:
            out[name] = [*before, value] if isinstance(before, list) else [before, value]
    return out


def by_name(entries: list[dict[str, Any]], version: float) -> dict[str, Any]:
    """Return name -> value as this version does it."""
    return group_values(entries) if version >= _COLLECTS_SAME_NAMES else last_wins(entries)


def parse_field(value: Any, label: str, i: int) -> Any:
    """Parse the JSON in a text field. Raise NodeError with n8n's text."""
    text = js_string(value)
    try:
        return parse_json(text)
    except NotJsonError as error:
        message = f'The value in the "{label}" field is not valid JSON'
        raise NodeError(message, description=json_error(text) or str(error), item=i) from error


def query_fields(node: HttpRequestParameters, written: HttpRequestParameters, version: float, i: int) -> Any:
    """Return the query, an object unless JSON gives something else; None where it is null, which cannot be sent. Raise NodeError."""
    if node.specify_query == "json":
        text = node.given("json_query")
        return parse_field(text, "JSON Query Parameters", i)
    return by_name(pairs(node.query_parameters, written.query_parameters), version)


def header_fields(
    node: HttpRequestParameters, written: HttpRequestParameters, options: dict[str, Any], version: float, i: int
) -> dict[str, Any]:
    """Return the headers, names in lower case unless the option says otherwise. Raise NodeError."""
    if node.specify_headers == "json":
        text = node.given("json_headers")
        parsed = parse_field(text, "JSON Headers", i)
        headers = spread(parsed)
    else:
        entries = pairs(node.header_parameters, written.header_parameters)
        headers = {name: value for name, value in by_name(entries, version).items() if name}
    if options.get("lowercaseHeaders", True) is False:
        return headers
    return {name.lower(): value for name, value in headers.items()}


def http_url(url: Any, i: int) -> str:
    """Return the URL parameter (undefined: UNDEFINED). Raise NodeError when it is not text, empty or not HTTP."""
    if not isinstance(url, str):
        raise NodeError(f"URL parameter must be a string, got {_kind(url)}", item=i)
    text = url.strip()
    if not text:
        raise NodeError("URL parameter cannot be empty", item=i)
    if not text.startswith(("http://", "https://")):
        raise NodeError(f'Invalid URL: {text}. URL must start with "http" or "https".', item=i)
    return text


def _kind(value: Any) -> str:
    if value is UNDEFINED:
        return "undefined"
    return {dict: "object", list: "object", bool: "boolean", type(None): "null"}.get(type(value), "number")


def is_missing(value: Any) -> bool:
    """Return whether a value is null or undefined."""
    return value is None or value is UNDEFINED
