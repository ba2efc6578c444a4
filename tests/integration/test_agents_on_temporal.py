"""An agent on a real Temporal: what it costs, that it goes on where a dead worker stopped, and that it replays."""

import asyncio
import uuid
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer

from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded.fake_vendor import StandIn
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from tests.unit.agents.world import World, calls, model, node, plan_of, said, workflow

TENANT = "acme"
SCRIPT = [calls("Calc", {"input": "2+3*4"}), calls("Calc", {"input": "14*2"}, "call_2"), said("It is 28.")]


class SlowWorld(World):
    """Holds the second model request until it is let go."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(stand_in)
        self.reached, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        if len(self.stand_in.requests) == 1:
            self.reached.set()
            await self.gate.wait()
        return await super().request(method, url, **options)


async def start(temporal: Client, queue: str) -> WorkflowHandle[Any, Any]:
    """An agent with a calculator, as a run of a tenant."""
    root = node("A", "agent", 2.2, {"options": {"returnIntermediateSteps": True}})
    export = workflow(root, (model(), "ai_languageModel"), (node("Calc", "toolCalculator", 1), "ai_tool"))
    workflow_id = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    items = [{"json": {"chatInput": "What is (2 + 3 * 4) * 2?"}}]
    given = StartInput(plan=plan_of(export), tenant=TENANT, template="test", execution_id=workflow_id, items=items)
    return await temporal.start_workflow(
        "test",
        given.model_dump(mode="json"),
        id=workflow_id,
        task_queue=queue,
        task_timeout=TASK_TIMEOUT,
        result_type=dict,
    )


async def test_one_activity_per_request_and_per_tool(temporal: Client, tenants: tuple[str, str]) -> None:
    """Three model requests and two tool calls are five activities, and the run's journal has what each request used."""
    del tenants
    queue = f"test-{uuid.uuid4()}"
    with StandIn(script=SCRIPT) as stand_in:
        async with build_worker(temporal, World(stand_in), CaseTemplates(), queue):
            handle = await start(temporal, queue)
            result = RunResult.model_validate(await handle.result())
        history = await handle.fetch_history()
    assert result.outputs[0] is not None
    assert result.outputs[0][0]["json"]["output"] == "It is 28."
    scheduled = [each for each in history.events if each.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    assert len(scheduled) == 5
    assert [each["status"] for each in result.journal.usage] == ["success"] * 3
    assert {each["agent"] for each in result.journal.usage} == {"A"}


async def test_a_dead_worker_loses_no_thought(temporal: Client, tenants: tuple[str, str]) -> None:
    """A worker goes away during the second request: the next worker asks that one only, and the first never again."""
    del tenants
    queue = f"test-{uuid.uuid4()}"
    with StandIn(script=SCRIPT) as stand_in:
        first = SlowWorld(stand_in)
        first.gate.clear()
        worker = build_worker(temporal, first, CaseTemplates(), queue)
        running = asyncio.create_task(worker.run())
        handle = await start(temporal, queue)
        await asyncio.wait_for(first.reached.wait(), 30)
        stopping = asyncio.create_task(worker.shutdown())
        await asyncio.gather(stopping, running, return_exceptions=True)
        async with build_worker(temporal, World(stand_in), CaseTemplates(), queue):
            result = RunResult.model_validate(await handle.result())
    assert result.outputs[0] is not None
    assert result.outputs[0][0]["json"]["output"] == "It is 28."
    questions = [len(each.body["messages"]) for each in stand_in.requests]
    assert questions == [1, 3, 5], "each turn reached the model once"


async def test_replays(temporal: Client, tenants: tuple[str, str]) -> None:
    """The recorded history of an agent with tools replays with the same commands."""
    del tenants
    queue = f"test-{uuid.uuid4()}"
    with StandIn(script=SCRIPT) as stand_in:
        worker = build_worker(temporal, World(stand_in), CaseTemplates(), queue)
        async with worker:
            handle = await start(temporal, queue)
            await handle.result()
        history = await handle.fetch_history()
    config = worker.config()
    replayer = Replayer(
        workflows=config["workflows"], data_converter=temporal.data_converter, interceptors=config["interceptors"],
        workflow_runner=config["workflow_runner"],
    )  # fmt: skip
    await replayer.replay_workflow(history)
