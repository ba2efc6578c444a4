"""Runs that a case cannot tell, since somebody has to do something to them: resume a wait, cancel, ask, run out of history.

`python -m tests.replay NAME...` records them; each is told in a sentence here.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from bench.exports import START, chain, node, rounds, set_node
from cli.testing.case import plan_of
from cli.testing.temporal import TENANT, CaseTemplates
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.settings import Settings
from schemas import names
from schemas.plan import Plan
from schemas.plan_reference import PlanReference
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, StartInput
from service.worker_builds import WorkerBuilds
from tests.patience import attempts
from tests.replay.gate import PLAN_FOLDER, PLANS

__all__ = ["LONG", "SCENES", "Stage"]

Export = dict[str, Any]


@dataclass
class Stage:
    """What a scene is played on."""

    client: Client
    queue: str
    templates: "SceneTemplates"
    handles: list[WorkflowHandle[Any, Any]] = field(default_factory=list)
    """Runs whose histories are kept, in order."""
    limit: int = PAYLOAD_LIMIT
    """Bytes that its runs may hand out at a time."""

    async def start(
        self, export: Export | None, items: list[Any] | None = None, *, by_hash: bool = False, **more: Any
    ) -> Any:
        """Begin a run; without an export it is one of a schedule. `by_hash`: its plan is stored, and the run names it."""
        run = names.workflow_id(TENANT, "scene", str(uuid.uuid4()))
        plan = None if export is None else plan_of(export)
        if by_hash and plan is not None:
            more["plan_hash"], plan = store(plan), None
        given = StartInput(
            plan=plan, tenant=TENANT, template="scene", execution_id=run,
            items=items or [{"json": {}}], resume_url="https://example.org", resume_secret="0" * 64,
            payload_limit=self.limit, **more,
        )  # fmt: skip
        handle = await self.client.start_workflow(
            "scene", given.to_json(), id=run, task_queue=self.queue, task_timeout=TASK_TIMEOUT, result_type=dict
        )
        self.handles.append(handle)
        return handle

    async def keep_chain(self, handle: Any) -> None:
        """Keep the histories of all runs that this one continued as."""
        runs = [handle.first_execution_run_id or "", *await _chain_of(self.client, handle)]
        self.handles[:] = [self.client.get_workflow_handle(handle.id, run_id=run_id) for run_id in runs]

    async def waits(self, handle: Any) -> int:
        """Until the run stands at a wait for a call: its ordinal. Asked late: a query while a local activity works makes the
        SDK split the workflow task, and then the task's time is another one on replay.
        """
        for _ in attempts(1.0):
            await asyncio.sleep(1)
            if (waiting := await handle.query(names.QUERY_WAITING)) is not None:
                ordinal: int = waiting["ordinal"]
                return ordinal
        raise AssertionError("it never waited")


def store(plan: Plan) -> str:
    """Keep a plan beside the histories, and give its hash."""
    PLAN_FOLDER.mkdir(exist_ok=True)
    (PLAN_FOLDER / f"{plan.id}.json").write_text(plan.canonical(), encoding="utf-8")
    return plan.id


class SceneTemplates(CaseTemplates):
    """Those of cases, and what a schedule's run asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, Plan] = {}
        """Sub-workflows that are found by hash."""
        self.current: Plan | None = None
        self.reusable = False
        """Whether a run may look a workflow up once."""

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """See CaseTemplates."""
        if (stored := self.stored.get(str(reference.get("id")))) is not None:
            return PlanReference(plan_hash=store(stored), template="sub", static_data={})
        if self.reusable:
            return await super().find(tenant, reference) | {"reusable": True}
        if reference.get("id") == "scene" and self.current is not None:
            plan = self.current.model_dump(mode="json")
            return {
                "plan": plan, "template": "scene", "static_data": self.current.static_data, "variables": {"city": "Oslo"},
                "plan_hash": "0" * 64, "resume_url": "https://example.org", "resume_secret": "0" * 64,
            }  # fmt: skip
        return await super().find(tenant, reference)


def wait(**parameters: Any) -> Export:
    """A Wait node."""
    return node("Wait", "wait", 1.1, parameters, 200)


async def a_wait_for_a_call(stage: Stage) -> None:
    """Resumed by its link with an item."""
    export = chain(START, wait(resume="webhook", options={}), set_node("After", 400, {"a": "={{ $json.body.ok }}"}))
    handle = await stage.start(export)
    ordinal = await stage.waits(handle)
    payload = [{"json": {"headers": {}, "params": {}, "query": {}, "body": {"ok": 5}}}]
    await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, payload, "onReceived"])
    await handle.result()


