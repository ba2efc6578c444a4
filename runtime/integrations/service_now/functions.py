"""ServiceNow: the fields of a record, pages, and users by name."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

PAGE: Final = 100


def fields(scope: Scope) -> dict[str, Any]:
    """Return the additional fields."""
    given = scope.parameters.get("additionalFields") or scope.parameters.get("updateFields") or {}
    return dict(given)


def columns(scope: Scope) -> dict[str, Any]:
    """Return the columns of a record: of the item, of the node, or none."""
    parameters = scope.parameters
    if parameters.get("dataToSend") == "mapInput":
        item = scope.item.get("json") or {}
        left_out = FILTERS["split"](parameters.get("inputsToIgnore") or "")
        return {name: each for name, each in item.items() if name not in left_out}
    if parameters.get("dataToSend") == "columns":
        pairs = (parameters.get("fieldsToSend") or {}).get("field") or []
        return {js_string(each.get("column")): each.get("value") for each in pairs}
    return {}


def next_offset(scope: Scope) -> Any:
    """Return how many records there are already; UNDEFINED after a page that is not full."""
    return scope.names["collected"] if len(scope.names["found"] or []) >= PAGE else UNDEFINED


async def user(run: Run, scope: Scope) -> list[Item]:
    """Return a user, by id or by name."""
    parameters = scope.parameters
    if parameters.get("getOption") == "user_name":
        query = {"sysparm_query": f"user_name={js_string(parameters.get('user_name'))}", "sysparm_limit": 1}
        answer = await run.request(scope, path="/table/sys_user", query=_with(parameters, query))
        found = answer.get("result") if isinstance(answer, Mapping) else None
        return [{"json": found[0] if isinstance(found, list) and found else {}}]
    path = f"/table/sys_user/{segment(parameters.get('id'))}"
    answer = await run.request(scope, path=path, query=Template("{$options}"))
    return [{"json": (answer.get("result") if isinstance(answer, Mapping) else None) or {}}]


def _with(parameters: Mapping[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    options = parameters.get("options") or {}
    return {
        name: ",".join(map(js_string, each)) if isinstance(each, list) else each for name, each in options.items()
    } | query
