"""What is noted of tasks that end their workers, and what the next attempt makes of it."""

import asyncio
import dataclasses
from typing import Any, Final, cast

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import MetricMeter
from temporalio.testing import ActivityEnvironment
from temporalio.worker import WorkflowInstance

from runtime.hosts.temporal.deaths import TaskGuard
from runtime.hosts.temporal.guarded_runner import GuardedRunner, TaskEndsWorkers, _Guarded
from runtime.hosts.temporal.suspect_window import WorkerDied
from schemas.task import Task
from tests.patience import PATIENCE

RUN: Final = "acme:t:1"
TASK: Final = cast("Task", {"meta": {"tenant": "acme"}, "step": {"name": "Call"}})
KEY: Final = ("acme", RUN, "r/Call#0#1#1")
LIMIT: Final = 3


class Notes:
    """The table, in memory."""

    def __init__(self, **deaths: int) -> None:
        self.deaths: dict[tuple[str, str, str], int] = {KEY: deaths["deaths"]} if deaths else {}

    async def begin(self, tenant: str, workflow_id: str, task: str, *, first: int) -> int:
        """See Deaths."""
        before = self.deaths.get((tenant, workflow_id, task), first)
        self.deaths[tenant, workflow_id, task] = before + 1
        return before

    async def end(self, tenant: str, workflow_id: str, task: str) -> None:
        """See Deaths."""
        self.deaths.pop((tenant, workflow_id, task), None)

    async def count(self, tenant: str, workflow_id: str, task: str) -> int:
        """See Deaths."""
        return self.deaths.get((tenant, workflow_id, task), 0)

    def note(self, tenant: str, workflow_id: str, task: str) -> None:
        """See Deaths."""
        self.deaths[tenant, workflow_id, task] = self.deaths.get((tenant, workflow_id, task), 0) + 1


async def attempt(guard: TaskGuard, notes: Notes, *, local: bool = False, number: int = 1) -> int | None:
    """Do a step, and return how many deaths are noted while it runs."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, workflow_id=RUN, workflow_run_id="r", activity_id="Call#0#1#1", is_local=local, attempt=number
    )

    async def step() -> int | None:
        async with guard.step(TASK):
            return notes.deaths.get(KEY)

    return await environment.run(step)


@pytest.mark.parametrize(
    ("noted", "local", "number", "resumed", "during"),
    [
        pytest.param({}, False, 1, False, None, id="a first attempt costs nothing"),
        pytest.param({"deaths": 2}, False, 2, False, 2, id="two deaths are not too many"),
        pytest.param({}, True, 1, False, None, id="a local step costs nothing"),
        pytest.param(
            {}, True, 1, True, 2, id="a local step of a run from its history counts, and the attempt before it"
        ),
        pytest.param({"deaths": 2}, True, 1, True, 3, id="its third attempt counts"),
    ],
)
async def test_a_step_that_lives_is_forgotten(
    noted: dict[str, int],
    local: bool,
    number: int,
    resumed: bool,
    during: int | None,
) -> None:
    notes = Notes(**noted)
    guard = TaskGuard(notes, LIMIT)
    if resumed:
        guard.resume("r")
    assert await attempt(guard, notes, local=local, number=number) == during
    assert not notes.deaths


@pytest.mark.parametrize("local", [False, True])
async def test_a_step_that_has_ended_three_workers_is_not_begun(local: bool) -> None:
    """Its row goes with the error, since a retry of the run is another try."""
    notes = Notes(deaths=LIMIT)
    guard = TaskGuard(notes, LIMIT)
    guard.resume("r")
    with pytest.raises(WorkerDied) as died:
        await attempt(guard, notes, local=local, number=LIMIT + 1)
    assert died.value.deaths == LIMIT
    assert not notes.deaths


async def test_the_watchdog_notes_the_step_that_holds_the_loop() -> None:
    """And no other; without one it names what runs."""
    notes = Notes()
    guard = TaskGuard(notes, LIMIT)
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, workflow_id=RUN, workflow_run_id="r", activity_id="Call#0#1#1"
    )

    async def step() -> None:
        async with guard.step(TASK):
            facts = guard.report(asyncio.current_task())
            assert (facts["tenant"], facts["node"], facts["noted"]) == ("acme", "Call", True)
            assert [each["node"] for each in guard.report(None)["running"]] == ["Call"]

    await environment.run(step)
    assert notes.deaths == {KEY: 1}
    assert guard.report(None) == {"running": []}


class Instance:
    """A workflow that is activated, and may hold on."""

    def __init__(self, notes: Notes) -> None:
        self.notes, self.seen = notes, list[dict[tuple[str, str, str], int]]()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Remember what is noted."""
        del act
        self.seen.append(dict(self.notes.deaths))
        return WorkflowActivationCompletion()

    def get_info(self) -> Any:
        """Whose it is."""

        class Info:
            workflow_id, run_id = RUN, "r"

        return Info


