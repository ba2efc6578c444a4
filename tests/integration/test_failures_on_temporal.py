"""Every run ends or waits for something that can be named: exceptions of nodes, of our own code, and servers that are away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from bench.exports import START, chain, condition, node, set_node
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse
from runtime.engine.machine import Engine
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.interpreter.run_info import RunInfo
from runtime.nodes.no_op import NoOp
from runtime.platform.postgres import DatabaseUnavailable
from schemas.run import TASK_TIMEOUT, RunResult
from tests.integration.test_temporal_host import TENANT, World, queue, start
from tests.patience import PATIENCE

__all__ = ["queue"]

SECONDS: Final = PATIENCE
"""A run that has not ended by then hangs."""


@pytest.fixture
def templates() -> CaseTemplates:
    """Other workflows."""
    return CaseTemplates()


@pytest.fixture
async def worker(
    temporal: Client, tenants: tuple[str, str], queue: str, templates: CaseTemplates
) -> AsyncIterator[Worker]:
    """A worker as it runs in production."""
    async with build_worker(temporal, World(), templates, queue) as built:
        yield built


async def ended(handle: WorkflowHandle[Any, Any], seconds: float = SECONDS) -> RunResult:
    """Return what a run left, failed or not."""
    try:
        return RunResult.model_validate(await asyncio.wait_for(handle.result(), seconds))
    except WorkflowFailureError as failed:
        return RunResult.model_validate(getattr(failed.cause, "details", [None])[0])


OTHER_KINDS: Final[dict[str, dict[str, Any]]] = {
    "a file name that is a number": node(
        "Step", "convertToFile", 1.1, {"operation": "toText", "sourceProperty": "text", "options": {"fileName": "={{ 42 }}"}}, 200
    ),
    "a wait of infinity": node("Step", "wait", 1.1, {"amount": "={{ 1e308 * 10 }}", "unit": "seconds"}, 200),
    "a wait that is an object": node("Step", "wait", 1.1, {"amount": "={{ {} }}", "unit": "={{ [] }}"}, 200),
    "a key of a sort that is a list": node(
        "Step", "sort", 1, {"sortFieldsUi": {"sortField": [{"fieldName": "={{ [1] }}"}]}, "options": {}}, 200
    ),
    "an HMAC of no kind": node(
        "Step", "crypto", 1, {"action": "hmac", "type": "={{ '' }}", "value": "a", "secret": "b", "dataPropertyName": "c"}, 200
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_KINDS)
async def test_a_value_of_another_kind_ends_the_run(temporal: Client, queue: str, worker: Worker, name: str) -> None:
    """By the node's error or by success, within seconds."""
    handle = await start(temporal, queue, chain(START, OTHER_KINDS[name]), [{"json": {"text": "a"}}])
    told = (await ended(handle)).journal
    assert told.status == "success" or (told.error or {})["node"] == "Step"


def _break(*_: Any) -> Any:
    raise LookupError("of our own code")


