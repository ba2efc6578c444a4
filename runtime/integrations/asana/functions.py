"""Asana: lists of projects and tasks, whose further pages are at the addresses that Asana names."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import member_of_answer, spliced
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope

__all__ = ["list_projects", "list_subtasks", "list_tasks"]

_MOMENTS: Final = ("completed_since", "modified_since")


async def list_projects(run: Run, scope: Scope) -> list[Item]:
    """Return the projects of a team or else of a workspace. Raise NodeError."""
    parameters = scope.parameters
    fields = parameters.get("additionalFields") or {}
    query: dict[str, Any] = {} if fields.get("team") else {"workspace": parameters.get("workspace")}
    query |= fields
    everything = bool(parameters.get("returnAll"))
    query["limit"] = 100 if everything else parameters.get("limit")
    return await _listed(run, scope, "/projects", query, everything=everything)


async def list_subtasks(run: Run, scope: Scope) -> list[Item]:
    """Return the subtasks of a task. Raise NodeError."""
    parameters = scope.parameters
    query = _with_fields(parameters.get("options") or {})
    everything = bool(parameters.get("returnAll"))
    path = f"/tasks/{segment(parameters.get('taskId'))}/subtasks"
    response = await run.request(scope, path=path, query=query)
    found = member_of_answer(response, "data")
    if not everything:
        found = spliced(found, parameters.get("limit"))
    return [{"json": each} for each in (found if isinstance(found, list) else [found])]


async def list_tasks(run: Run, scope: Scope) -> list[Item]:
    """Return the tasks that match, all or up to the limit. Raise NodeError."""
    parameters = scope.parameters
    query: dict[str, Any] = dict(parameters.get("filters") or {})
    for name in _MOMENTS:
        if not is_empty(query.get(name)):
            query[name] = FILTERS["iso"](query[name]).replace(".000Z", "Z")
    query = _with_fields(query)
    everything = bool(parameters.get("returnAll"))
    query["limit"] = 100 if everything else parameters.get("limit")
    return await _listed(run, scope, "/tasks", query, everything=everything)


def _with_fields(query: Mapping[str, Any]) -> dict[str, Any]:
    return dict(query) | ({"opt_fields": FILTERS["join"](query["opt_fields"])} if query.get("opt_fields") else {})


async def _listed(run: Run, scope: Scope, path: str, query: Mapping[str, Any], *, everything: bool) -> list[Item]:
    response = await run.request(scope, path=path, query=query)
    first = member_of_answer(response, "data")
    if not everything and not isinstance(first, list):
        return [{"json": first}]
    found = list(first or [])
    for _ in range(MAX_PAGES):
        following = (response.get("next_page") or {}).get("uri")
        if not everything or not following:
            return [{"json": each} for each in found]
        response = await run.request(scope, url=following)
        found += response.get("data") or []
    raise NodeError(f"Asana gave more than {MAX_PAGES} pages", item=scope.index)
