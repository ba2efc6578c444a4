"""Notion: what a database is asked for: filter, order, and the size of a page."""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.notion.properties import condition, name_and_type, source_condition
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

__all__ = ["filter", "query", "search", "sorts"]

_LOCATORS_SINCE: Final = 2
_SOURCES_SINCE: Final = 3


def filter(scope: Scope) -> Any:  # noqa: A001 - the name of the member that it fills
    """Return the filter of a database query; UNDEFINED: none. Raise NodeError."""
    parameters, zone = scope.parameters, scope.timezone
    test = source_condition if scope.version >= _SOURCES_SINCE else condition
    chosen = parameters.get("filterType", "none")
    if chosen == "json":
        return _filter_of(parameters.get("filterJson", UNDEFINED), scope)
    if chosen == "manual":
        conditions = (parameters.get("filters") or {}).get("conditions") or []
        other = "or" if scope.version >= _SOURCES_SINCE else ""
        joint = _JOINTS.get(js_string(parameters.get("matchType", UNDEFINED)), other)
        if not joint or (not conditions and scope.version >= _SOURCES_SINCE):
            return UNDEFINED
        return {joint: [test(each, zone) for each in conditions]}
    given = (parameters.get("options") or {}).get("filter") or {}
    single = condition(given["singleCondition"], zone) if given.get("singleCondition") else {}
    several = (given.get("multipleCondition") or {}).get("condition") or {}
    made = {joint: [condition(each, zone) for each in several[joint]] for joint in ("and", "or") if several.get(joint)}
    return single | made or UNDEFINED


_JOINTS: Final = {"allFilters": "and", "anyFilter": "or"}


def _filter_of(text: Any, scope: Scope) -> Any:
    try:
        if scope.version >= _SOURCES_SINCE:
            return parse_json(js_string(text)) or UNDEFINED
        return parse_json(text) if isinstance(text, str) else text
    except NotJsonError as error:
        reason = "must be valid JSON" if scope.version >= _SOURCES_SINCE else "must be a valid json"
        raise NodeError(f"Filters (JSON) {reason}", item=scope.index) from error


def sorts(scope: Scope) -> Any:
    """Return the order of a database query; of a data source's UNDEFINED where there is none."""
    given = ((scope.parameters.get("options") or {}).get("sort") or {}).get("sortValue") or []
    made = [
        {"direction": each.get("direction", "")}
        | ({"timestamp": each.get("key")} if each.get("timestamp") else {"property": name_and_type(each.get("key"))[0]})
        for each in given
    ]
    return made if made or scope.version < _SOURCES_SINCE else UNDEFINED


def search(scope: Scope) -> Any:
    """Return what to search pages by; UNDEFINED where it is nothing: n8n sends no body then."""
    options = scope.parameters.get("options") or {}
    body = {
        "query": scope.parameters.get("text"),
        "filter": (options.get("filter") or {}).get("filters"),
        "sort": (options.get("sort") or {}).get("sortValue"),
        "page_size": scope.names["size"]
        if scope.version >= _LOCATORS_SINCE and scope.parameters.get("returnAll")
        else None,
    }
    return {name: each for name, each in body.items() if each not in (None, UNDEFINED, "")} or UNDEFINED


def query(scope: Scope) -> Any:
    """Return the query of a data source; UNDEFINED where it asks for everything. Raise NodeError."""
    body = {"filter": filter(scope), "sorts": sorts(scope), "page_size": scope.names["size"]}
    return {name: each for name, each in body.items() if each is not UNDEFINED} or UNDEFINED
