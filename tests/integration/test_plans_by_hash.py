"""Plans by hash: a run carries the hash, a worker loads the plan before workflow code asks for it."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from temporalio.client import Client, WorkflowHandle

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.keys import Keyring
from runtime.platform.plan_cache import PlanCache
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.plan import Plan
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from service.columns import Columns
from service.plan_store import PlanStore, write_plan
from service.run_problems.failures import opened
from tests.integration.test_temporal_host import World
from tests.patience import PATIENCE
from tests.service import ended, started

TENANT = "acme"


class NoTemplates:
    """A worker whose runs call no other workflow."""

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """See `Templates`."""
        del tenant
        return {"error": str(reference)}

    async def save_static_data(self, tenant: str, template: str, data: dict[str, Any], poll: Any = None) -> bool:
        """See `Templates`."""
        del tenant, template, data, poll
        return True


class Plans:
    """Where a worker reads plans, and how often it did."""

    def __init__(self, plans: Sequence[Plan] = (), failures: int = 0) -> None:
        self.plans = {plan.id: plan.canonical().encode() for plan in plans}
        self.failures, self.loads = failures, 0

    async def load(self, tenant: str, plan_hash: str) -> bytes | None:
        """A server that is away refuses the first loads."""
        assert tenant == TENANT
        self.loads += 1
        if self.loads <= self.failures:
            raise DatabaseUnavailable("Postgres does not answer")
        return self.plans.get(plan_hash)


@contextlib.asynccontextmanager
async def working(
    service: Settings, keys: Keyring, blobs: BlobStore, plans: Plans
) -> AsyncIterator[tuple[Client, str]]:
    """A worker with these plans on a queue of its own."""
    cache, queue = PlanCache(plans.load), f"test-{uuid.uuid4()}"
    client = await connect(service, data_converter(service, keys, blobs, cache))
    async with build_worker(client, World(), NoTemplates(), queue, plans=cache):
        yield client, queue


async def start(client: Client, queue: str, plan: Plan, **more: Any) -> WorkflowHandle[Any, Any]:
    """A run that carries the hash."""
    run = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    given = StartInput(
        plan_hash=plan.id, tenant=TENANT, template="test", execution_id=run, items=[{"json": {}}], **more
    )
    return await client.start_workflow(
        "test", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )


async def outputs(handle: WorkflowHandle[Any, Any]) -> list[Any]:
    """What a run that succeeds gives out."""
    result = RunResult.model_validate(await asyncio.wait_for(handle.result(), PATIENCE))
    assert result.journal.status == "success"
    return [item["json"] for item in (result.outputs[0] or [])]


@pytest.fixture
def plan() -> Plan:
    """Start, Set."""
    return plan_of(chain(START, set_node("Done", 200, {"n": "1"})))


async def test_runs_share_a_plan_that_is_loaded_once(
    service: Settings, keys: Keyring, blobs: BlobStore, tenants: tuple[str, str], plan: Plan
) -> None:
    """The history has the hash and no plan."""
    plans = Plans([plan])
    async with working(service, keys, blobs, plans) as (client, queue):
        handles = [await start(client, queue, plan) for _ in range(5)]
        assert [await outputs(each) for each in handles] == [[{"n": 1}]] * 5
        begun = (await handles[0].fetch_history()).events[0].workflow_execution_started_event_attributes
    assert plans.loads == 1
    assert begun.input.ByteSize() < 1500, "the input without its plan"


async def test_a_run_whose_plan_is_missing_waits_for_it_and_says_so(
    service: Settings, keys: Keyring, blobs: BlobStore, tenants: tuple[str, str], plan: Plan
) -> None:
    """Its workflow task fails with the plan's name; the run goes on when the row is back."""
    plans = Plans()
    async with working(service, keys, blobs, plans) as (client, queue):
        handle = await start(client, queue, plan)
        while not (failures := await task_failures(client, handle)):
            await asyncio.sleep(0.1)
        assert f"plan {plan.id} of tenant acme" in failures[0]
        plans.plans[plan.id] = plan.canonical().encode()
        assert await outputs(handle) == [{"n": 1}]


async def test_a_run_waits_for_postgres_at_its_first_task(
    service: Settings, keys: Keyring, blobs: BlobStore, tenants: tuple[str, str], plan: Plan
) -> None:
    """A cold worker without a database fails no run."""
    async with working(service, keys, blobs, Plans([plan], failures=2)) as (client, queue):
        assert await outputs(await start(client, queue, plan)) == [{"n": 1}]


async def test_sub_workflows_schedules_and_error_workflows_carry_hashes(acme: httpx.AsyncClient, worker: None) -> None:
    """A child is started by its hash, and the look-up that found it leaves no plan in the history either."""
    sub = chain(
        node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), set_node("S", 200, {"s": "1"})
    )
    call = {"workflowId": {"__rl": True, "value": "hashed-sub", "mode": "id"}, "options": {}}
    top = chain(START, node("Call", "executeWorkflow", 1.2, call, 200))
    for key, export in (("hashed-sub", sub), ("hashed-top", top)):
        answer = await acme.post("/templates", params={"key": key}, json=export)
        assert answer.status_code in (200, 201), answer.text
    run = await started(acme, "hashed-top")
    assert (await ended(acme, run))["status"] == "completed"


async def task_failures(client: Client, handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The messages of a run's failed workflow tasks."""
    return [
        (await opened(client, handle.id, event.workflow_task_failed_event_attributes.failure)).message
        for event in (await handle.fetch_history()).events
        if event.HasField("workflow_task_failed_event_attributes")
    ]


async def test_a_plan_stays_while_a_template_or_a_run_refers_to_it(
    database: Database, tenants: tuple[str, str]
) -> None:
    """The first round without a reference notes the time, a later one deletes; a reference in between keeps it."""
    store, retention = PlanStore(database), timedelta(0)
    lone, used = (plan_of(chain(START, set_node("Done", 200, {"n": str(uuid.uuid4())}))) for _ in range(2))
    async with database.tenant_transaction(TENANT) as connection:
        for each in (lone, used):
            await write_plan(connection, await Columns.of(database, TENANT), TENANT, each)
        await connection.execute(
            "insert into workflow_executions (tenant_id, id, template_key, plan_hash, trigger_kind, status, started_at)"
            " values (%s, %s, 'gone', %s, 'manual', 'running', now())",
            (TENANT, f"acme:gone:{used.id}", used.id),
        )
    assert await store.collect(TENANT, timedelta(days=1)) == 0
    assert await store.load(TENANT, lone.id) is not None
    async with database.tenant_transaction(TENANT) as connection:
        await write_plan(connection, await Columns.of(database, TENANT), TENANT, lone)
    assert await store.collect(TENANT, timedelta(days=1)) == 0
    assert await store.collect(TENANT, retention) == 1
    assert await store.load(TENANT, lone.id) is None
    text = await store.load(TENANT, used.id)
    assert text is not None
    assert Plan.model_validate_json(text) == used
    assert await store.load("globex", used.id) is None, "another tenant's"
