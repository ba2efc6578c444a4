"""Every run ends, whatever its expressions give: each kind of value in each parameter of each node type, on both hosts.

A sample in `make test`, drawn anew from the seed when the parameters change; all of them in `make fuzz`.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from cli.testing.case import plan_of, run_case
from cli.testing.temporal import CaseTemplates
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from tests.integration.test_failures_on_temporal import ended
from tests.patience import PATIENCE
from tests.property.parameter_values import PYTHON, VALUES, Place, complaint, places, with_value

pytestmark = pytest.mark.long

FUZZ: Final = os.environ.get("TEMPOR8_FUZZ") == "1"
SEED: Final = 8
LOCAL_SAMPLE: Final = 400
TEMPORAL_SAMPLE: Final = 60
PARTS: Final = 4
SECONDS: Final = PATIENCE
"""A run that takes longer hangs. An expression may reach a limit of five seconds, twice."""
TENANT: Final = "acme"
QUEUE: Final = "parameter-values"

Case = tuple[Place, str]


def _sample(count: int, seed: int) -> list[Case]:
    cases = [(place, value) for place in places() for value in VALUES]
    return cases if FUZZ else random.Random(seed).sample(cases, count)  # noqa: S311 - which cases, no secret


class TooLongError(BaseException):
    """Raised into a run that computes without end; nothing may catch it."""


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def _run(place: Place, value: str) -> str | None:
    try:
        with _limit(SECONDS):
            return complaint(await run_case(with_value(place, VALUES[value])))
    except TooLongError:
        return "the run does not end"


@pytest.mark.parametrize("part", range(PARTS))
async def test_a_run_on_the_local_host_ends(part: int) -> None:
    """By success or by an error in words, and what it leaves is JSON."""
    wrong = []
    for place, value in _sample(LOCAL_SAMPLE, SEED)[part::PARTS]:
        found = await _run(place, value)
        if found is not None:
            wrong.append(f"{value} in {place}: {found}")
    assert not wrong, "\n".join(wrong)


async def _stands(handle: WorkflowHandle[Any, Any]) -> bool:
    """Return whether nothing happens in the run before somebody calls it, or before timers end that are longer than SECONDS."""
    described = await handle.describe()
    raw = described.raw_description
    if described.status is not WorkflowExecutionStatus.RUNNING or raw.HasField("pending_workflow_task"):
        return False
    events = [event async for event in handle.fetch_history_events()]
    timers: dict[int, float] = {}
    for event in events:
        if event.HasField("timer_started_event_attributes"):
            given = event.timer_started_event_attributes.start_to_fire_timeout
            timers[event.event_id] = given.ToTimedelta().total_seconds()
        timers.pop(event.timer_fired_event_attributes.started_event_id, None)
        timers.pop(event.timer_canceled_event_attributes.started_event_id, None)
    busy = bool(raw.pending_activities or raw.pending_children)
    return len(events) == described.history_length > 3 and not busy and all(each > SECONDS for each in timers.values())


async def _end_or_wait(handle: WorkflowHandle[Any, Any], place: Place) -> RunResult | None:
    """Return what the run left; None as soon as it stands at the wait of a node that waits. Raise TimeoutError when it hangs."""
    result = asyncio.ensure_future(ended(handle, SECONDS))
    while place.type.endswith((".wait", ".form")) and not result.done():
        if await _stands(handle):
            result.cancel()
            return None
        await asyncio.sleep(0.2)
    return await result


async def _batch(client: Client, first: int, cases: Sequence[Case]) -> list[str]:
    async def one(number: int, place: Place, value: str) -> str | None:
        case = with_value(place, VALUES[value])
        run = names.workflow_id(TENANT, QUEUE, str(first + number))
        given = StartInput(
            plan=plan_of(case["workflow"]), tenant=TENANT, template="test", execution_id=run, start=case.get("start"),
            items=[each if isinstance(each, dict) and "json" in each else {"json": each} for each in case.get("input") or []],
        )  # fmt: skip
        handle = await client.start_workflow(
            "test", given.to_json(), id=run, task_queue=QUEUE, task_timeout=TASK_TIMEOUT, result_type=dict
        )
        try:
            left = await _end_or_wait(handle, place)
        except TimeoutError:
            raw = (await handle.describe()).raw_description
            await handle.terminate("the test is over")
            return None if raw.pending_activities and not raw.pending_workflow_task.attempt > 1 else "the run hangs"
        if left is None:
            await handle.terminate("the test is over")
            return None
        message = str((left.journal.error or {}).get("message"))
        return message if PYTHON.search(message) or "fault of the service" in message else None

    done = await asyncio.gather(*(one(i, *case) for i, case in enumerate(cases)))
    return [f"{value} in {place}: {found}" for (place, value), found in zip(cases, done, strict=True) if found]


async def test_a_run_on_temporal_ends(temporal: Client, tenants: tuple[str, str]) -> None:
    """The same on the other host, many at once on one server."""
    cases, wrong = _sample(TEMPORAL_SAMPLE, SEED + 1), []
    async with build_worker(temporal, OfflineCapabilities(), CaseTemplates(), QUEUE):
        for first in range(0, len(cases), TEMPORAL_SAMPLE):
            wrong += await _batch(temporal, first, cases[first : first + TEMPORAL_SAMPLE])
    assert not wrong, "\n".join(wrong)
