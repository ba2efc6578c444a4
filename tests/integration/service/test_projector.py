"""The projector: what Temporal knows is in the tables, once, whichever way it ended."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
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
from service.execution_store import ExecutionRow, ExecutionStore, StepRow
from service.projector import Projector

QUEUE = "projector-tests"
OWN_LOCK = 7_001  # the application of other tests has a projector too
STEP = StepRecord(
    node="Set", run=0, status="success", started=1_000.0, finished=1_005.0, items_in=[1], items_out=[2, 0]
)
USAGE = {"agent": "analyst", "node": "Agent", "model": "m", "input_tokens": 7, "output_tokens": 3, "duration_ms": 40}


@workflow.defn(dynamic=True)
class Canned:
    """Ends as its input says, with the result of a real run."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> dict[str, Any]:
        ending = workflow.payload_converter().from_payload(args[0].payload, str)
        if ending == "wait":
            await workflow.wait_condition(lambda: False)
        status = "success" if ending == "completed" else "error"
        error = None if ending == "completed" else {"name": "NodeOperationError", "message": "no", "node": "Set"}
        journal = Journal(status=status, steps=[STEP], last_node="Set", error=error, usage=[USAGE])
        result = RunResult(journal=journal, outputs=[[{"json": {}}]]).model_dump(mode="json")
        if ending == "failed":
            raise ApplicationError("no", result, type="error", non_retryable=True)
        return result


@pytest.fixture(scope="module")
async def canned(temporal: Client) -> AsyncIterator[None]:
    """A worker for canned runs."""
    async with Worker(
        temporal, task_queue=QUEUE, workflows=[Canned], workflow_runner=UnsandboxedWorkflowRunner()
    ):  # this file imports more than a sandbox likes
        yield


@pytest.fixture
async def projector(temporal: Client, database: Database, service: Settings, canned: None) -> AsyncIterator[Projector]:
    """A projector at work."""
    del canned
    assert service.database_url is not None
    made = Projector(temporal, database, service.database_url.get_secret_value(), pace=0.05, lock=OWN_LOCK)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def begin(temporal: Client, ending: str, tenant: str = "acme") -> WorkflowHandle[Any, Any]:
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(names.TENANT_ID), tenant),
            SearchAttributePair(SearchAttributeKey.for_keyword(names.PLAN_HASH), "h"),
            SearchAttributePair(SearchAttributeKey.for_keyword(names.TRIGGER_KIND), "api"),
        ]
    )
    return await temporal.start_workflow(
        "canned", ending, id=f"{tenant}:canned:{uuid.uuid4()}", task_queue=QUEUE, search_attributes=attributes,
        memo={"tempor8": {"user_id": "u7"}},
    )  # fmt: skip


async def row(
    store: ExecutionStore, id_: str, wanted: Callable[[ExecutionRow], bool] = lambda _: True, tenant: str = "acme"
) -> ExecutionRow:
    """The row of a run once it is as wanted."""

    async def look() -> ExecutionRow | None:
        found = await store.get(tenant, id_, with_steps=True)
        return found if found is not None and wanted(found) else None

    seen: ExecutionRow = await until(look)
    return seen


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 8.0) -> Any:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while clock() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.mark.parametrize("ending", ["completed", "failed"])
async def test_a_run_that_ended_is_written_with_its_steps_and_its_agents(
    temporal: Client, database: Database, projector: Projector, ending: str
) -> None:
    handle = await begin(temporal, ending)
    found = await row(ExecutionStore(database), handle.id, lambda each: each.status == ending)
    assert projector.active
    assert (found.user_id, found.plan_hash, found.trigger_kind, found.step_count) == ("u7", "h", "api", 1)
    assert found.closed_at is not None
    step = (found.steps or [])[0]
    assert isinstance(step, StepRow)
    assert (step.node, step.items_in, step.items_out, step.tries) == ("Set", [1], [2, 0], 1)
    assert (found.error is None) == (ending == "completed")
    async with database.tenant_transaction("acme") as connection:
        rows = await (
            await connection.execute("select * from agent_utilization where execution_id = %s", (handle.id,))
        ).fetchall()
    assert [(each["agent"], each["input_tokens"], each["duration_ms"]) for each in rows] == [("analyst", 7, 40)]


