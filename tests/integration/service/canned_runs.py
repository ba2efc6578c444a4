"""Runs that end as they are told to, and a projector that watches them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RawValue, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from schemas import names
from schemas.run import Journal, RunResult, StepRecord
from service.background_loops import BackgroundLoop
from service.execution_store import ExecutionRow, ExecutionStore
from service.projection.projector import Projector
from service.projection.shard_locks import SHARDS
from tests.patience import PATIENCE

QUEUE = "projector-tests"
OWN_LOCK = 7_001  # the application of other tests has a projector too
STEP = {"node": "Set", "run": 0, "status": "success", "started": 1_000.0, "finished": 1_005.0, "items_in": [1], "items_out": [2, 0]}  # fmt: skip
USAGE = {"agent": "analyst", "node": "Agent", "model": "m", "input_tokens": 7, "output_tokens": 3, "duration_ms": 40}


@workflow.defn(dynamic=True)
class Canned:
    """Ends as its input says, with the result of a real run."""

    def __init__(self) -> None:
        self.mended = False

    @workflow.query(name=names.QUERY_JOURNAL)
    def journal(self) -> dict[str, Any]:
        return Journal(status="running", steps=[StepRecord(**STEP)], last_node="Set").model_dump(mode="json")

    @workflow.signal
    def mend(self) -> None:
        self.mended = True

    @workflow.signal
    def plan(self, plan_hash: str) -> None:
        workflow.upsert_search_attributes([SearchAttributeKey.for_keyword(names.PLAN_HASH).value_set(plan_hash)])

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> dict[str, Any]:
        given = workflow.payload_converter().from_payload(args[0].payload, dict)
        ending = given["ending"]
        if ending == "stuck" and not self.mended:
            raise RuntimeError("the code of this build is broken")
        if ending == "wait":
            await workflow.wait_condition(lambda: False)
        if ending == "nonsense":
            return {"journal": 5}
        status = "error" if ending == "failed" else "success"
        error = {"name": "NodeOperationError", "message": "no", "node": "Set"} if ending == "failed" else None
        steps = [StepRecord(**(STEP | given.get("step", {})))]
        journal = Journal(status=status, steps=steps, last_node="Set", error=error, usage=[given.get("usage", USAGE)])
        text = "x" * given.get("size", 0)
        result = RunResult(journal=journal, outputs=[[{"json": {"text": text}}]]).model_dump(mode="json")
        if ending == "failed":
            raise ApplicationError("no", result, type="error", non_retryable=True)
        return result


def canned_worker(temporal: Client, queue: str = QUEUE) -> Worker:
    """A worker for canned runs."""
    return Worker(  # this file imports more than a sandbox likes
        temporal, task_queue=queue, workflows=[Canned], workflow_runner=UnsandboxedWorkflowRunner()
    )


@pytest.fixture(scope="module")
async def canned(temporal: Client) -> AsyncIterator[None]:
    """A worker for canned runs is at work."""
    async with canned_worker(temporal):
        yield


@pytest.fixture
async def projector(temporal: Client, database: Database, service: Settings, canned: None) -> AsyncIterator[Projector]:
    """A projector at work."""
    del canned
    async for made in projecting(temporal, database, service):
        yield made


async def projecting(temporal: Client, database: Database, service: Settings) -> AsyncIterator[Projector]:
    """A projector that follows and repairs."""
    assert service.database_url is not None
    made = Projector(temporal, database, service.database_url.get_secret_value(), pace=0.05, lock=OWN_LOCK)
    tasks = [
        asyncio.create_task(BackgroundLoop("projector", made.run, late_after=60).run()),
        asyncio.create_task(BackgroundLoop("repair", made.repair, late_after=60).run()),
    ]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def alone(temporal: Client, database: Database, service: Settings) -> Projector:
    """A projector that works once, when it is called: it has every shard and no locks."""
    assert service.database_url is not None
    made = Projector(temporal, database, service.database_url.get_secret_value())
    made._locks.held = frozenset(range(SHARDS))
    return made


async def begin(
    temporal: Client, ending: str, tenant: str = "acme", *, user_id: str = "u7", queue: str = QUEUE, plan: str = "h",
    **given: Any,
) -> WorkflowHandle[Any, Any]:  # fmt: skip
    pairs = [(names.TENANT_ID, tenant), (names.TRIGGER_KIND, "api"), *([(names.PLAN_HASH, plan)] if plan else [])]
    attributes = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in pairs]
    return await temporal.start_workflow(
        "canned", {"ending": ending, **given}, id=f"{tenant}:canned:{uuid.uuid4()}", task_queue=queue,
        search_attributes=TypedSearchAttributes(attributes), memo={"tempor8": {"user_id": user_id}}, task_timeout=timedelta(seconds=2),
    )  # fmt: skip


async def row(
    store: ExecutionStore,
    id_: str,
    wanted: Callable[[ExecutionRow], bool] = lambda _: True,
    tenant: str = "acme",
    seconds: float = 20.0,
) -> ExecutionRow:
    """The row of a run once it is as wanted."""

    async def look() -> ExecutionRow | None:
        found = await store.get(tenant, id_, with_steps=True)
        return found if found is not None and wanted(found) else None

    seen: ExecutionRow = await until(look, seconds)
    return seen


async def until(look: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while clock() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")
