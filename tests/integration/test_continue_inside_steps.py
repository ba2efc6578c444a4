"""Runs on a real Temporal that continue as new in the middle of a step: they end as those that do not, and nothing is done twice."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded.fake_vendor import StandIn
from schemas import names
from schemas.run import TASK_TIMEOUT, RunReply, RunResult, StartInput
from schemas.task import Task
from service.run_reply import ReplyTimeouts, ReplyWaiter
from service.shutdown import Shutdown
from tests.integration.test_agents_on_temporal import replay
from tests.patience import PATIENCE, attempts
from tests.replay.scenes import side_by_side
from tests.unit.agents.world import World, calls, model, text_answer
from tests.unit.agents.world import node as any_node
from tests.unit.agents.world import workflow as agent_workflow

TENANT = "acme"
SECRET = "0" * 64


class Reusable(CaseTemplates):
    """Templates whose plans may be looked up once, and how often they were."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """See CaseTemplates."""
        self.count[str(reference.get("id"))] += 1
        return await super().find(tenant, reference) | {"reusable": True}


class Counting(World):
    """A model that calls the calculator so often for each item, then answers with the item's text; and the requests' keys."""

    def __init__(self, turns: int) -> None:
        super().__init__(StandIn())
        self.turns = turns
        self.keys: Counter[str] = Counter()

    def provide(self, name: str, task: Task) -> Any:
        return CountingModel(self, task) if name == "http" else super().provide(name, task)


class CountingModel:
    """What one task may ask."""

    def __init__(self, world: Counting, task: Task) -> None:
        self.world, self.task = world, task

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        del method
        self.world.keys[dict(options["headers"])["Idempotency-Key"]] += 1
        messages = json.loads(options["content"])["messages"]
        turns = sum(each["role"] == "tool" for each in messages)
        question = next(each["content"] for each in messages if each["role"] == "user")
        message = (
            text_answer(f"{question}!")
            if turns == self.world.turns
            else calls("Calc", {"input": f"{turns}+1"}, f"c{turns}")
        )
        body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "", **message}}], "model": "m"}
        return HttpResponse(200, "OK", [("content-type", "application/json")], json.dumps(body).encode(), url)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let Temporal suggest to continue as new after so many events."""

    def suggest(events: int) -> None:
        monkeypatch.setattr(
            workflow.Info, "is_continue_as_new_suggested", lambda info: info.get_current_history_length() > events
        )

    return suggest


@pytest.fixture
def queue(tenants: tuple[str, str]) -> str:
    """A task queue of this test alone."""
    del tenants
    return f"test-{uuid.uuid4()}"


async def start(
    temporal: Client, queue: str, export: dict[str, Any], items: list[dict[str, Any]], **more: Any
) -> WorkflowHandle[Any, Any]:
    """Start an export as a run of a tenant."""
    run = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export),
        tenant=TENANT,
        template="test",
        execution_id=run,
        items=items,
        resume_secret=SECRET,
        **more,
    )
    return await temporal.start_workflow(
        "test", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )


async def runs_of(temporal: Client, handle: WorkflowHandle[Any, Any]) -> list[WorkflowHandle[Any, Any]]:
    """The runs of a chain, the first one first."""
    found, run_id = [], handle.first_execution_run_id
    while run_id:
        one = temporal.get_workflow_handle(handle.id, run_id=run_id)
        found.append(one)
        last = [event async for event in one.fetch_history_events()][-1]
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found


async def lengthen(handle: WorkflowHandle[Any, Any], events: int) -> None:
    """Signals that change nothing, until a history has grown by so many events."""
    for _ in range(events // 4 + 1):
        await handle.signal(names.SIGNAL_TURN)
        await asyncio.sleep(0.05)


async def run_id_of(handle: WorkflowHandle[Any, Any]) -> str:
    """The run that the chain is in now."""
    return (await handle.describe()).run_id


async def continued(handle: WorkflowHandle[Any, Any], before: str | None) -> None:
    """Until the chain is in another run."""
    for _ in attempts(0.05):
        if await run_id_of(handle) != before:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not continue as new")


async def waiting(handle: WorkflowHandle[Any, Any], ordinal: int) -> str:
    """Until the wait with this number stands: its node."""
    for _ in attempts(0.05):
        found = await handle.query(names.QUERY_WAITING, ordinal, result_type=dict)
        if found is not None and found["ordinal"] == ordinal:
            return str(found["step"])
        await asyncio.sleep(0.05)
    raise AssertionError(f"no wait {ordinal}")


def sub_workflows(*, fails_at: int | None = None, **more: Any) -> tuple[dict[str, Any], CaseTemplates]:
    """One sub-workflow per item, of which one may fail."""
    templates = Reusable()
    body = set_node("Add", 200, {"b": "={{ $json.n + 1 }}"})
    stop = node("Stop", "stopAndError", 1, {"errorMessage": "halt"}, 400)
    rule = {
        "id": "1",
        "leftValue": "={{ $json.n }}",
        "rightValue": fails_at,
        "operator": {"type": "number", "operation": "equals"},
    }
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "loose", "version": 2}
    choice = node("If", "if", 2.2, {"conditions": {"options": options, "conditions": [rule], "combinator": "and"}}, 300)
    child = node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0)
    templates.plans["child"] = plan_of(chain(child, body) if fails_at is None else chain(child, body, choice, stop))
    call = {"workflowId": {"__rl": True, "value": "child", "mode": "id"}, "mode": "each", "options": {}}
    return chain(
        START, node("Call", "executeWorkflow", 1.2, call, 200) | more, set_node("After", 400, {"c": "1"})
    ), templates