async def test_an_exception_of_the_engine_fails_the_run_with_its_journal_and_starts_its_error_workflow(
    temporal: Client, queue: str, worker: Worker, templates: CaseTemplates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no step's, and still the run ends as n8n's do."""
    templates.plans["on-error"] = plan_of(
        chain(node("Trigger", "errorTrigger", 1, {}, 0), node("Note", "noOp", 1, {}, 1))
    )
    monkeypatch.setattr(
        Engine, "_schedule", lambda engine, step, *rest: _break() if step.name == "A" else schedule(engine, step, *rest)
    )
    export = chain(START, set_node("A", 200, {"a": "1"}), node("B", "noOp", 1, {}, 400))
    export["settings"]["errorWorkflow"] = "on-error"
    handle = await start(temporal, queue, export, [{"json": {}}])
    told = (await ended(handle)).journal
    assert [step.node for step in told.steps] == ["Start", "A"]
    assert (told.status, (told.error or {})["name"]) == ("error", "WorkflowOperationError")
    events = [event async for event in handle.fetch_history_events()]
    assert any(each.HasField("start_child_workflow_execution_initiated_event_attributes") for each in events)


schedule = Engine._schedule


async def test_an_input_that_does_not_validate_fails_the_run(temporal: Client, queue: str, worker: Worker) -> None:
    """With a journal that says so; nothing of it is tried again and again."""
    for document in ({"tenant": TENANT, "template": "t", "surplus": 1}, {"plan": 5}, [1]):
        handle = await temporal.start_workflow(
            "test", document, id=f"{TENANT}:{queue}", task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
        )
        told = (await ended(handle)).journal
        assert (told.status, told.steps) == ("error", [])
        assert "fault of the service" in (told.error or {})["message"]


async def test_a_result_that_cannot_be_built_fails_the_run(
    temporal: Client, queue: str, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.hosts.temporal.workflow.result", _break)
    told = (await ended(await start(temporal, queue, chain(START), [{"json": {}}]))).journal
    assert (told.status, (told.error or {})["name"]) == ("error", "WorkflowOperationError")


async def test_a_history_that_does_not_fit_never_fails_the_run(
    temporal: Client, queue: str, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails the workflow task; a mended build takes the run up again."""
    tries: list[int] = []

    def run(self: NoOp, context: Any, items: Any) -> Any:
        del self, context
        tries.append(1)
        if len(tries) < 3:
            raise workflow.NondeterminismError("another build")
        return [items]

    monkeypatch.setattr(NoOp, "run", run)
    export = chain(START, node("A", "noOp", 1, {}, 200) | {"onError": "continueRegularOutput"})
    told = (await ended(await start(temporal, queue, export, [{"json": {}}]))).journal
    assert (told.status, len(tries)) == ("success", 3)


async def test_a_server_that_is_away_is_waited_for_and_is_no_error_of_the_node(
    temporal: Client, queue: str, tenants: tuple[str, str]
) -> None:
    """Neither On Error nor n8n's retries see it."""

    class Away(World):
        async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
            if len(self.requests) < 3:
                self.requests.append(url)
                raise DatabaseUnavailable("Postgres is away")
            return await super().request(method, url, **options)

    call = node("Call", "httpRequest", 4.2, {"url": "https://example.com/", "options": {}}, 200)
    export = chain(START, call | {"onError": "continueRegularOutput"})
    async with build_worker(temporal, Away(), CaseTemplates(), queue):
        told = await ended(await start(temporal, queue, export, [{"json": {}}]))
    assert told.outputs[0] == [{"json": {"asked": "https://example.com/"}, "pairedItem": {"item": 0}}]
    assert [step.tries for step in told.journal.steps] == [1, 1]


async def test_a_workflow_that_cannot_be_read_is_the_error_of_the_step_that_calls_it(
    temporal: Client, queue: str, worker: Worker, templates: CaseTemplates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that fails for the data that it was given fails every time."""
    monkeypatch.setattr(templates, "find", _break)
    call = {"workflowId": {"__rl": True, "value": "={{ '\\u0000' }}", "mode": "id"}, "options": {}}
    told = await ended(
        await start(temporal, queue, chain(START, node("Call", "executeWorkflow", 1.2, call, 1)), [{"json": {}}])
    )
    assert (told.journal.error or {})[
        "message"
    ] == "The workflow cannot be read. The log of the worker has the details."


ROUNDS: Final = 10_000


def counting(rounds: int) -> dict[str, Any]:
    """A loop of two nodes, each round of which reads the item of a node before the loop, and so does the node after it."""
    base = "={{ $('Base').item.json.base }}"
    export = chain(
        START,
        set_node("Base", 200, {"base": "={{ 7 }}", "n": "={{ 0 }}"}),
        set_node("Count", 400, {"n": "={{ $json.n + 1 }}", "base": base}),
        node("If", "if", 2.2, {"conditions": condition("={{ $json.n }}", "lt", rounds), "options": {}}, 600),
    )
    export["nodes"].append(set_node("End", 800, {"end": base}))
    to = [[{"node": name, "type": "main", "index": 0}] for name in ("Count", "End")]
    export["connections"]["If"] = {"main": to}
    return export


async def test_a_loop_of_ten_thousand_rounds_reads_a_node_before_it(
    temporal: Client, queue: str, worker: Worker
) -> None:
    """On both hosts; the way back is long, and is neither recursed over nor walked again in each round."""
    expected = {"base": 7, "n": ROUNDS, "end": 7}
    local = LocalHost(CATALOG, OfflineCapabilities())
    execution, finished = await run_local(plan_of(counting(ROUNDS)), local, RunInfo(execution_id="1"), [{"json": {}}])
    assert (finished.status, (execution.result()[0] or [])[0]["json"]) == ("success", expected)
    handle = await start(temporal, queue, counting(ROUNDS), [{"json": {}}])
    told = RunResult.model_validate(await handle.result())
    assert (told.outputs[0] or [])[0]["json"] == expected
    assert told.journal.count == 3 + 2 * ROUNDS
