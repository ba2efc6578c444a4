"""Scripts on a real Temporal that need more time than a workflow task gives them."""

import itertools
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, Final

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from bench.exports import START, chain, set_node
from cli.testing.temporal import CaseTemplates
from runtime.expressions import ScriptEvaluator, ScriptLimit
from runtime.expressions.v8 import evaluator_of
from runtime.hosts.temporal.worker import build_worker
from tests.integration.test_failures_on_temporal import ended
from tests.integration.test_temporal_host import World, queue, start

__all__ = ["queue"]

LINEAR: Final = (
    "={{ $json.a.map(x => DateTime.fromISO(x).setZone('Europe/Berlin').toFormat('cccc dd LLLL yyyy HH:mm')).length }}"
)
"""About 40 microseconds per element."""
SLOW: Final = "={{ ['slow'].map(x => x.length)[0] }}"
"""Runs out of time in workflow code, see `evaluate`."""


def slow_evaluator_of(tenant: str) -> ScriptEvaluator:
    """Return an evaluator on a machine where some scripts need two seconds."""

    def evaluate(sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        if seconds < 2 and any("'slow'" in source for source in sources):
            raise ScriptLimit("Expression timed out")
        return evaluator_of(tenant)(sources, request, seconds, apart=apart, final=final)

    return evaluate


@pytest.fixture
async def worker(
    temporal: Client, tenants: tuple[str, str], queue: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Worker]:
    """A worker as it runs in production, on that machine."""
    monkeypatch.setattr("runtime.hosts.temporal.worker.evaluator_of", slow_evaluator_of)
    async with build_worker(temporal, World(), CaseTemplates(), queue) as built:
        yield built


async def failed_tasks(handle: WorkflowHandle[Any, Any]) -> int:
    """Return how many workflow tasks of the run failed or ran out of time."""
    kinds = ("workflow_task_failed_event_attributes", "workflow_task_timed_out_event_attributes")
    return len([e async for e in handle.fetch_history_events() if any(e.HasField(kind) for kind in kinds)])  # type: ignore[arg-type]


async def test_a_script_that_always_needs_more_does_not_hang_the_run(
    temporal: Client, queue: str, worker: Worker
) -> None:
    """No workflow task fails, and the value is there."""
    export = chain(START, set_node("A", 200, {"n": SLOW}), set_node("B", 400, {"m": "={{ $json.n + 1 }}"}))
    handle = await start(temporal, queue, export, [{"json": {}}])
    told = await ended(handle)
    assert (told.outputs[0] or [])[0]["json"] == {"n": 4, "m": 5}
    assert await failed_tasks(handle) == 0


async def test_scripts_that_are_within_their_limits_share_one_of_the_workflow_task(
    temporal: Client, tenants: tuple[str, str], queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six scripts of half a second, each in time: what does not fit into the activation goes on in activities."""
    clock = itertools.count()
    monkeypatch.setattr("runtime.hosts.temporal.extern.time", SimpleNamespace(monotonic=lambda: next(clock) * 0.5))
    steps = [set_node(f"S{n}", 200 * n, {f"n{n}": "={{ ['ab'].map(x => x.length)[0] }}"}) for n in range(1, 7)]
    async with build_worker(temporal, World(), CaseTemplates(), queue):
        handle = await start(temporal, queue, chain(START, *steps), [{"json": {}}])
        told = await ended(handle)
    assert (told.outputs[0] or [])[0]["json"] == {f"n{n}": 2 for n in range(1, 7)}
    markers = [e async for e in handle.fetch_history_events() if e.HasField("marker_recorded_event_attributes")]
    assert len(markers) == 2
    assert await failed_tasks(handle) == 0


async def test_a_script_of_seconds_of_pure_compute_ends(temporal: Client, tenants: tuple[str, str], queue: str) -> None:
    """With its value, or with n8n's error where the machine needs more than the activity gives; never by hanging."""
    items = [{"json": {"a": ["2026-01-01"] * 70_000}}]
    async with build_worker(temporal, World(), CaseTemplates(), queue):
        handle = await start(temporal, queue, chain(START, set_node("A", 200, {"n": LINEAR})), items)
        told = await ended(handle, 60)
    if told.journal.status == "success":
        assert (told.outputs[0] or [])[0]["json"]["n"] == 70_000
    else:
        assert (told.journal.error or {})["message"] == "Expression timed out"
