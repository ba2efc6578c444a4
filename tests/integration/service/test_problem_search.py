"""Runs that wait for workers, and steps that are tried again, are in lists and counts, until they go on."""

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from schemas.run import Journal, RunResult
from service.execution_store import ExecutionStore, Filter
from service.projection import problem_search
from service.projection.problem_search import WorkerQuestions
from service.projection.projector import Projector
from service.projection.shard_locks import SHARDS
from service.projection.state import stuck_summary
from service.run_problems.problem import ProblemKind, RunProblem
from tests.integration.service.canned_runs import begin, canned_worker, row, until

REPORTS: Final[list[tuple[ProblemKind, ProblemKind]]] = [
    ("activity", "activity"),
    ("worker", "worker"),
    ("activity", "worker"),
    ("workflow_task", "workflow_task"),
    ("worker", "workflow_task"),
]
"""Kinds in the order in which they are reported, and which one the row has then."""


class Outage:
    """A server that is away until it is back."""

    back = False


@workflow.defn(dynamic=True)
class Calling:
    """A run with one step."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> dict[str, Any]:
        """Do the step."""
        del args
        await workflow.execute_activity(
            "call", activity_id="Get lead#0#1#1", start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=0.5)),
        )  # fmt: skip
        return RunResult(journal=Journal(status="success")).model_dump(mode="json")


@activity.defn
async def call() -> None:
    """Fail while the credential store is away."""
    if not Outage.back:
        raise ApplicationError("http://10.0.0.7:8200 refuses", type="CredentialsUnavailable")


@pytest.fixture
async def queue() -> AsyncIterator[str]:
    """A task queue without workers."""
    Outage.back = False
    yield f"problems-{uuid.uuid4().hex[:8]}"
    Outage.back = True


@pytest.fixture
def projector(temporal: Client, database: Database, service: Settings, queue: str) -> Projector:
    """A projector that works when it is called, and asks who polls that queue."""
    assert service.database_url is not None
    workers = WorkerQuestions(temporal, [queue], f"nobody-{queue}")
    projector = Projector(temporal, database, service.database_url.get_secret_value(), workers=workers)
    projector._locks.held = frozenset(range(SHARDS))
    return projector


async def problem(projector: Projector, store: ExecutionStore, id_: str, search: Any) -> dict[str, Any] | None:
    """The problem of a run's row after a search."""
    await projector.look()
    await search()
    found = await store.get("acme", id_)
    return found.problem if found else None


async def test_a_run_that_no_worker_takes_is_listed_until_one_does(
    temporal: Client, database: Database, projector: Projector, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same cause and hint as its status."""
    monkeypatch.setattr(problem_search, "MIN_AGE", timedelta(0))
    monkeypatch.setattr("service.worker_presence.AGE_SECONDS", 0.0)
    store, handle = ExecutionStore(database), await begin(temporal, "wait", queue=queue)
    search = projector.problems.find_without_workers
    found = await until(lambda: problem(projector, store, handle.id, search))
    assert (found["kind"], found["cause"]) == ("worker", "NoWorker")
    assert "tempor8 worker" in found["hint"]
    assert handle.id in [each.id for each in await store.page("acme", Filter(problem=True))]
    assert (await stuck_summary(database)).kinds["worker"] >= 1
    assert (await store.metrics("acme", None)).problems["worker"] >= 1
    again = await problem(projector, store, handle.id, search)
    assert again == found, "since when stays"
    async with canned_worker(temporal, queue):
        await until(lambda: _gone(projector, store, handle.id, search))
        await handle.terminate()


async def test_a_step_that_is_tried_again_is_listed_until_it_goes_on(
    temporal: Client, database: Database, projector: Projector, queue: str
) -> None:
    """With the node and what is away; no address."""
    store, handle = ExecutionStore(database), await begin(temporal, "call", queue=queue)
    search = projector.problems.find_tried_again
    async with Worker(
        temporal, task_queue=queue, workflows=[Calling], activities=[call], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        found = await until(lambda: problem(projector, store, handle.id, search))
        assert (found["kind"], found["cause"], found["node"]) == ("activity", "CredentialsUnavailable", "Get lead")
        assert found["message"] == "The credential store is away"
        assert found["since"]
        assert (await stuck_summary(database)).causes["activity", "CredentialsUnavailable"] >= 1
        # the row is written again by those who follow Temporal's lists, which do not show this
        described = await projector.problems._runs.describe(handle.id)
        assert described is not None
        await projector.writer.write([(described, 0)])
        kept = await store.get("acme", handle.id)
        assert kept is not None
        assert kept.problem is not None
        Outage.back = True
        await handle.result()
    ended = await until(lambda: _ended(projector, store, handle.id))
    assert ended.problem is None


async def test_a_graver_problem_stays(temporal: Client, database: Database, projector: Projector, queue: str) -> None:
    """A row has room for one: that no worker polls matters more than a step that is tried again."""
    store, handle = ExecutionStore(database), await begin(temporal, "wait", queue=queue)
    await until(lambda: _there(projector, store, handle.id))
    state = projector.problems._state
    for kind, shown in REPORTS:
        await state.report("acme", handle.id, RunProblem(kind, "Any", "m", "h"))
        found = await row(store, handle.id)
        assert found.problem is not None
        assert found.problem["kind"] == shown, kind
        (open_,) = [each for each in await state.reported(frozenset(range(SHARDS))) if each.id == handle.id]
        assert open_.kind == shown, kind
    await state.report("acme", handle.id, None)
    assert (await row(store, handle.id)).problem is None
    await handle.terminate()


async def _there(projector: Projector, store: ExecutionStore, id_: str) -> bool:
    await projector.look()
    return await store.get("acme", id_) is not None


async def _gone(projector: Projector, store: ExecutionStore, id_: str, search: Any) -> bool:
    return await problem(projector, store, id_, search) is None


async def _ended(projector: Projector, store: ExecutionStore, id_: str) -> Any:
    await projector.look()
    found = await store.get("acme", id_)
    return found if found is not None and found.status == "completed" else None
