"""Tenants apart from each other: a task queue of one's own, and a limit of the runs that go on at a time."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow

from api.app import create_app
from api.dependencies import Dependencies
from bench.exports import START, chain, node, set_node
from cli.support.wiring import open_dependencies
from runtime.hosts.temporal.worker import serve
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings, SettingsError
from service.schedule_store import ScheduleStore
from service.scheduler import TemporalSchedules
from tests.gates import open_gate
from tests.service import client, ended, eventually, in_a_task, started, working

CODE = node("Code", "code", 2, {"jsCode": "return [{json: {n: 1}}]"}, 200)
SUB = chain(node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), CODE)
CALL = node(
    "Call",
    "executeWorkflow",
    1.2,
    {"workflowId": {"__rl": True, "value": "apart-sub", "mode": "id"}, "options": {}},
    400,
)
TOP = chain(START, CODE, CALL, set_node("Done", 600, {"n": "1"}))
EVERY_SECOND = node(
    "Clock", "scheduleTrigger", 1.2, {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}, 0
)


@contextlib.asynccontextmanager
async def serving(settings: Settings, keys: tuple[str, str]) -> AsyncIterator[tuple[httpx.AsyncClient, ...]]:
    """An API with these settings, and a client per tenant."""
    async with open_dependencies(settings) as built, contextlib.AsyncExitStack() as stack:
        app = create_app(built)
        await stack.enter_async_context(in_a_task(app.lifespan()))
        clients = [await stack.enter_async_context(client(app, key)) for key in keys]
        for each in clients:
            for name, export in (("apart-sub", SUB), ("apart", TOP)):
                answer = await each.post("/templates", params={"key": name}, json=export)
                assert answer.status_code in (200, 201), answer.text
        yield tuple(clients)


async def queues(temporal: Client, run: str) -> set[str]:
    """The task queues of a run's workflow tasks, activities and children."""
    found = set()
    for event in (await temporal.get_workflow_handle(run).fetch_history()).events:
        for name in (
            "workflow_execution_started", "workflow_task_scheduled", "activity_task_scheduled",
            "start_child_workflow_execution_initiated",
        ):  # fmt: skip
            if event.HasField(f"{name}_event_attributes"):  # type: ignore[arg-type]
                queue = getattr(event, f"{name}_event_attributes").task_queue
                found.add(queue.normal_name or queue.name)
    return found


async def test_a_tenant_has_a_task_queue_of_its_own(
    temporal: Client, database: Database, service: Settings, api_keys: tuple[str, str]
) -> None:
    """The shared worker never sees its runs: starts, steps, sub-workflows and schedules wait for the tenant's own worker."""
    queue = f"test-{uuid.uuid4()}"
    settings = service.model_copy(update={"task_queue": queue, "tenant_queues": ("globex",)})
    async with serving(settings, api_keys) as (acme, globex), in_a_task(working(settings)):
        shared, own = await started(acme, "apart"), await started(globex, "apart")
        answer = await globex.post("/templates", params={"key": "apart-clock"}, json=chain(EVERY_SECOND, CODE))
        assert answer.status_code == 201, answer.text
        assert (await ended(acme, shared))["status"] == "completed"
        await asyncio.sleep(2)
        assert (await globex.get(f"/workflows/{own}/status")).json()["status"] == "running"
        async with in_a_task(working(settings, "globex")):
            assert (await ended(globex, own))["status"] == "completed"
        assert await _queue_of_schedule(temporal, database, settings) == f"{queue}:globex"
        await globex.post("/templates/apart-clock/deactivate")
        assert await queues(temporal, shared) == {queue}
        assert await queues(temporal, own) == {f"{queue}:globex"}


async def _queue_of_schedule(temporal: Client, database: Database, settings: Settings) -> str:
    """Where a schedule starts its runs; applied here, since the process of another test may have done it with its settings."""
    store = ScheduleStore(database)
    row = next(each for each in await store.rows("globex") if each.template == "apart-clock")
    await TemporalSchedules(temporal, store, settings.queue_of).send("globex", row)
    action = (await temporal.get_schedule_handle(f"globex:{row.id}").describe()).schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    return action.task_queue


async def test_only_so_many_runs_of_a_tenant_go_on_at_a_time(
    service: Settings, api_keys: tuple[str, str], dependencies: Dependencies
) -> None:
    """One waits, the next stands in the queue and says so, another tenant's goes on, and sub-workflows need no turn."""
    settings = service.model_copy(update={"task_queue": f"test-{uuid.uuid4()}", "tenant_runs": {"globex": 1}})
    export = chain(START, node("Wait", "wait", 1.1, {"resume": "webhook"}, 200), CALL)
    async with serving(settings, api_keys) as (acme, globex), in_a_task(working(settings)):
        for each in (acme, globex):
            answer = await each.post("/templates", params={"key": "apart-slow"}, json=export)
            assert answer.status_code in (200, 201), answer.text
        first = await started(globex, "apart-slow")
        await eventually(lambda: _waits_for(globex, first, "call"))
        second = await started(globex, "apart-slow")
        others = [await started(acme, "apart") for _ in range(2)]
        await eventually(lambda: _waits_for(globex, second, "turn"))
        for run in others:
            assert (await ended(acme, run))["status"] == "completed"
        for run in (first, second):
            await open_gate(globex, dependencies, run, 0)
            assert (await ended(globex, run))["status"] == "completed"


async def _waits_for(tenant: httpx.AsyncClient, run: str, what: str) -> bool:
    active = (await tenant.get(f"/workflows/{run}/history")).json()["active"] or {}
    return (active.get("reason") or {}).get("kind") == what


async def test_a_worker_for_a_tenant_without_a_task_queue_of_its_own_says_so(service: Settings) -> None:
    """It would poll a queue to which nobody sends anything."""
    with pytest.raises(SettingsError, match="TEMPOR8_TENANT_QUEUES does not name 'acme'"):
        await serve(service, asyncio.Event(), "acme")


def test_the_settings_of_tenants() -> None:
    """A list of tenants with queues, and pairs of a tenant and its limit; '*' is for all others."""
    settings = Settings.load({"TEMPOR8_TENANT_QUEUES": "acme, globex", "TEMPOR8_TENANT_RUNS": "acme=20, *=5"})
    assert settings.queues == ("tempor8", "tempor8:acme", "tempor8:globex")
    assert settings.queue_of("initech") == "tempor8"
    assert [settings.run_limit_of(each) for each in ("acme", "globex")] == [20, 5]
    assert Settings.load({}).run_limit_of("acme") is None
    for bad in ("acme", "acme=0", "acme=x"):
        with pytest.raises(SettingsError, match="TEMPOR8_TENANT_RUNS"):
            Settings.load({"TEMPOR8_TENANT_RUNS": bad})
