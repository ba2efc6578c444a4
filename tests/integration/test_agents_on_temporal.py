"""An agent on a real Temporal: what it costs, that it goes on where a dead worker stopped, and that it replays."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.worker import Replayer, Worker

from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded.fake_vendor import StandIn
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from schemas.task import Task
from tests.patience import PATIENCE, attempts
from tests.unit.agents.world import World, calls, model, node, plan_of, text_answer, workflow

TENANT = "acme"
SMTP = {"smtp": {"id": "1", "name": "mail"}}
SCRIPT = [calls("Calc", {"input": "2+3*4"}), calls("Calc", {"input": "14*2"}, "call_2"), text_answer("It is 28.")]


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
    return await run_of(temporal, queue, export)


async def run_of(temporal: Client, queue: str, export: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    """A run of a tenant."""
    workflow_id = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    items = [{"json": {"chatInput": "What is (2 + 3 * 4) * 2?"}}]
    given = StartInput(
        plan=plan_of(export),
        tenant=TENANT,
        template="test",
        execution_id=workflow_id,
        items=items,
        payload_limit=PAYLOAD_LIMIT,
    )
    return await temporal.start_workflow(
        "test",
        given.model_dump(mode="json"),
        id=workflow_id,
        task_queue=queue,
        task_timeout=TASK_TIMEOUT,
        result_type=dict,
    )


async def test_one_activity_per_request_and_per_tool(temporal: Client, tenants: tuple[str, str]) -> None:
    """Three model requests are three activities, two calls of a tool that computes are local ones, and the run's journal has what
    each request used.
    """
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
    local = [
        each for each in history.events if each.marker_recorded_event_attributes.marker_name == "core_local_activity"
    ]
    assert (len(scheduled), len(local)) == (3, 2)
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
        await asyncio.wait_for(first.reached.wait(), PATIENCE)
        stopping = asyncio.create_task(worker.shutdown())
        await asyncio.gather(stopping, running, return_exceptions=True)
        async with build_worker(temporal, World(stand_in), CaseTemplates(), queue):
            result = RunResult.model_validate(await handle.result())
    assert result.outputs[0] is not None
    assert result.outputs[0][0]["json"]["output"] == "It is 28."
    questions = [len(each.body["messages"]) for each in stand_in.requests]
    assert questions == [1, 3, 5], "each turn reached the model once"


class Post(World):
    """A world in which mail is sent to nobody, and recipient and idempotency key are noted."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(stand_in)
        self.sent: list[tuple[str, str]] = []

    def provide(self, name: str, task: Task) -> Any:
        return Outbox(self, task) if name == "mail" else super().provide(name, task)


class Outbox:
    """What one task may do with mail: send it."""

    def __init__(self, post: Post, task: Task) -> None:
        self.post, self.task = post, task

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        self.post.sent.append((recipients[0], idempotency_key(self.task, item)))
        return {"accepted": list(recipients)}


async def test_two_calls_of_a_tool_that_asks_a_person_wait_beside_each_other_and_replay(
    temporal: Client, tenants: tuple[str, str]
) -> None:
    """Each call has its wait, is resumed by its number, and gives the model its own answer, in whatever order they come."""
    del tenants
    queue = f"test-{uuid.uuid4()}"
    mail = {"fromEmail": "a@x.org", "toEmail": "={{ $fromAI('to') }}", "subject": "s", "operation": "sendAndWait"}
    ask = node("Ask", "n8n-nodes-base.emailSendTool", 2.1, mail | {"message": "Go?"}, credentials=SMTP)
    export = workflow(node("A", "agent", 2.2), (model(), "ai_languageModel"), (ask, "ai_tool"))
    two = calls("Ask", {"to": "b@x.org"})
    two["tool_calls"] += calls("Ask", {"to": "c@x.org"}, "call_2")["tool_calls"]
    with StandIn(script=[two, text_answer("done")]) as stand_in:
        world = Post(stand_in)
        worker = build_worker(temporal, world, CaseTemplates(), queue)
        async with worker:
            handle = await run_of(temporal, queue, export)
            second = await standing(handle, 1)
            await standing(handle, 0)
            assert (second["step"], second["type"]) == ("Ask", "n8n-nodes-base.emailSendTool")
            for ordinal, approved in ((1, False), (0, True)):
                args = [ordinal, [{"json": {"approved": approved}}], "onReceived"]
                await handle.execute_update(names.UPDATE_RESUME, args=args)
            result = RunResult.model_validate(await handle.result())
        history = await handle.fetch_history()
        messages = stand_in.requests[-1].body["messages"]
    assert result.outputs[0] is not None
    assert result.outputs[0][0]["json"] == {"output": "done"}
    answers = {each["tool_call_id"]: json.loads(each["content"]) for each in messages if each["role"] == "tool"}
    assert answers == {"call_1": [{"data": {"approved": True}}], "call_2": [{"data": {"approved": False}}]}
    assert sorted(recipient for recipient, _ in world.sent) == ["b@x.org", "c@x.org"]
    assert len({key for _, key in world.sent}) == 2
    await replay(temporal, worker, history)


async def standing(handle: WorkflowHandle[Any, Any], ordinal: int) -> dict[str, Any]:
    """The wait with this number, as soon as there is one."""
    for _ in attempts(0.05):
        found: dict[str, Any] | None = await handle.query(names.QUERY_WAITING, ordinal, result_type=dict)
        if found is not None and found["ordinal"] == ordinal:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no wait {ordinal}")


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
    await replay(temporal, worker, history)


async def replay(temporal: Client, worker: Worker, history: WorkflowHistory) -> None:
    """Run the history again with the worker's code. Raises when a command differs."""
    config = worker.config()
    replayer = Replayer(
        workflows=config["workflows"], data_converter=temporal.data_converter, interceptors=config["interceptors"],
        workflow_runner=config["workflow_runner"],
    )  # fmt: skip
    await replayer.replay_workflow(history)