async def test_a_sub_workflow_per_item_continues_between_items(
    temporal: Client, queue: str, short: Callable[[int], None]
) -> None:
    """The result is the same, each item's run is started once under the next number, and its plan is looked up once per run."""
    export, templates = sub_workflows()
    items = [{"json": {"n": n}} for n in range(40)]
    async with build_worker(temporal, World(StandIn()), templates, queue) as worker:
        whole = RunResult.model_validate(await (await start(temporal, queue, export, items)).result())
        assert isinstance(templates, Reusable)
        assert templates.count == {"child": 1}
        short(60)
        handle = await start(temporal, queue, export, items)
        parted = RunResult.model_validate(await handle.result())
        chain_ = await runs_of(temporal, handle)
        assert templates.count == {"child": 1 + len(chain_)}
        histories = [await each.fetch_history() for each in chain_]
        for each in histories:
            await replay(temporal, worker, each)
    assert len(chain_) > 3
    assert parted.outputs == whole.outputs
    assert [item["json"] for item in parted.outputs[0] or []] == [{"n": n, "b": n + 1, "c": 1} for n in range(40)]
    children = [
        event.start_child_workflow_execution_initiated_event_attributes.workflow_id
        for history in histories
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
    ]
    assert children == [f"{handle.id}~{number}" for number in range(1, 41)]
    assert max(len(history.events) for history in histories) < 110
    assert [step.tries for step in parted.journal.steps] == [step.tries for step in whole.journal.steps]


@pytest.mark.parametrize("on_error", ["stopWorkflow", "continueRegularOutput"])
async def test_an_item_that_fails_after_a_continue_as_new_fails_as_before_it(
    temporal: Client, queue: str, short: Callable[[int], None], on_error: str
) -> None:
    """Errors per item, tries of the step and On Error are those of the whole run, and a retry of the run can begin there."""
    more = {"onError": on_error, "retryOnFail": True, "maxTries": 2, "waitBetweenTries": 0}
    export, templates = sub_workflows(fails_at=20, **more)
    items = [{"json": {"n": n}} for n in range(24)]
    found = []
    async with build_worker(temporal, World(StandIn()), templates, queue):
        for events in (100_000, 60):
            short(events)
            handle = await start(temporal, queue, export, items)
            ended: Any = (await asyncio.gather(handle.result(), return_exceptions=True))[0]
            if isinstance(ended, WorkflowFailureError) and isinstance(ended.cause, ApplicationError):
                ended = ended.cause.details[0]
            state = (await handle.query(names.QUERY_STATE, result_type=dict))["state"]
            found.append((RunResult.model_validate(ended), state["stack"], len(await runs_of(temporal, handle))))
    (whole, stack, one), (parted, same_stack, many) = found
    assert (one, many > 3) == (1, True)
    assert parted.outputs == whole.outputs
    assert parted.journal.error == whole.journal.error
    assert stack == same_stack
    assert [(step.node, step.status, step.tries) for step in parted.journal.steps] == [
        (step.node, step.status, step.tries) for step in whole.journal.steps
    ]


async def test_a_state_that_is_too_large_to_be_carried_fails_the_step(
    temporal: Client, queue: str, short: Callable[[int], None]
) -> None:
    """Results that add up to more than a payload may have: the run ends in words at the step, and does not hang."""
    export, templates = sub_workflows()
    body = set_node("Fill", 200, {"b": "={{ 'x'.repeat(4000) }}"}, "string")
    child = node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0)
    templates.plans["child"] = plan_of(chain(child, body))
    short(200)
    async with build_worker(temporal, World(StandIn()), templates, queue):
        handle = await start(temporal, queue, export, [{"json": {"n": n}} for n in range(60)], payload_limit=60_000)
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(handle.result(), 60)
    assert isinstance(failed.value.cause, ApplicationError)
    error = RunResult.model_validate(failed.value.cause.details[0]).journal.error or {}
    assert error["node"] == "Call"
    assert "The state of the run" in error["message"]