async def a_wait_for_a_call_that_answers(stage: Stage) -> None:
    """Whoever resumes gets what the last node gave."""
    export = chain(
        START, wait(resume="webhook", responseMode="lastNode", options={}), set_node("After", 400, {"a": "1"})
    )
    handle = await stage.start(export)
    ordinal = await stage.waits(handle)
    await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {"body": {}}}], "lastNode"])
    await handle.result()


async def a_wait_whose_time_is_up(stage: Stage) -> None:
    """A wait for a call with a limit that nobody calls."""
    limit = {"limitWaitTime": True, "limitType": "afterTimeInterval", "resumeAmount": 1, "resumeUnit": "seconds"}
    await (await stage.start(chain(START, wait(resume="webhook", options={}, **limit)))).result()


async def two_waits_in_a_loop(stage: Stage) -> None:
    """Each turn has a wait of its own; the static data change."""
    code = "const s = $getWorkflowStaticData('global'); s.n = (s.n ?? 0) + 1; return [{json: {n: s.n}}];"
    operator = {"type": "number", "operation": "gte"}
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "loose", "version": 2}
    rule = {"id": "1", "leftValue": "={{ $('Count').last().json.n }}", "rightValue": 2, "operator": operator}
    over = node("Over", "if", 2.2, {"conditions": {"options": options, "conditions": [rule], "combinator": "and"}}, 600)
    back = {"Over": {"main": [[], [{"node": "Count", "type": "main", "index": 0}]]}}
    count = node("Count", "code", 2, {"jsCode": code}, 100)
    handle = await stage.start(chain(START, count, wait(resume="webhook", options={}), over, extra=back))
    for _ in range(2):
        ordinal = await stage.waits(handle)
        await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {}}], "onReceived"])
    await handle.result()


async def a_webhook_that_is_answered_early(stage: Stage) -> None:
    """Respond to Webhook in the middle; the caller's update is answered before the end."""
    hook = {"httpMethod": "POST", "path": "x", "responseMode": "responseNode", "options": {}}
    export = chain(
        node("Hook", "webhook", 2, hook, 0),
        node("Answer", "respondToWebhook", 1.1, {"respondWith": "firstIncomingItem", "options": {}}, 200),
        node("Pause", "wait", 1.1, {"amount": 0.2, "unit": "seconds"}, 400),
    )
    handle = await stage.start(export, [{"json": {"body": {"n": 1}}}], trigger_kind="webhook", mode="webhook")
    await handle.execute_update(names.UPDATE_WEBHOOK, "responseNode")
    await handle.result()


async def a_run_of_a_schedule(stage: Stage) -> None:
    """It takes the version that is current when it begins, and the variables."""
    rule = {"rule": {"interval": [{"field": "hours"}]}}
    export = chain(
        node("Due", "scheduleTrigger", 1.2, rule, 0), set_node("City", 200, {"c": "={{ $vars.city }}"}, "string")
    )
    stage.templates.current = plan_of(export)
    await (await stage.start(None, trigger_kind="schedule")).result()


async def a_long_run(stage: Stage) -> None:
    """It continues as new again and again, and forgets the rounds that are over."""
    handle = await stage.start(rounds(420, 60, START))
    await handle.result()
    await stage.keep_chain(handle)


