"""Apify: run an Actor, wait for it, and fetch what it found."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeApiError, NodeError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_FINAL: Final = frozenset({"SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"})
_WAIT_SECONDS: Final = 60
"""How long Apify holds a request for the status of a run: its own limit."""
_MOST_WAITS: Final = 24 * 60
"""A day: longer than Apify lets a run of an ordinary Actor go on."""


async def run_actor(run: Run, scope: Scope) -> list[Item]:
    """Run an Actor and return its run, when it has ended where the node waits for it. Raise NodeError."""
    started = await _start(run, scope)
    if not scope.parameters.get("waitForFinish", True):
        return [{"json": started}]
    return [{"json": await _finished(run, scope, started)}]


async def run_actor_for_items(run: Run, scope: Scope) -> list[Item]:
    """Run an Actor and return an item per item of its dataset. Raise NodeError when it does not succeed."""
    ended = await _finished(run, scope, await _start(run, scope))
    if ended.get("status") != "SUCCEEDED":
        raise NodeApiError(
            f"The Actor run {ended.get('id')} ended as {ended.get('status')}",
            description=js_string(ended.get("statusMessage") or ""),
            item=scope.index,
        )
    dataset = segment(ended.get("defaultDatasetId"))
    found = await run.request(scope, path=f"/datasets/{dataset}/items", query={"format": "json"})
    return [{"json": each} for each in found]


async def _start(run: Run, scope: Scope) -> dict[str, Any]:
    parameters = scope.parameters
    actor = js_string(scope.located("actorId", parameters.get("actorId")) or "").replace("/", "~")
    if not actor:
        raise NodeError("Actor ID is required", item=scope.index)
    given = parameters.get("customBody") or {}
    body = FILTERS["json"](given) if isinstance(given, str) else given
    path = f"/acts/{segment(actor)}"
    details = (await run.request(scope, path=path)).get("data") or {}
    query: dict[str, Any] = {"waitForFinish": 0}
    query |= {name: parameters[name] for name in ("timeout", "memory") if parameters.get(name) is not None}
    if build := await _build(run, scope, path, details):
        query["build"] = build
    started = await run.request(scope, method="POST", path=f"{path}/runs", query=query, json=body)
    data = started.get("data") if isinstance(started, Mapping) else None
    if not isinstance(data, dict) or not data.get("id"):
        raise NodeApiError("Run ID not found after running the actor", item=scope.index)
    return data


async def _build(run: Run, scope: Scope, path: str, details: Mapping[str, Any]) -> Any:
    """Return the number of the build that a tag names, or of the default one. Raise NodeError."""
    tag = scope.parameters.get("build")
    if not tag:
        found = await run.request(scope, path=f"{path}/builds/default")
    else:
        tagged = (details.get("taggedBuilds") or {}).get(js_string(tag)) or {}
        if not tagged.get("buildId"):
            raise NodeApiError(f"Build tag '{js_string(tag)}' does not exist for this actor", item=scope.index)
        found = await run.request(scope, path=f"/actor-builds/{segment(tagged['buildId'])}")
    return (found.get("data") or {}).get("buildNumber")


async def _finished(run: Run, scope: Scope, started: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run when it has ended. Raise NodeError."""
    for _ in range(_MOST_WAITS):
        found = await run.request(
            scope, path=f"/actor-runs/{segment(started['id'])}", query={"waitForFinish": _WAIT_SECONDS}
        )
        data: dict[str, Any] = found.get("data") or {}
        if data.get("status") in _FINAL:
            return data
        await asyncio.sleep(1)
    raise NodeApiError(f"The Actor run {started['id']} went on for more than a day", item=scope.index)