async def test_an_agent_over_items_with_a_tool_asks_nothing_twice(
    temporal: Client, queue: str, short: Callable[[int], None]
) -> None:
    """Three turns for each of twelve items, four at a time: every request has its own key, and is made once."""
    options = {"options": {"batching": {"batchSize": 4}}, "promptType": "define", "text": "={{ $json.q }}"}
    export = agent_workflow(
        any_node("A", "agent", 2.2, options),
        (model(), "ai_languageModel"),
        (any_node("Calc", "toolCalculator", 1), "ai_tool"),
    )
    items = [{"json": {"q": f"q{n}"}} for n in range(12)]
    world = Counting(2)
    async with build_worker(temporal, world, CaseTemplates(), queue) as worker:
        whole = RunResult.model_validate(await (await start(temporal, queue, export, items)).result())
        world.keys.clear()
        short(50)
        handle = await start(temporal, queue, export, items)
        parted = RunResult.model_validate(await handle.result())
        chain_ = await runs_of(temporal, handle)
        for each in chain_:
            await replay(temporal, worker, await each.fetch_history())
    assert len(chain_) > 3
    assert parted.outputs == whole.outputs
    assert [item["json"]["output"] for item in parted.outputs[0] or []] == [f"q{n}!" for n in range(12)]
    assert sorted(world.keys.values()) == [1] * 36
    assert len(parted.journal.usage) == len(whole.journal.usage) == 36


async def test_a_wait_for_a_call_keeps_its_link_and_its_caller(
    temporal: Client, queue: str, short: Callable[[int], None]
) -> None:
    """The run continues as new twice while it waits; the link's number is the same, and both callers get their answers."""
    hook = node("Hook", "webhook", 2, {"httpMethod": "POST", "path": "x", "responseMode": "lastNode", "options": {}}, 0)
    wait = node("Wait", "wait", 1.1, {"resume": "webhook", "responseMode": "lastNode", "options": {}}, 200)
    after = set_node("After", 400, {"a": "={{ $json.body.ok }}", "url": "={{ $execution.resumeUrl }}"}, "string")
    short(20)
    waiter = ReplyWaiter(temporal, ReplyTimeouts(), Shutdown())
    async with build_worker(temporal, World(StandIn()), CaseTemplates(), queue):
        handle = await start(
            temporal, queue, chain(hook, wait, after), [{"json": {}}], trigger_kind="webhook", mode="webhook"
        )
        caller = asyncio.create_task(waiter.attach(handle.id, "lastNode"))
        await waiting(handle, 0)
        for _ in range(2):
            before = await run_id_of(handle)
            await lengthen(temporal.get_workflow_handle(handle.id), 24)
            await continued(handle, before)
        short(10_000)  # a task that is tried again makes a history longer, too: who answers must not move on
        args = [0, [{"json": {"body": {"ok": "yes"}}}], "lastNode"]
        latest: WorkflowHandle[Any, Any] = temporal.get_workflow_handle(handle.id)
        reply = await latest.execute_update(names.UPDATE_RESUME, args=args, result_type=RunReply)
        answers = [reply, await asyncio.wait_for(caller, PATIENCE)]
        result = RunResult.model_validate(await handle.result())
    assert result.outputs[0] is not None
    assert result.outputs[0][0]["json"]["a"] == "yes"
    for answer in answers:
        assert answer.finished is not None
        assert answer.finished.outputs == result.outputs
    assert [step.node for step in result.journal.steps] == ["Hook", "Wait", "After"]


async def test_a_pause_ends_when_it_would_have(temporal: Client, queue: str, short: Callable[[int], None]) -> None:
    """A pause of three seconds that is cut in two by a continue-as-new is still one of three seconds, of one step."""
    short(10)
    async with build_worker(temporal, World(StandIn()), CaseTemplates(), queue):
        pause = node("Wait", "wait", 1.1, {"amount": 3, "unit": "seconds"}, 200)
        handle = await start(temporal, queue, chain(START, pause), [{"json": {}}])
        before = await run_id_of(handle)
        await lengthen(temporal.get_workflow_handle(handle.id), 12)
        await continued(handle, before)
        result = RunResult.model_validate(await handle.result())
    step = result.journal.steps[-1]
    assert step.finished is not None
    assert step.finished - step.started > 2_900