async def _chain_of(client: Client, handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The runs that a run continued as, without the first."""
    found: list[str] = []
    run_id = handle.first_execution_run_id
    while run_id:
        events = (await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()).events
        run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id or None
        found += [run_id] if run_id else []
    return found


async def sub_workflows_once_and_each(stage: Stage) -> None:
    """One child for all items, and one per item that nobody waits for."""
    child = chain(
        node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), set_node("Add", 200, {"b": "1"})
    )
    stage.templates.plans["child"] = plan_of(child)

    def call(name: str, mode: str, *, waits: bool) -> Export:
        parameters = {
            "source": "database", "workflowId": {"__rl": True, "value": "child", "mode": "id"}, "mode": mode,
            "workflowInputs": {"mappingMode": "defineBelow", "value": {}}, "options": {"waitForSubWorkflow": waits},
        }  # fmt: skip
        return node(name, "executeWorkflow", 1.2, parameters, 200)

    items = [{"json": {"a": 1}}, {"json": {"a": 2}}]
    await (
        await stage.start(chain(START, call("Once", "once", waits=True), call("Each", "each", waits=False)), items)
    ).result()


async def a_failure_that_starts_its_error_workflow(stage: Stage) -> None:
    """The run fails, and its error workflow is a child that outlives it."""
    stage.templates.plans["told"] = plan_of(
        chain(node("On error", "errorTrigger", 1, {}, 0), set_node("Note", 200, {"n": "1"}))
    )
    export = chain(START, node("Stop", "stopAndError", 1, {"errorMessage": "halt"}, 200))
    export["settings"]["errorWorkflow"] = "told"
    handle = await stage.start(export)
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()


async def a_run_that_is_cancelled(stage: Stage) -> None:
    """In the middle of a wait."""
    handle = await stage.start(chain(START, wait(amount=1, unit="hours")))
    await asyncio.sleep(1)
    await handle.cancel()
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()


async def a_run_that_runs_out_of_time(stage: Stage) -> None:
    """The execution time-out of the settings ends a wait."""
    export = chain(START, wait(amount=1, unit="hours"))
    export["settings"]["executionTimeout"] = 1
    handle = await stage.start(export)
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()


async def a_form_of_two_pages(stage: Stage) -> None:
    """A page in the middle of the run, then the last one."""
    fields = {"values": [{"fieldLabel": "Name", "fieldType": "text"}]}
    export = chain(
        node("Form", "formTrigger", 2.2, {"formTitle": "One", "formFields": fields, "options": {}}, 0),
        node("Page", "form", 1, {"formFields": fields, "options": {}}, 200),
        node("Last", "form", 1, {"operation": "completion", "completionTitle": "Done", "options": {}}, 400),
    )
    handle = await stage.start(export, [{"json": {"Name": "Ada"}}], trigger_kind="form", mode="webhook")
    ordinal = await stage.waits(handle)
    await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {"Name": "Bob"}}], "onReceived"])
    await handle.result()


def to(*targets: tuple[str, int]) -> dict[str, Any]:
    """Connections of a node: (target, input)."""
    return {"main": [[{"node": name, "type": "main", "index": slot} for name, slot in targets]]}


def side_by_side(waits: list[Export], by: list[str]) -> Export:
    """Waits A and B in two branches, a field after each, and a Merge that has both."""
    fields = [set_node(f"After {name}", 400, {"by": value}, "string") for name, value in zip("AB", by, strict=True)]
    return {
        "name": "Branches", "nodes": [START, *waits, *fields, node("Merge", "merge", 3, {"mode": "append"}, 600)],
        "settings": {"executionOrder": "v1", "tempor8": {"overlappingWaits": True}},
        "connections": {
            "Start": to(("A", 0), ("B", 0)), "A": to(("After A", 0)), "B": to(("After B", 0)),
            "After A": to(("Merge", 0)), "After B": to(("Merge", 1)),
        },
    }  # fmt: skip


async def waits_that_overlap(stage: Stage) -> None:
    """Two branches wait side by side, the second for less, and a Merge has both."""
    waits = [
        node(name, "wait", 1.1, {"amount": amount, "unit": "seconds"}, 200) for name, amount in (("A", 1), ("B", 0.4))
    ]
    await (await stage.start(side_by_side(waits, ["A", "B"]))).result()


async def calls_that_overlap(stage: Stage) -> None:
    """Two branches wait for a call side by side; the second is called first."""
    waits = [node(name, "wait", 1.1, {"resume": "webhook", "options": {}}, 200) for name in ("A", "B")]
    handle = await stage.start(side_by_side(waits, ["={{ $execution.resumeUrl }}"] * 2))
    await stage.waits(handle)
    for ordinal in (1, 0):
        await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {}}], "onReceived"])
    await handle.result()


async def a_run_in_turn(stage: Stage) -> None:
    """It takes its place in the line of a key, and gives it back."""
    export = chain(START, set_node("Done", 200, {"n": "1"}))
    export["settings"]["tempor8"] = {"concurrency": {"limit": 1, "key": "={{ $json.customer }}"}}
    await (await stage.start(export, [{"json": {"customer": "a"}}])).result()


async def an_approval(stage: Stage) -> None:
    """A message goes out, and its link comes back."""
    ask = {
        "operation": "sendAndWait", "fromEmail": "us@example.com", "toEmail": "ada@example.com", "subject": "Hi",
        "message": "Ship it?", "options": {},
    }  # fmt: skip
    mail = node("Ask", "emailSend", 2.1, ask, 200) | {"credentials": {"smtp": {"id": "1", "name": "post"}}}
    handle = await stage.start(
        chain(START, mail, set_node("After", 400, {"a": "={{ $json.data.approved }}"}, "boolean"))
    )
    ordinal = await stage.waits(handle)
    await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {"approved": True}}], "onReceived"])
    await handle.result()


async def a_poll(stage: Stage) -> None:
    """A feed with an entry after the last one that was seen: the time is written before the run goes on."""
    export = chain(
        node("Feed", "rssFeedReadTrigger", 1, {"feedUrl": "https://example.com/feed"}, 0),
        set_node("Title", 200, {"t": "={{ $json.title }}"}, "string"),
    )
    export["staticData"] = {"node:Feed": {"lastItemDate": "2026-03-01T00:00:00.000Z"}}
    stage.templates.current = plan_of(export)
    await (await stage.start(None, trigger_kind="poll")).result()


async def an_archived_run_that_answers_and_fails(stage: Stage) -> None:
    """Its result has its answer to the webhook, and its failure the state that a retry begins with."""
    hook = {"httpMethod": "POST", "path": "x", "responseMode": "responseNode", "options": {}}
    export = chain(
        node("Hook", "webhook", 2, hook, 0),
        node("Answer", "respondToWebhook", 1.1, {"respondWith": "firstIncomingItem", "options": {}}, 200),
        node("Stop", "stopAndError", 1, {"errorMessage": "halt"}, 400),
    )
    items = [{"json": {"body": {"n": 1}}}]
    handle = await stage.start(export, items, trigger_kind="webhook", mode="webhook", archived=True)
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()


LONG = frozenset({"a-long-run"})
"""Those that need a server whose histories are soon too long."""


async def items_that_are_parts(stage: Stage) -> None:
    """A long list goes out once, as a payload of its own, to the step that has it as input; another one reads it by name."""
    code = "return [{json: {n: $input.all().length + $('Start').all().length}}]"
    http = node("HTTP", "httpRequest", 4.2, {"url": "=https://example.org/{{ $json.n }}"}, 200)
    export = chain(START, http, node("Code", "code", 2, {"jsCode": code}, 400))
    await (await stage.start(export, [{"json": {"text": "x" * 33_000}}, {"json": {"n": 2}}])).result()


async def more_than_may_go_out(stage: Stage) -> None:
    """An input over the limit is the error of its step, which goes on; the result is over it, too, and fails the run."""
    stage.limit = 2_000
    http = node("HTTP", "httpRequest", 4.2, {"url": "https://example.org/x"}, 200) | {
        "onError": "continueRegularOutput"
    }
    export = chain(START, http, set_node("After", 400, {"text": "={{ $('Start').first().json.text }}"}, "string"))
    with contextlib.suppress(WorkflowFailureError):
        await (await stage.start(export, [{"json": {"text": "x" * 2_000}}])).result()


async def a_run_that_names_its_plan(stage: Stage) -> None:
    """Itself and its sub-workflow: a start, a look-up and a child without a plan."""
    begin = node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0)
    stage.templates.stored["stored"] = plan_of(chain(begin, set_node("Sub", 200, {"s": "1"})))
    call = {"workflowId": {"__rl": True, "value": "stored", "mode": "id"}, "options": {}}
    handle = await stage.start(chain(START, node("Call", "executeWorkflow", 1.2, call, 200)), by_hash=True)
    await handle.result()
    async for each in stage.client.list_workflows("WorkflowType = 'sub'"):
        stage.handles.append(stage.client.get_workflow_handle(each.id))


async def a_run_that_goes_over_to_another_build(stage: Stage) -> None:
    """Pinned to its first build, and after the promotion of another one continued there."""
    stage.queue = f"{stage.queue}-of-builds"
    builds = WorkerBuilds(stage.client, "scene", [stage.queue])
    settings = Settings(deployment="scene", sticky_seconds=1)
    one, two = (
        build_worker(
            stage.client,
            OfflineCapabilities(),
            stage.templates,
            stage.queue,
            plans=PLANS,
            settings=settings,
            build=build,
        )
        for build in ("one", "two")
    )
    async with one:
        await builds.promote("one")
        handle = await stage.start(
            chain(START, wait(amount=8, unit="seconds"), set_node("After", 400, {"a": "1"})), by_hash=True
        )
        await asyncio.sleep(1)
        async with two:
            await builds.promote("two")
            await handle.result()
    stage.handles[:] = [
        stage.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id),
        stage.client.get_workflow_handle(handle.id),
    ]


SCENES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    scene.__name__.replace("_", "-"): scene
    for scene in (
        a_wait_for_a_call, a_wait_for_a_call_that_answers, a_wait_whose_time_is_up, two_waits_in_a_loop,
        a_webhook_that_is_answered_early, a_run_of_a_schedule, a_long_run, sub_workflows_once_and_each,
        a_failure_that_starts_its_error_workflow, a_run_that_is_cancelled, a_run_that_runs_out_of_time,
        a_form_of_two_pages, waits_that_overlap, calls_that_overlap, a_run_in_turn, an_approval, a_poll,
        a_run_that_names_its_plan, a_run_that_goes_over_to_another_build,
        items_that_are_parts, more_than_may_go_out, an_archived_run_that_answers_and_fails,
    )
}  # fmt: skip
