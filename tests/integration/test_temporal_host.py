"""Runs on a real Temporal: what they cost, that they survive a killed worker, and that they replay."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from bench.exports import START, chain, loop, node, rounds, set_node, ten_sets
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import DEADLOCK_TIMEOUT_SECONDS, build_worker
from runtime.platform.settings import Settings
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, Journal, RunReply, RunResult, StartInput
from service.run_reply import ReplyTimeouts, ReplyWaiter
from service.shutdown import Shutdown
from tests.patience import PATIENCE

TENANT = "acme"


class World(OfflineCapabilities):
    """Answers every request, slowly when asked to, and remembers them."""

    def __init__(self) -> None:
        super().__init__(http=self)
        self.requests: list[str] = []
        self.gate: asyncio.Event | None = None

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Any request is answered with its own URL."""
        self.requests.append(f"{method} {url}")
        if self.gate is not None:
            await self.gate.wait()
        body = json.dumps({"asked": url}).encode()
        return HttpResponse(200, "OK", [("content-type", "application/json")], body, url)


@pytest.fixture
def queue() -> str:
    """A task queue of this test alone."""
    return f"test-{uuid.uuid4()}"


@pytest.fixture
def world() -> World:
    """The outside of this test."""
    return World()


@pytest.fixture
async def worker(temporal: Client, tenants: tuple[str, str], queue: str, world: World) -> AsyncIterator[Worker]:
    """A worker as it runs in production."""
    built = build_worker(temporal, world, CaseTemplates(), queue)
    async with built:
        yield built


async def start(
    temporal: Client, queue: str, export: dict[str, Any], items: list[dict[str, Any]], **more: Any
) -> WorkflowHandle[Any, Any]:
    """Start an export as a run of a tenant."""
    workflow_id = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export),
        tenant=TENANT,
        template="test",
        execution_id=workflow_id,
        items=items,
        payload_limit=PAYLOAD_LIMIT,
        **more,
    )
    return await temporal.start_workflow(
        "test",
        given.model_dump(mode="json"),
        id=workflow_id,
        task_queue=queue,
        task_timeout=TASK_TIMEOUT,
        result_type=dict,
    )


async def test_ten_inline_nodes_cost_five_events(temporal: Client, queue: str, worker: Worker) -> None:
    """Inline steps are free: a run of ten of them has the history of an empty workflow."""
    handle = await start(temporal, queue, ten_sets(3), [{"json": {"n": 1}}])
    result = RunResult.model_validate(await handle.result())
    history = await handle.fetch_history()
    assert result.journal.status == "success"
    assert len(result.journal.steps) == 11
    assert len(history.events) == 5


async def test_a_loop_of_a_thousand_needs_no_activity(temporal: Client, queue: str, worker: Worker) -> None:
    """Loops over inline nodes run inside workflow code."""
    handle = await start(temporal, queue, loop(), [{"json": {"n": i}} for i in range(1000)])
    result = RunResult.model_validate(await handle.result())
    history = await handle.fetch_history()
    kinds = {event.event_type for event in history.events}
    assert len(result.outputs[0] or []) == 1000
    assert EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED not in kinds


async def test_a_failed_node_fails_the_run_with_its_journal(temporal: Client, queue: str, worker: Worker) -> None:
    """The failure carries node and message, and the steps before it."""
    export = chain(START, node("Stop", "stopAndError", 1, {"errorMessage": "halt {{ 1 }}"}, 200))
    handle = await start(temporal, queue, export, [{"json": {}}])
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    result = RunResult.model_validate(cause.details[0])
    assert result.journal.error is not None
    assert result.journal.error["node"] == "Stop"
    assert [step.node for step in result.journal.steps] == ["Start", "Stop"]


async def test_the_journal_can_be_asked_while_a_step_runs(
    temporal: Client, queue: str, worker: Worker, world: World
) -> None:
    """What runs now is named, and what is done is listed."""
    world.gate = asyncio.Event()
    export = chain(START, node("Call", "httpRequest", 4.2, {"url": "https://example.com/{{ 1 }}", "options": {}}, 200))
    handle = await start(temporal, queue, export, [{"json": {}}])
    while not world.requests:
        await asyncio.sleep(0.02)
    told = await handle.query(names.QUERY_JOURNAL, result_type=Journal)
    world.gate.set()
    await handle.result()
    assert told.active is not None
    assert told.active["node"] == "Call"
    assert [step.node for step in told.steps] == ["Start"]


async def test_cancelling_ends_a_run_in_the_middle_of_a_wait(temporal: Client, queue: str, worker: Worker) -> None:
    """A wait of an hour ends at once."""
    export = chain(START, node("Wait", "wait", 1.1, {"amount": 1, "unit": "hours"}, 200))
    handle = await start(temporal, queue, export, [{"json": {}}])
    await asyncio.sleep(0.5)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), PATIENCE)