def activation(length: int, *, replays: bool = False, query: bool = False) -> WorkflowActivation:
    act = WorkflowActivation(run_id="r", history_length=length, is_replaying=replays)
    job = act.jobs.add()
    (job.query_workflow if query else job.fire_timer).SetInParent()
    return act


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow task waits for its note as long as a test does."""
    monkeypatch.setattr("runtime.hosts.temporal.guarded_runner.NOTE_SECONDS", PATIENCE)


@pytest.mark.parametrize(
    ("acts", "seen"),
    [
        pytest.param([activation(3)], [{}], id="the first task of a run costs nothing"),
        pytest.param([activation(9)], [{("acme", RUN, "r@9"): 2}], id="a run from its history is noted"),
        pytest.param([activation(9), activation(12)], [{("acme", RUN, "r@9"): 2}, {}], id="later tasks are not"),
        pytest.param([activation(9, replays=True)], [{}], id="nor is what it replays"),
        pytest.param([activation(9, query=True)], [{}], id="nor is a query"),
    ],
)
async def test_a_workflow_task_of_a_run_from_its_history_is_noted(
    acts: list[WorkflowActivation], seen: list[dict[tuple[str, str, str], int]]
) -> None:
    notes, told = Notes(), list[tuple[str, str, int]]()
    instance, guarded = guard_of(notes, told)
    for act in acts:
        await asyncio.to_thread(guarded.activate, act)
        async with asyncio.timeout(PATIENCE):
            while notes.deaths:
                await asyncio.sleep(0.01)
    assert instance.seen == seen
    assert not told


async def test_a_workflow_task_that_has_ended_three_workers_fails_and_its_run_is_told() -> None:
    notes, told = Notes(), list[tuple[str, str, int]]()
    notes.deaths["acme", RUN, "r@9"] = LIMIT
    instance, guarded = guard_of(notes, told)
    with pytest.raises(TaskEndsWorkers):
        await asyncio.to_thread(guarded.activate, activation(9))
    assert told == [(RUN, "r", LIMIT)]
    assert not instance.seen


async def test_where_the_run_cannot_be_told_its_task_stays_counted() -> None:
    """Else it would end three workers more. The next attempt tells the run."""
    notes, told, away = Notes(), list[tuple[str, str, int]](), [True]

    async def tell(workflow_id: str, run_id: str, deaths: int) -> None:
        if away[0]:
            raise OSError("Temporal does not answer")
        told.append((workflow_id, run_id, deaths))

    notes.deaths["acme", RUN, "r@9"] = LIMIT
    runner = GuardedRunner(TaskGuard(notes, LIMIT), tell, MetricMeter.noop)
    runner._loop = asyncio.get_running_loop()
    for expected in ([], [(RUN, "r", LIMIT + 1)]):
        instance = Instance(notes)
        guarded = _Guarded(cast("WorkflowInstance", instance), runner)
        with pytest.raises(TaskEndsWorkers):
            await asyncio.to_thread(guarded.activate, activation(9))
        assert not instance.seen
        assert told == expected
        away[0] = False
    async with asyncio.timeout(PATIENCE):
        while notes.deaths:
            await asyncio.sleep(0.01)


async def test_a_run_is_taken_up_until_its_next_workflow_task() -> None:
    """Its local steps begin alone and are counted while its history does not have what this worker did."""
    notes = Notes()
    instance, guarded = guard_of(notes, [])
    guard = guarded._runner._guard
    await asyncio.to_thread(guarded.activate, activation(9))
    async with asyncio.timeout(PATIENCE):
        while notes.deaths:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(guarded.activate, activation(9))  # a local step has ended
    assert await attempt(guard, notes, local=True) == 2
    await asyncio.to_thread(guarded.activate, activation(12))
    assert await attempt(guard, notes, local=True) is None
    assert guard._resumed == {}
    assert len(instance.seen) == 3


def guard_of(notes: Notes, told: list[tuple[str, str, int]]) -> tuple[Instance, _Guarded]:
    async def tell(workflow_id: str, run_id: str, deaths: int) -> None:
        told.append((workflow_id, run_id, deaths))

    runner = GuardedRunner(TaskGuard(notes, LIMIT), tell, MetricMeter.noop)
    runner._loop = asyncio.get_running_loop()
    instance = Instance(notes)
    return instance, _Guarded(cast("WorkflowInstance", instance), runner)