async def test_waits_that_overlap_are_carried_together(
    temporal: Client, queue: str, short: Callable[[int], None]
) -> None:
    """Two branches wait for a call while the run continues as new: each call resumes its own branch, in any order."""
    waits = [node(name, "wait", 1.1, {"resume": "webhook", "options": {}}, 200) for name in ("A", "B")]
    export = side_by_side(waits, ["={{ $json.body.by }}"] * 2)
    short(20)
    async with build_worker(temporal, World(StandIn()), CaseTemplates(), queue) as worker:
        handle = await start(temporal, queue, export, [{"json": {}}])
        latest: WorkflowHandle[Any, Any] = temporal.get_workflow_handle(handle.id)
        for ordinal in (1, 0):
            name = await waiting(latest, ordinal)
            before = await run_id_of(handle)
            await lengthen(latest, 24)
            await continued(handle, before)
            payload = [{"json": {"body": {"by": f"the call for {name}"}}}]
            await latest.execute_update(names.UPDATE_RESUME, args=[ordinal, payload, "onReceived"])
        result = RunResult.model_validate(await handle.result())
        for each in await runs_of(temporal, handle):
            await replay(temporal, worker, await each.fetch_history())
    assert [item["json"]["by"] for item in result.outputs[0] or []] == ["the call for A", "the call for B"]


async def test_a_run_is_cancelled_after_it_continued_inside_a_wait(
    temporal: Client, queue: str, short: Callable[[int], None]
) -> None:
    """A wait of an hour ends at once, in whichever run of the chain it stands."""
    short(10)
    async with build_worker(temporal, World(StandIn()), CaseTemplates(), queue):
        pause = node("Wait", "wait", 1.1, {"amount": 1, "unit": "hours"}, 200)
        handle = await start(temporal, queue, chain(START, pause), [{"json": {}}])
        before, latest = await run_id_of(handle), temporal.get_workflow_handle(handle.id)
        await lengthen(latest, 12)
        await continued(handle, before)
        await latest.cancel()
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), PATIENCE)


async def test_parallel_commands_go_out_in_waves(temporal: Client, queue: str) -> None:
    """Seventy items at once: never more than fifty requests are open, and each is answered."""
    options = {"options": {"batching": {"batchSize": 70}}, "promptType": "define", "text": "={{ $json.q }}"}
    export = agent_workflow(
        any_node("A", "agent", 2.2, options),
        (model(), "ai_languageModel"),
        (any_node("Calc", "toolCalculator", 1), "ai_tool"),
    )
    world = Counting(0)
    async with build_worker(temporal, world, CaseTemplates(), queue) as worker:
        handle = await start(temporal, queue, export, [{"json": {"q": f"q{n}"}} for n in range(70)])
        result = RunResult.model_validate(await handle.result())
        history = await handle.fetch_history()
        await replay(temporal, worker, history)
    assert [item["json"]["output"] for item in result.outputs[0] or []] == [f"q{n}!" for n in range(70)]
    open_, most = 0, 0
    for event in history.events:
        open_ += event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        open_ -= event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
        most = max(most, open_)
    assert most == 50


class NinePatient:
    """A queue that gives a place at the tenth request."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def take(self, tenant: str, key: str, workflow_id: str, limit: int, has_ended: Any) -> bool:
        """See `Slots`."""
        del tenant, key, limit, has_ended
        self.asked.append(workflow_id)
        return len(self.asked) == 10

    async def give_back(self, tenant: str, key: str, workflow_id: str, limit: int) -> list[str]:
        """See `Slots`."""
        del tenant, key, workflow_id, limit
        return []


async def test_a_run_that_waits_for_its_turn_continues_as_new(
    temporal: Client, queue: str, short: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for its place again and again; its items are there when its turn comes."""
    monkeypatch.setattr("runtime.hosts.temporal.turns.MAX_TURN_POLL_SECONDS", 0.1)
    short(20)
    export = chain(START, set_node("Done", 200, {"n": "={{ $json.a + 1 }}"}))
    export["settings"]["tempor8"] = {"concurrency": {"limit": 1}}
    slots = NinePatient()
    async with build_worker(temporal, World(StandIn()), CaseTemplates(), queue, slots=slots):
        handle = await start(temporal, queue, export, [{"json": {"a": 1}}])
        result = RunResult.model_validate(await handle.result())
        chain_ = await runs_of(temporal, handle)
    assert len(chain_) > 1
    assert [item["json"] for item in result.outputs[0] or []] == [{"a": 1, "n": 2}]
    assert slots.asked == [handle.id] * 10
