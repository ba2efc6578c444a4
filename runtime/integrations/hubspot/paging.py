"""Pages of HubSpot's lists and searches."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.answers import member_of_answer
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import truthy
from schemas.item import UNDEFINED, NoJson

__all__ = ["listed", "searched"]

_KEEPS_PAGES_SINCE: Final = 2
_PAGE: Final = 250


async def listed(
    run: Run, path: str, items: str, query: Callable[[Scope], dict[str, Any]], limited: str = "limit",
    *, slices: bool = False,
) -> Items:  # fmt: skip
    """Return objects per item.

    Args:
        run: the run.
        path: where they are.
        items: the member of a response that holds them.
        query: what is asked for, beside pages.
        limited: the member of the query that holds the limit.
        slices: whether pages are asked for with a limit, too.
    """
    carried: dict[str, Any] = {}

    async def work(scope: Scope) -> Items:
        given = run.kept["query"] = run.kept.get("query", {}) | query(scope)  # n8n's node has one for all items
        everything, limit = bool(scope.names["all"]), scope.names["limit"]
        if not everything and not slices:
            answer = await run.request(scope, path=path, query={**given, limited: limit}, arrays="repeat")
            found = answer if isinstance(answer, list) else member_of_answer(answer, items)
            if found is UNDEFINED:
                return [{"json": NoJson()}]
        else:
            given = given | {"limit": limit if not everything and truthy(limit) else _PAGE, "count": 100}
            found = await _pages(run, scope, {"path": path}, items, {**given, **carried}, carried)
            found = _kept(scope, found if everything or not truthy(limit) else found[: int(limit)])
        return [{"json": each} for each in found]

    return await run.each(work)


async def _pages(
    run: Run, scope: Scope, spec: Mapping[str, Any], items: str, query: dict[str, Any], carried: dict[str, Any]
) -> list[Any]:
    """Return the elements of all pages. As in n8n, the place that the last page names stays in the query of the next item."""
    out, asked = list[Any](), dict(spec)
    for _ in range(MAX_PAGES):
        answer = await run.request(scope, **asked, query=_defined({**query, **carried}), arrays="repeat")
        out += member_of_answer(answer, items) or []
        after = ((answer.get("paging") or {}).get("next") or {}).get("after")
        place = {"offset": answer.get("offset"), "vidOffset": answer.get("vid-offset")}
        carried.update(place)
        if not (answer.get("has-more") or answer.get("hasMore") or after):
            return out
        if after and "json" in asked:
            asked["json"] = {**asked["json"], "after": after}
    raise NodeError(f"HubSpot gave more than {MAX_PAGES} pages", item=scope.index)


def _defined(query: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in query.items() if each is not None}


def _kept(scope: Scope, found: list[Any]) -> list[Any]:
    """Return what pages gave; nothing before version 2, in which n8n's node asks for every page and then gives no items."""
    return found if scope.version >= _KEEPS_PAGES_SINCE else []


async def searched(run: Run, path: str, body: Callable[[Scope], dict[str, Any]], *, carries: bool = True) -> Items:
    """Return what a search finds, per item.

    Args:
        run: the run.
        path: where the search is.
        body: the conditions, beside the limit.
        carries: whether the place that the last page names stays in the query of the next item.
    """
    carried: dict[str, Any] = {}

    async def work(scope: Scope) -> Items:
        everything = bool(scope.names["all"])
        asked = {**body(scope), "limit": 100 if everything else scope.names["limit"]}
        spec = {"method": "POST", "path": path, "json": asked}
        if everything:
            found = await _pages(
                run, scope, spec, "results", {"limit": _PAGE, "count": 100}, carried if carries else {}
            )
            found = _kept(scope, found)
        else:
            found = member_of_answer(await run.request(scope, **spec), "results")
            if found is UNDEFINED:
                return [{"json": NoJson()}]
        return [{"json": each} for each in found]

    return await run.each(work)