async def test_a_webhook_is_answered_by_respond_to_webhook(temporal: Client, queue: str, worker: Worker) -> None:
    """The update gives what the node answered, before the run is over."""
    export = chain(
        node(
            "Hook", "webhook", 2, {"httpMethod": "POST", "path": "x", "responseMode": "responseNode", "options": {}}, 0
        ),
        node("Answer", "respondToWebhook", 1.1, {"respondWith": "firstIncomingItem", "options": {}}, 200),
        node("Wait", "wait", 1.1, {"amount": 1, "unit": "seconds"}, 400),
    )
    handle = await start(
        temporal, queue, export, [{"json": {"body": {"n": 1}}}], trigger_kind="webhook", mode="webhook"
    )
    answer = await handle.execute_update(names.UPDATE_WEBHOOK, "responseNode", result_type=RunReply)
    assert answer.response is not None
    assert answer.finished is None
    await handle.result()


async def test_a_big_batch_of_scripts_goes_through_a_recorded_activity(
    temporal: Client, queue: str, worker: Worker
) -> None:
    """Sorting in an expression is not linear: its value comes from a local activity, and the result is the same."""
    fields = {"s": "={{ $json.list.sort((a, b) => a - b).join() }}"}
    export = chain(START, set_node("Sort", 200, fields, "string"))
    handle = await start(temporal, queue, export, [{"json": {"list": [3, 1, 2]}}])
    result = RunResult.model_validate(await handle.result())
    history = await handle.fetch_history()
    assert result.outputs[0] is not None
    assert result.outputs[0][0]["json"]["s"] == "1,2,3"
    assert any(event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED for event in history.events)


async def test_an_empty_export_says_so(temporal: Client, queue: str, worker: Worker) -> None:
    """No start node: the run fails with a sentence instead of hanging."""
    handle = await start(temporal, queue, chain(set_node("Alone", 0, {"a": "1"})), [])
    with pytest.raises(WorkflowFailureError) as failed:
        await asyncio.wait_for(handle.result(), PATIENCE)
    assert "no start node" in str(failed.value.cause)


def histories() -> list[Path]:
    """Where recorded histories are kept."""
    return sorted((Path(__file__).parents[1] / "replay" / "histories").glob("*.json"))


async def test_the_worker_waits_longer_for_an_activation_than_the_sdk_does(worker: Worker) -> None:
    """The limit is a private attribute of the SDK; when its name changes, this fails."""
    inner = worker._workflow_worker
    assert inner is not None
    assert inner._deadlock_timeout_seconds == DEADLOCK_TIMEOUT_SECONDS > 10 * TASK_TIMEOUT.total_seconds()


def is_long(info: workflow.Info) -> bool:
    """As if Temporal's limit were 40 events."""
    return info.get_current_history_length() > 40


