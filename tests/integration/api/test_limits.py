"""Limits of runs at a time, per workflow and per key; steps that are delivered at most once."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from tests.exports import export, node, set_
from tests.gates import gate, open_gate
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")


def limited(name: str, wait: dict[str, Any], **concurrency: Any) -> dict[str, Any]:
    """Waits, a few at a time."""
    workflow = export(
        name,
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        wait,
        set_("Done", ok="yes"),
    )
    workflow["settings"]["tempor8"] = {"concurrency": concurrency}
    return workflow


def most_at_once(runs: list[dict[str, Any]]) -> int:
    """How many of these histories were inside their Wait at one moment."""
    spans = []
    for run in runs:
        step = next(each for each in run["steps"] if each["node"] == "Wait")
        spans.append(tuple(datetime.fromisoformat(step[name]) for name in ("started_at", "finished_at")))
    return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)


async def histories(acme: httpx.AsyncClient, runs: list[str]) -> list[dict[str, Any]]:
    """Of runs that all end well."""
    for run in runs:
        assert (await ended(acme, run))["status"] == "completed"
    return [(await acme.get(f"/workflows/{run}/history")).json() for run in runs]


async def reason(acme: httpx.AsyncClient, run: str) -> Any:
    """What kind of thing the run waits for."""
    active = (await acme.get(f"/workflows/{run}/history")).json()["active"] or {}
    return (active.get("reason") or {}).get("kind")


async def test_no_more_runs_go_on_than_the_workflow_allows(acme: httpx.AsyncClient, dependencies: Dependencies) -> None:
    """Six runs, two at a time, in the order in which they came; one that waits says for what."""
    workflow = limited("Two", gate("Wait"), limit=2)
    assert (await acme.post("/templates", params={"key": "two"}, json=workflow)).status_code == 201
    runs: list[str] = []

    async def has_begun() -> bool:
        shown = (await acme.get(f"/workflows/{runs[-1]}/history")).json()
        return bool(shown["steps"] or shown["active"])

    for _ in range(6):
        runs.append(await started(acme, "two"))
        await eventually(has_begun)  # a place in line is taken when a run begins, on whichever worker

    async def stand() -> bool:
        return [await reason(acme, each) for each in runs] == ["call"] * 2 + ["turn"] * 4

    await eventually(stand)
    for run in runs:
        await open_gate(acme, dependencies, run, 0)
    seen = await histories(acme, runs)
    assert most_at_once(seen) == 2
    begun = [each["steps"][0]["started_at"] for each in seen]
    # the two that get their places in one moment may begin in any order
    assert all(before <= after for before, after in zip(begun, begun[2:], strict=False)), begun


async def test_a_key_has_a_limit_of_its_own(acme: httpx.AsyncClient, dependencies: Dependencies) -> None:
    """Two customers, one run each at a time."""
    workflow = limited("Customers", gate("Wait"), limit=1, key="={{ $json.customer.id }}")
    assert (await acme.post("/templates", params={"key": "customers"}, json=workflow)).status_code == 201
    runs: dict[str, list[str]] = {"a": [], "b": []}
    for _ in range(3):
        for name, of_customer in runs.items():
            of_customer.append(await started(acme, "customers", {"customer": {"id": name}}))

    async def wait_for_turns() -> bool:
        reasons = [sorted([await reason(acme, run) or "" for run in each]) for each in runs.values()]
        return reasons == [["call", "turn", "turn"]] * 2

    await eventually(wait_for_turns)
    await asyncio.gather(*(open_gate(acme, dependencies, run, 0) for each in runs.values() for run in each))
    seen = {name: await histories(acme, each) for name, each in runs.items()}
    assert [most_at_once(each) for each in seen.values()] == [1, 1]
    assert most_at_once([*seen["a"], *seen["b"]]) == 2


async def test_a_run_that_is_killed_gives_its_place_to_the_next(
    acme: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """Cancelled, it leaves by itself; terminated, it is found out."""
    workflow = limited("One", node("Wait", "wait", 1.1, amount=1, unit="hours"), limit=1)
    assert (await acme.post("/templates", params={"key": "one"}, json=workflow)).status_code == 201

    async def waits(run: str, kind: str) -> bool:
        return await reason(acme, run) == kind  # type: ignore[no-any-return]

    async def inside(run: str) -> bool:
        return await waits(run, "time")

    runs: list[str] = []
    for kind in ("time", "turn", "turn"):  # each has its place in line before the next begins
        runs.append(await started(acme, "one"))
        await eventually(partial(waits, runs[-1], kind))
    await acme.post(f"/workflows/{runs[0]}/cancel")
    await eventually(lambda: inside(runs[1]))
    await dependencies.temporal.get_workflow_handle(runs[1]).terminate()
    await eventually(lambda: inside(runs[2]), 60)  # the third asks again after 30 s at most
    await acme.post(f"/workflows/{runs[2]}/cancel")
    assert (await ended(acme, runs[2]))["status"] == "canceled"
