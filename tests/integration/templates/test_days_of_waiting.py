"""Templates that wait for days, on a Temporal server whose clock skips: every wait is the template's own."""

import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.hosts.temporal.worker import build_worker
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from tests.unit.templates.test_templates import DAYS, STATUS, read, sample, start_of
from tests.unit.templates.vendors import Vendors

SERVER = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
ASKS = ("sendAndWait",)
LEFT_OUT = {"email_marketing_automation"}
"""Its sub-workflows end by time-out on the test server, whose clock goes on while a child begins; in process it is tested."""


@pytest.fixture(scope="module")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A test server that goes to the next timer when nothing else is to be done."""
    assert SERVER is not None
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=SERVER) as environment:
        yield environment


def answered(key: str) -> dict[str, Any]:
    """A template whose people have answered: only the data of its questions stays pinned."""
    export = read(key)
    questions = {each["name"] for each in export["nodes"] if each["parameters"].get("operation") in ASKS}
    return export | {"pinData": {name: items for name, items in export["pinData"].items() if name in questions}}


@pytest.mark.parametrize("key", sorted(DAYS.keys() - LEFT_OUT))
async def test_days_pass(skipping: WorkflowEnvironment, key: str) -> None:
    """The sample comes to the same end as in process, and the server's clock has gone on by the template's days."""
    export = answered(key)
    vendors, queue = Vendors(read(key)), f"days-{uuid.uuid4()}"
    workflow_id = names.workflow_id("acme", key, str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export), tenant="acme", template=key, execution_id=workflow_id, items=[{"json": sample(key)}],
        payload_limit=PAYLOAD_LIMIT, pinned=True, start=start_of(export),
    )  # fmt: skip
    began = await skipping.get_current_time()
    async with build_worker(skipping.client, vendors, CaseTemplates(), queue):
        output = await skipping.client.execute_workflow(
            key, given.model_dump(mode="json"), id=workflow_id, task_queue=queue, task_timeout=TASK_TIMEOUT,
            result_type=dict,
        )  # fmt: skip
    result = RunResult.model_validate(output)
    assert (result.journal.status, result.journal.error) == ("success", None)
    outcome = result.outputs[0][0]["json"]  # type: ignore[index]  # it has one
    assert outcome["status"] == STATUS[key], outcome
    assert await skipping.get_current_time() - began >= timedelta(days=DAYS[key])