async def test_a_run_that_goes_on_is_there_and_one_terminated_from_outside_is_closed(
    temporal: Client, database: Database, projector: Projector
) -> None:
    del projector
    handle = await begin(temporal, "wait")
    store = ExecutionStore(database)
    assert (await row(store, handle.id)).status == "running"
    await handle.terminate(reason="by an operator")
    found = await row(store, handle.id, lambda each: each.status == "terminated")
    assert found.error is not None
    assert "by an operator" in found.error["message"]


async def test_what_happened_while_no_projector_ran_is_written_afterwards(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    del canned
    handle = await begin(temporal, "completed")
    await handle.result()
    assert service.database_url is not None
    late = Projector(temporal, database, service.database_url.get_secret_value())
    await until(lambda: _looked(late, database, handle.id))


async def _looked(late: Projector, database: Database, id_: str) -> bool:
    await late.look(datetime.now(UTC) - timedelta(minutes=5))
    return await ExecutionStore(database).get("acme", id_) is not None


async def test_looking_twice_changes_nothing(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    del canned
    handle = await begin(temporal, "completed")
    await handle.result()
    assert service.database_url is not None
    url = service.database_url.get_secret_value()
    first = Projector(temporal, database, url)
    await until(lambda: _looked(first, database, handle.id))
    before = await ExecutionStore(database).get("acme", handle.id, with_steps=True)
    await Projector(temporal, database, url).look(datetime.now(UTC) - timedelta(minutes=5))
    assert await ExecutionStore(database).get("acme", handle.id, with_steps=True) == before


async def test_one_of_two_projectors_is_active_and_the_other_takes_over(
    temporal: Client, database: Database, service: Settings, projector: Projector
) -> None:
    async def active() -> bool:
        return projector.active

    await until(active)
    assert service.database_url is not None
    second = Projector(temporal, database, service.database_url.get_secret_value(), pace=0.05, lock=OWN_LOCK)
    task = asyncio.create_task(second.run())
    await asyncio.sleep(0.5)
    assert not second.active
    async with database.transaction() as connection:
        # the session that holds the lock ends, as with its process
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = %s", (OWN_LOCK,)
        )
    handle = await begin(temporal, "completed")
    assert (await row(ExecutionStore(database), handle.id, lambda each: each.status == "completed")).step_count == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_runs_of_an_unknown_tenant_disturb_no_others(
    temporal: Client, database: Database, projector: Projector
) -> None:
    del projector
    await begin(temporal, "completed", tenant="stranger")
    handle = await begin(temporal, "completed")
    assert (await row(ExecutionStore(database), handle.id)).tenant == "acme"


async def test_a_run_that_temporal_has_forgotten_is_closed_in_the_end(
    temporal: Client, database: Database, service: Settings, canned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del canned
    store = ExecutionStore(database)
    id_ = f"acme:canned:{uuid.uuid4()}"
    lost = ExecutionRow("acme", id_, "r", "canned", "h", "api", "running", datetime.now(UTC) - timedelta(days=1))
    await store.write("acme", [lost])
    assert service.database_url is not None
    monkeypatch.setattr("service.projector.UNSEEN_FOR", timedelta(0))
    made = Projector(temporal, database, service.database_url.get_secret_value())
    async with database.transaction() as connection:
        await connection.execute("insert into projector_tenants values ('acme') on conflict do nothing")
    await made._check_unseen()
    found = await store.get("acme", id_)
    assert found is not None
    assert found.status == "terminated"
    assert found.error == {"name": "Forgotten", "message": "Temporal has no record of this run any more"}
