"""What one tenant holds of a worker: its further steps go back to Temporal, another tenant's go on, and each is done once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from bench.exports import START, chain, node
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.expressions.v8 import evaluator_of
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.extern import ScriptInterceptor
from runtime.hosts.temporal.shares import sent_back
from runtime.hosts.temporal.worker import build_worker
from runtime.hosts.temporal.workflow import TemplateWorkflow
from runtime.platform.settings import Settings
from runtime.sandbox.tenant_slots import SlotsTaken
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from tests.integration.test_temporal_host import queue
from tests.service import eventually

__all__ = ["queue"]

ONE_EACH: Final = Settings(grace_seconds=5, sticky_seconds=1, step_share=0.005)
"""So small a share is one step of each tenant."""
STEPS: Final = {
    "ordinary": node("Step", "httpRequest", 4.2, {"url": "=https://{{ $json.who }}.example.com/", "options": {}}, 200),
    "local": node("Step", "code", 2, {"jsCode": "return [{json: {done: true}}]"}, 200),
}


class World(OfflineCapabilities):
    """Requests and code that wait at a gate, each with its tenant."""

    def __init__(self) -> None:
        super().__init__(http=self, code=self)
        self.begun: list[str] = []
        self.gates = {"acme": asyncio.Event(), "globex": asyncio.Event()}

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Answer when the tenant's gate is open."""
        del method, options
        await self._pass(url.removeprefix("https://").partition(".")[0])
        return HttpResponse(200, "OK", [("content-type", "application/json")], b"{}", url)

    async def run(self, *args: Any, items: Any = None, **options: Any) -> dict[str, Any]:
        """Return one item, likewise."""
        del args, options
        await self._pass(items[0]["json"]["who"])
        return {"value": {"outcomes": [{"data": [{"json": {}}]}]}, "static_data": None, "custom_data": None, "logs": []}

    async def _pass(self, tenant: str) -> None:
        self.begun.append(tenant)
        await self.gates[tenant].wait()


@pytest.fixture
def world() -> World:
    """The outside of this test."""
    return World()


@pytest.fixture
async def working(temporal: Client, tenants: tuple[str, str], queue: str, world: World) -> AsyncIterator[None]:
    """A worker on which a tenant does one step at a time."""
    async with build_worker(temporal, world, CaseTemplates(), queue, settings=ONE_EACH):
        yield


async def begin(temporal: Client, queue: str, tenant: str, step: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    """Start a run of one node, whose item says whose it is."""
    workflow_id = names.workflow_id(tenant, "test", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(chain(START, step)), tenant=tenant, template="test", execution_id=workflow_id,
        items=[{"json": {"who": tenant}}], payload_limit=PAYLOAD_LIMIT,
    )  # fmt: skip
    return await temporal.start_workflow(
        "test",
        given.model_dump(mode="json"),
        id=workflow_id,
        task_queue=queue,
        task_timeout=TASK_TIMEOUT,
        result_type=dict,
    )


async def replay(temporal: Client, handle: WorkflowHandle[Any, Any]) -> None:
    """Replay a run. Raises what does not fit."""
    replayer = Replayer(
        workflows=[TemplateWorkflow],
        interceptors=[ScriptInterceptor(evaluator_of)],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=temporal.data_converter,
    )
    await replayer.replay_workflow(await handle.fetch_history())


async def test_a_tenant_with_many_steps_leaves_slots_to_others(
    temporal: Client, queue: str, working: None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three steps of one tenant one is done; another tenant's is done beside it, and afterwards the others are, once each."""
    back: list[str] = []

    def noted(taken: SlotsTaken) -> ApplicationError:
        back.append(activity.info().workflow_id or "")
        return sent_back(taken)

    monkeypatch.setattr("runtime.hosts.temporal.activities.sent_back", noted)
    noisy = [await begin(temporal, queue, "acme", STEPS["ordinary"]) for _ in range(3)]

    async def begun() -> bool:
        return "acme" in world.begun

    await eventually(begun)
    quiet = await begin(temporal, queue, "globex", STEPS["ordinary"])
    world.gates["globex"].set()
    told = RunResult.model_validate(await asyncio.wait_for(quiet.result(), 60))
    assert told.journal.status == "success"

    async def both_back() -> bool:
        return len(set(back)) == 2

    await eventually(both_back)
    assert set(back) < {each.id for each in noisy}
    assert world.begun == ["acme", "globex"]
    world.gates["acme"].set()
    for each in noisy:
        assert RunResult.model_validate(await asyncio.wait_for(each.result(), 90)).journal.status == "success"
    assert world.begun == ["acme", "globex", "acme", "acme"]


async def test_local_steps_go_on_as_ordinary_ones_and_leave_slots_to_others(
    temporal: Client, queue: str, working: None, world: World
) -> None:
    """They hold up the task of their workflow, so they end with it: that which has a slot, and that which has none."""
    noisy = [await begin(temporal, queue, "acme", STEPS["local"]) for _ in range(2)]
    quiet = await begin(temporal, queue, "globex", STEPS["local"])
    world.gates["globex"].set()
    assert RunResult.model_validate(await asyncio.wait_for(quiet.result(), 60)).journal.status == "success"

    async def both_ordinary() -> bool:
        histories = [await each.fetch_history() for each in noisy]
        return all(
            EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED in [event.event_type for event in each.events]
            for each in histories
        )

    await eventually(both_ordinary, 60)
    world.gates["acme"].set()
    for each in noisy:
        assert RunResult.model_validate(await asyncio.wait_for(each.result(), 90)).journal.status == "success"
        await replay(temporal, each)
