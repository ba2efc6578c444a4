"""What a run hands out is measured before Temporal refuses it: no case leaves a workflow task that fails for ever."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from bench.exports import START, chain, loop
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.hosts.temporal.worker import build_worker
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from tests.border_cases import CASES, CHILD, LIMIT, large, stop
from tests.patience import PATIENCE
from tests.unit.hosts.test_border import World

TENANT = "acme"


@pytest.fixture
async def queue(temporal: Client, tenants: tuple[str, str]) -> AsyncIterator[str]:
    """The task queue of a worker with the limits and converter of production."""
    del tenants
    name = f"border-{uuid.uuid4()}"
    templates = CaseTemplates()
    templates.plans["child"] = plan_of(CHILD)
    async with build_worker(temporal, World(), templates, name):
        yield name


async def _start(
    temporal: Client, queue: str, export: dict[str, Any], items: list[dict[str, Any]], limit: int = LIMIT
) -> WorkflowHandle[Any, Any]:
    run = names.workflow_id(TENANT, "border", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export), tenant=TENANT, template="border", execution_id=run, items=items, payload_limit=limit
    )
    return await temporal.start_workflow(
        "border", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )


async def _result(handle: WorkflowHandle[Any, Any]) -> tuple[RunResult, ApplicationError | None]:
    try:
        return RunResult.model_validate(await asyncio.wait_for(handle.result(), PATIENCE)), None
    except WorkflowFailureError as failed:
        cause = failed.cause
        assert isinstance(cause, ApplicationError)
        return RunResult.model_validate(cause.details[0]), cause


async def _failed_tasks(handle: WorkflowHandle[Any, Any]) -> list[str]:
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    history = await handle.fetch_history()
    return [
        event.workflow_task_failed_event_attributes.failure.message
        for event in history.events
        if event.event_type == failed
    ]


@pytest.mark.parametrize("name", CASES)
async def test_a_run_ends_with_its_journal(temporal: Client, queue: str, name: str) -> None:
    """Each case ends as `tests.border_cases` says, and no workflow task fails on the way."""
    case = CASES[name]
    handle = await _start(temporal, queue, case.export, case.items)
    result, failure = await _result(handle)
    assert await _failed_tasks(handle) == []
    assert result.journal.steps
    if case.message is None:
        assert result.journal.status == "success", result.journal.error
        if case.outputs is not None:
            assert [item["json"] for item in result.outputs[0] or ()] == case.outputs
        return
    error = result.journal.error
    assert error is not None
    assert error["node"] == case.node
    assert error["message"].startswith(case.message)
    assert failure is not None
    assert len(failure.message) < 4_100


async def test_a_long_message_is_whole_in_the_details(temporal: Client, queue: str) -> None:
    """Temporal gets its beginning and its length; the run's error has all of it."""
    handle = await _start(temporal, queue, chain(START, stop("={{ 'x'.repeat(30000) }}")), [{"json": {}}])
    result, failure = await _result(handle)
    assert result.journal.error is not None
    assert len(result.journal.error["message"]) == 30_000
    assert failure is not None
    assert failure.message.endswith("… (30,000 characters)")


async def test_a_state_that_is_too_large_to_continue_as_new_fails_the_run_with_its_journal(
    temporal: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step at whose end it would continue as new is the one at fault."""
    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", lambda self: len(self.workflow_id) > 0)
    handle = await _start(temporal, queue, loop(), large(80_000))
    result, _ = await _result(handle)
    assert await _failed_tasks(handle) == []
    assert result.journal.error is not None
    assert result.journal.error["message"].startswith("The state of the run has ")
    assert json.dumps(result.journal.error)
