"""Worker deployment versioning: runs go over to the build that is current, and no other build touches them."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest
from temporalio.client import Client, WorkflowHandle

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from runtime.hosts.temporal import build_id as deployment
from runtime.hosts.temporal.worker import serve
from runtime.platform.settings import Settings
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput

TENANT = "acme"


@contextlib.asynccontextmanager
async def serving(settings: Settings, *, promote: bool = True) -> AsyncIterator[None]:
    """A worker as `tempor8 worker` runs it."""
    stop = asyncio.Event()
    working = asyncio.create_task(serve(settings.model_copy(update={"promote": promote}), stop))
    try:
        yield
    finally:
        stop.set()
        await working


@pytest.fixture
def settings(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A task queue and a deployment of this test alone."""
    monkeypatch.setattr(deployment, "DEPLOYMENT", f"test-{uuid.uuid4()}")
    return service.model_copy(update={"task_queue": f"test-{uuid.uuid4()}"})


async def start(client: Client, queue: str, seconds: float) -> WorkflowHandle[Any, Any]:
    """A run that waits so long and then writes a field."""
    wait = node("Wait", "wait", 1.1, {"amount": seconds, "unit": "seconds"}, 200)
    run = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    plan = plan_of(chain(START, wait, set_node("Done", 400, {"n": "1"})))
    given = StartInput(plan=plan, tenant=TENANT, template="test", execution_id=run, items=[{"json": {}}])
    return await client.start_workflow(
        "test", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )


async def builds(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The builds that completed the workflow tasks of a run, in order."""
    return [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in (await handle.fetch_history()).events
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def test_a_run_goes_over_to_the_build_that_became_current(
    temporal: Client, tenants: tuple[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits under one build and ends under the next, without a word from anybody."""
    monkeypatch.setattr(deployment, "build_id", lambda: "first")
    early = await start(temporal, settings.task_queue, 0.1)  # before there is a worker
    async with serving(settings):
        assert RunResult.model_validate(await asyncio.wait_for(early.result(), 20)).journal.status == "success"
        late = await start(temporal, settings.task_queue, 4)
        while not await builds(late):
            await asyncio.sleep(0.05)
    monkeypatch.setattr(deployment, "build_id", lambda: "second")
    async with serving(settings):
        await asyncio.wait_for(late.result(), 20)
    assert set(await builds(early)) == {"first"}
    assert (await builds(late))[0] == "first"
    assert (await builds(late))[-1] == "second"


async def test_a_build_that_is_not_promoted_gets_nothing_to_do(
    temporal: Client, tenants: tuple[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TEMPOR8_PROMOTE=false leaves it to an operator when a build takes over."""
    monkeypatch.setattr(deployment, "build_id", lambda: "first")
    async with serving(settings):
        await asyncio.sleep(0.5)
        monkeypatch.setattr(deployment, "build_id", lambda: "second")
        async with serving(settings, promote=False):
            handle = await start(temporal, settings.task_queue, 0.1)
            await asyncio.wait_for(handle.result(), 20)
            assert set(await builds(handle)) == {"first"}
        described = await temporal.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=temporal.namespace, deployment_name=deployment.DEPLOYMENT)
        )
    current = described.worker_deployment_info.routing_config.current_deployment_version
    assert current.build_id == "first"


def test_a_build_is_named_after_its_interpreter_and_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code gives the same name; another version of a library another one."""
    deployment.build_id.cache_clear()
    first = deployment.build_id()
    deployment.build_id.cache_clear()
    assert deployment.build_id() == first
    monkeypatch.setattr(
        "runtime.hosts.temporal.build_id.metadata.version", lambda name: "99" if name == "mini-racer" else "1"
    )
    deployment.build_id.cache_clear()
    assert deployment.build_id() != first
    deployment.build_id.cache_clear()
