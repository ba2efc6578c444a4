"""Asana: lists of tasks, whose further pages are at the addresses that Asana names."""

from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope

__all__ = ["list_tasks"]

_MOMENTS: Final = ("completed_since", "modified_since")


async def list_tasks(run: Run, scope: Scope) -> list[Item]:
    """Return the tasks that match, all or up to the limit. Raise NodeError."""
    parameters = scope.parameters
    query: dict[str, Any] = dict(parameters.get("filters") or {})
    for name in _MOMENTS:
        if not is_empty(query.get(name)):
            query[name] = FILTERS["iso"](query[name]).replace(".000Z", "Z")
    if query.get("opt_fields"):
        query["opt_fields"] = FILTERS["join"](query["opt_fields"])
    everything = bool(parameters.get("returnAll"))
    query["limit"] = 100 if everything else parameters.get("limit")
    response = await run.request(scope, path="/tasks", query=query)
    found = list(response.get("data") or [])
    for _ in range(MAX_PAGES):
        following = (response.get("next_page") or {}).get("uri")
        if not everything or not following:
            return [{"json": each} for each in found]
        response = await run.request(scope, url=following)
        found += response.get("data") or []
    raise NodeError(f"Asana gave more than {MAX_PAGES} pages", item=scope.index)