async def test_a_run_that_continues_as_new_many_times_ends_as_one_that_does_not(
    temporal: Client, queue: str, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Result, journal, custom data and static data; and it keeps no more of its rounds than somebody can read."""
    export = rounds(1500, 50, START)
    items: list[dict[str, Any]] = [{"json": {}}]
    whole = RunResult.model_validate(await (await start(temporal, queue, export, items)).result())
    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", is_long)
    handle = await start(temporal, queue, export, items)
    parted = RunResult.model_validate(await handle.result())
    assert (await handle.describe()).run_id != handle.first_execution_run_id
    assert parted.outputs == whole.outputs == [[{"json": {"n": 1500, "works": 1500}, "pairedItem": {"item": 0}}]]
    assert parted.static_data == whole.static_data == {"global": {"rounds": 30}}
    assert parted.custom_data == whole.custom_data == {"at": "1500"}
    assert parted.journal.count == whole.journal.count == 1 + 3 * 1500 + 2 * 30 + 1
    assert parted.journal.forgotten == whole.journal.forgotten
    assert len(parted.journal.steps) < 2_000


async def test_a_caller_who_waits_is_told_to_ask_the_run_that_it_continues_as(
    temporal: Client, queue: str, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook that is answered by its last node does not hold up the continue-as-new, and gets its answer."""
    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", is_long)
    hook = node("Hook", "webhook", 2, {"httpMethod": "POST", "path": "x", "responseMode": "lastNode", "options": {}}, 0)
    handle = await start(temporal, queue, rounds(600, 20, hook), [{"json": {}}], trigger_kind="webhook", mode="webhook")
    waiter = ReplyWaiter(temporal, ReplyTimeouts(), Shutdown())
    answer = await waiter.attach(handle.id, "lastNode")
    assert (await handle.describe()).run_id != handle.first_execution_run_id
    assert answer.finished is not None
    assert answer.finished.outputs == [[{"json": {"n": 600, "works": 600}, "pairedItem": {"item": 0}}]]


@pytest.mark.parametrize(("notes", "asked", "status"), [("delivery: at-most-once", 1, "error"), ("", 2, "success")])
async def test_a_step_whose_worker_goes_away_is_tried_again_unless_it_is_at_most_once(
    temporal: Client, queue: str, tenants: tuple[str, str], notes: str, asked: int, status: str
) -> None:
    """The request may have been made; the author decides what is worse."""
    call = node("Call", "httpRequest", 4.2, {"method": "POST", "url": "https://example.com/", "options": {}}, 200)
    export = chain(START, call | {"notes": notes, "retryOnFail": True})
    world = World()
    world.gate = asyncio.Event()
    first = build_worker(temporal, world, CaseTemplates(), queue)
    running = asyncio.create_task(first.run())
    handle = await start(temporal, queue, export, [{"json": {}}])
    while not world.requests:
        await asyncio.sleep(0.02)
    await asyncio.gather(first.shutdown(), running, return_exceptions=True)
    world.gate.set()
    async with build_worker(temporal, world, CaseTemplates(), queue):
        ended = (await asyncio.gather(asyncio.wait_for(handle.result(), PATIENCE), return_exceptions=True))[0]
    if isinstance(ended, WorkflowFailureError) and isinstance(ended.cause, ApplicationError):
        assert "at most once" in ended.cause.message
        ended = ended.cause.details[0]
    assert RunResult.model_validate(ended).journal.status == status
    assert len(world.requests) == asked


async def test_a_run_starts_only_so_many_other_workflows_and_few_at_a_time(
    temporal: Client, queue: str, tenants: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for room before it starts the next one that it does not wait for, and one too many fails the step."""
    monkeypatch.setattr("runtime.hosts.temporal.children.MAX_OPEN_CHILDREN", 2)
    monkeypatch.setattr("runtime.hosts.temporal.children.MAX_CHILDREN", 6)
    templates = CaseTemplates()
    wait = node("Wait", "wait", 1.1, {"amount": 0.4, "unit": "seconds"}, 200)
    templates.plans["child"] = plan_of(
        chain(node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), wait)
    )
    call = {
        "workflowId": {"__rl": True, "value": "child", "mode": "id"}, "mode": "each",
        "options": {"waitForSubWorkflow": False},
    }  # fmt: skip
    export = chain(START, node("Call", "executeWorkflow", 1.2, call, 200))
    async with build_worker(temporal, World(), templates, queue):
        handle = await start(temporal, queue, export, [{"json": {"n": i}} for i in range(6)])
        await handle.result()
        events = [event async for event in handle.fetch_history_events()]
        begun = [each for each in events if each.HasField("child_workflow_execution_started_event_attributes")]
        ended = [each for each in events if each.HasField("child_workflow_execution_completed_event_attributes")]
        assert len(begun) == 6
        assert len(ended) >= 4, "the third waited for the first"
        handle = await start(temporal, queue, export, [{"json": {"n": i}} for i in range(7)])
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert "started 6 other workflows" in json.dumps(failed.value.cause.details)


@pytest.mark.parametrize("overlap", [False, True])
async def test_waits_in_parallel_branches_come_one_after_the_other_unless_they_may_overlap(
    temporal: Client, queue: str, worker: Worker, overlap: bool
) -> None:
    """n8n's order is the default; a setting of the export lets them run side by side. Both merge what the branches give."""

    def to(*targets: tuple[str, int]) -> list[list[dict[str, Any]]]:
        return [[{"node": name, "type": "main", "index": slot} for name, slot in targets]]

    waits = [node(name, "wait", 1.1, {"amount": 1, "unit": "seconds"}, 200) for name in ("A", "B")]
    fields = [set_node(f"After {name}", 400, {"by": f"'{name}'"}, "string") for name in ("A", "B")]
    export = {
        "name": "Branches",
        "nodes": [START, *waits, *fields, node("Merge", "merge", 3, {"mode": "append"}, 600)],
        "settings": {"executionOrder": "v1", "tempor8": {"overlappingWaits": overlap}},
        "connections": {
            "Start": {"main": to(("A", 0), ("B", 0))}, "A": {"main": to(("After A", 0))},
            "B": {"main": to(("After B", 0))}, "After A": {"main": to(("Merge", 0))},
            "After B": {"main": to(("Merge", 1))},
        },
    }  # fmt: skip
    handle = await start(temporal, queue, export, [{"json": {"n": 1}}])
    result = RunResult.model_validate(await handle.result())
    assert result.outputs[0] is not None
    assert [item["json"]["by"] for item in result.outputs[0]] == ["'A'", "'B'"]
    spans = {step.node: (step.started, step.finished or 0.0) for step in result.journal.steps}
    assert result.journal.count == 6
    (_, first_end), (second_begin, _) = sorted((spans["A"], spans["B"]))
    assert (second_begin < first_end) is overlap
    assert min(end - begin for begin, end in (spans["A"], spans["B"])) >= 1000


async def test_a_run_waits_for_its_own_worker_as_long_as_is_set(temporal: Client, queue: str) -> None:
    """A task that another worker takes is replayed there, which adds load to workers that have too much: five seconds, if not set."""
    for given, seconds in (({}, 5), ({"TEMPOR8_STICKY_TIMEOUT": "7.5"}, 7.5)):
        built = build_worker(temporal, World(), CaseTemplates(), f"{queue}-{seconds}", settings=Settings.load(given))
        timeout = built.config(active_config=True)["sticky_queue_schedule_to_start_timeout"]
        assert timeout == timedelta(seconds=seconds)
