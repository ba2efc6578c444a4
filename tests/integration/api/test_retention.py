"""Runs that Temporal has deleted: their results, retries and idempotency keys live on."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import Dependencies
from api.models import StartRequest
from api.runs.start import run_request_of
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobStore
from service.retention import Collector
from service.run_reader import TemporalRuns
from tests.exports import export, node, set_
from tests.integration.api.test_events import read_events
from tests.integration.api.test_retries import FAILS, PASSES, retried, steps
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")

Forget = Callable[[str], Awaitable[None]]


@pytest.fixture
def forget(temporal: Client, database: Database) -> Forget:
    """Delete a run from Temporal as its retention does, once what it leaves is stored."""

    async def forget_(workflow_id: str) -> None:
        async def archived() -> Any:
            async with database.tenant_transaction(workflow_id.partition(":")[0]) as connection:
                query = "select 1 from run_archive where execution_id = %s"
                return await (await connection.execute(query, (workflow_id,))).fetchone()

        async def gone() -> bool:
            execution = WorkflowExecution(workflow_id=workflow_id)
            request = DeleteWorkflowExecutionRequest(namespace=temporal.namespace, workflow_execution=execution)
            try:
                await temporal.workflow_service.delete_workflow_execution(request)
                await asyncio.sleep(0.2)  # one that comes too early is done later, a new one sooner
                await temporal.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                return error.status is RPCStatusCode.NOT_FOUND
            return False

        await eventually(archived)
        await eventually(gone)

    return forget_


async def publish(client: httpx.AsyncClient, key: str, workflow: dict[str, Any]) -> None:
    assert (await client.post("/templates", params={"key": key}, json=workflow)).status_code in (200, 201)


async def count(client: httpx.AsyncClient, template: str) -> int:
    return len((await client.get("/workflows", params={"template": template})).json()["items"])


async def test_a_result_outlives_the_history(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, forget: Forget
) -> None:
    """Status and result are the same as before; another tenant sees neither."""
    await publish(
        acme, "outlives", export("Outlives", node("Start", "manualTrigger"), set_("Say", who="={{ $json.n }}"))
    )
    run = await started(acme, "outlives", {"n": "Ada"})
    status = await ended(acme, run)
    result = (await acme.get(f"/workflows/{run}/result")).json()
    await forget(run)
    assert (await acme.get(f"/workflows/{run}/result")).json() == result
    assert (await acme.get(f"/workflows/{run}/status")).json() == status
    assert result["outputs"][0][0]["json"]["who"] == "Ada"
    assert (await globex.get(f"/workflows/{run}/result")).status_code == 404
    assert (await globex.get(f"/workflows/{run}/status")).status_code == 404


async def test_steps_and_events_outlive_the_history(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, forget: Forget, published: dict[str, Any]
) -> None:
    """They come from the stored rows: a listener that was away gets the steps that it missed, and the end."""
    del published
    run = await started(acme, "failing", {"name": "x"})
    await ended(acme, run)
    before = await read_events(acme, run)
    history = (await acme.get(f"/workflows/{run}/history")).json()
    await forget(run)
    after = await read_events(acme, run)
    assert [each[:2] for each in after] == [each[:2] for each in before]
    assert [each[2]["node"] for each in after if each[0] == "step"] == [step["node"] for step in history["steps"]]
    assert after[-1] == before[-1]
    missed = await read_events(acme, run, last=1)
    assert [each[1] for each in missed if each[0] == "step"] == [each[1] for each in before if each[0] == "step"][1:]
    stored = (await acme.get(f"/workflows/{run}/history")).json()
    assert [step["status"] for step in stored["steps"]] == [step["status"] for step in history["steps"]]
    assert stored["error"]["message"] == history["error"]["message"]
    assert (await globex.get(f"/workflows/{run}/events")).status_code == 404


async def test_a_large_result_is_stored_once(acme: httpx.AsyncClient, database: Database, forget: Forget) -> None:
    """The archive has a reference to the payload that the run's history refers to, and no copy of it."""
    grow = node("Grow", "code", 2, jsCode="return [{json: {text: 'x'.repeat(300000) + Math.random()}}]")
    await publish(acme, "large-result", export("Large", node("Start", "manualTrigger"), grow))
    run = await started(acme, "large-result")
    await ended(acme, run)
    result = (await acme.get(f"/workflows/{run}/result")).json()
    await forget(run)
    assert (await acme.get(f"/workflows/{run}/result")).json() == result
    async with database.tenant_transaction("acme") as connection:
        cursor = await connection.execute(
            "select length(sealed) as bytes from run_archive where execution_id = %s", (run,)
        )
        row = await cursor.fetchone()
    assert row is not None
    assert row["bytes"] < 10_000


async def test_what_is_stored_is_sealed(acme: httpx.AsyncClient, database: Database, forget: Forget) -> None:
    """Neither the input nor the output of a run can be read in the table."""
    secret = uuid.uuid4().hex
    await publish(acme, "sealed", export("Sealed", node("Start", "manualTrigger"), set_("Say", s="={{ $json.s }}")))
    run = await started(acme, "sealed", {"s": secret})
    await ended(acme, run)
    await forget(run)
    async with database.tenant_transaction("acme") as connection:
        cursor = await connection.execute("select sealed from run_archive where execution_id = %s", (run,))
        row = await cursor.fetchone()
    assert row is not None
    assert secret.encode() not in bytes(row["sealed"])


async def test_a_failed_run_is_tried_again_at_its_node_and_at_the_start(
    acme: httpx.AsyncClient, forget: Forget
) -> None:
    """What ran before the failed node is kept, as while Temporal had the run."""
    await publish(acme, "late-retry", steps(FAILS))
    run = await started(acme, "late-retry", {"name": "Ada"})
    assert (await ended(acme, run))["status"] == "failed"
    await publish(acme, "late-retry", steps(PASSES))
    await forget(run)
    one = await retried(acme, run, with_version="current")
    two = await retried(acme, run, with_version="current")
    last = [each["result"]["outputs"][0][0]["json"]["last"] for each in (one, two)]
    assert last[0] == last[1], "First did not run again"
    again = await retried(acme, run, from_start=True, with_version="current")
    outputs = again["result"]["outputs"][0][0]["json"]
    assert outputs["name"] == "Ada"
    assert outputs["last"] != last[0], "First ran again"


async def test_a_completed_run_is_tried_again_at_the_start_only(acme: httpx.AsyncClient, forget: Forget) -> None:
    """It left its result and its input; a retry of that retry works, too."""
    await publish(acme, "late-again", steps(PASSES))
    run = await started(acme, "late-again", {"name": "Ada"})
    assert (await ended(acme, run))["status"] == "completed"
    await forget(run)
    refused = await acme.post(f"/workflows/{run}/retry", json={"from_node": "First"})
    assert refused.status_code == 409
    assert "Begin at the start" in refused.json()["detail"]
    again = await retried(acme, run, from_start=True)
    await forget(again["id"])
    third = await retried(acme, again["id"], from_start=True)
    assert third["result"]["outputs"][0][0]["json"]["name"] == "Ada"


async def test_a_cancelled_run_is_tried_again_at_the_start(acme: httpx.AsyncClient, forget: Forget) -> None:
    """It ended without a result; its input is stored all the same."""
    slow = export("Slow", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount="={{ $json.seconds }}"))
    await publish(acme, "late-cancelled", slow)
    run = await started(acme, "late-cancelled", {"seconds": 3600})
    await acme.post(f"/workflows/{run}/cancel")
    assert (await ended(acme, run))["status"] == "canceled"
    await forget(run)
    assert (await acme.get(f"/workflows/{run}/status")).json()["status"] == "canceled"
    assert (await acme.get(f"/workflows/{run}/result")).json()["outputs"] == []
    again = await acme.post(f"/workflows/{run}/retry", json={"from_start": True})
    assert again.status_code == 202
    await acme.post(f"/workflows/{again.json()['workflow_id']}/cancel")


async def test_an_idempotency_key_outlives_the_history(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, forget: Forget
) -> None:
    """The same key answers the first run, another request with it is refused, and another tenant's key is its own."""
    workflow = export("Keyed", node("Start", "manualTrigger"), set_("Say", a="1"))
    for client in (acme, globex):
        await publish(client, "keyed-late", workflow)
    headers, body = {"Idempotency-Key": uuid.uuid4().hex}, {"workflow_template": "keyed-late", "input_data": {"n": 1}}
    first = (await acme.post("/workflows/start", json=body, headers=headers)).json()
    await ended(acme, first["workflow_id"])
    await forget(first["workflow_id"])
    again = await acme.post("/workflows/start", json=body, headers=headers)
    assert again.status_code == 202
    assert again.json()["workflow_id"] == first["workflow_id"]
    assert again.json()["run_id"] == first["run_id"]
    assert await count(acme, "keyed-late") == 1
    other = await acme.post("/workflows/start", json=body | {"input_data": {"n": 2}}, headers=headers)
    assert other.status_code == 422
    theirs = (await globex.post("/workflows/start", json=body, headers=headers)).json()
    assert (await ended(globex, theirs["workflow_id"]))["status"] == "completed"


@pytest.mark.parametrize("mode", ["onReceived", "lastNode", "responseNode"])
async def test_a_late_delivery_gets_the_first_answer(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, forget: Forget, mode: str
) -> None:
    """Also the one that a Respond to Webhook node made."""
    key = f"late-{mode}".lower()
    hook = node("Hook", "webhook", 2, path=key, httpMethod="POST", responseMode=mode, options={})
    nodes = [hook, set_("Made", made="={{ Math.random() }}")]
    if mode == "responseNode":
        nodes.append(node("Answer", "respondToWebhook", 1.1, respondWith="firstIncomingItem", options={}))
    await publish(acme, key, export("Late", *nodes))
    headers = {"x-github-delivery": uuid.uuid4().hex}
    first = await anonymous.post(f"/webhook/acme/{key}", json={"n": 1}, headers=headers)
    assert first.status_code == 200

    async def closed() -> Any:
        items = (await acme.get("/workflows", params={"template": key, "status": "completed"})).json()["items"]
        return items and items[0]["workflow_id"]

    await forget(await eventually(closed))
    again = await anonymous.post(f"/webhook/acme/{key}", json={"n": 1}, headers=headers)
    assert (again.status_code, again.text) == (200, first.text)
    assert await count(acme, key) == 1


async def test_a_key_whose_run_never_began_starts_it(acme: httpx.AsyncClient, dependencies: Dependencies) -> None:
    """A process that ends between the row of the key and the start leaves a row without a run."""
    await publish(acme, "crashed-key", export("Crashed", node("Start", "manualTrigger"), set_("Say", a="1")))
    key, body = uuid.uuid4().hex, {"workflow_template": "crashed-key", "input_data": {"n": 1}}
    template = await dependencies.templates.current("acme", "crashed-key")
    assert template is not None
    request = run_request_of("acme", template, StartRequest(**body), key)
    assert request.digest is not None
    assert await dependencies.start_keys.claim("acme", "crashed-key", request.run, request.digest) is None
    answer = await acme.post("/workflows/start", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 202
    assert (await ended(acme, answer.json()["workflow_id"]))["status"] == "completed"


async def test_a_request_that_was_refused_does_not_use_up_its_key(acme: httpx.AsyncClient) -> None:
    """An input that no run could hand on is mended and sent again with the same key."""
    await publish(acme, "mended-key", export("Mended", node("Start", "manualTrigger"), set_("Say", a="1")))
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"deep": deep}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"workflow_template": "mended-key", "input_data": deep}
    assert (await acme.post("/workflows/start", json=body, headers=headers)).status_code == 400
    mended = await acme.post("/workflows/start", json=body | {"input_data": {"n": 1}}, headers=headers)
    assert mended.status_code == 202


async def test_requests_with_one_key_at_once_are_one_run(acme: httpx.AsyncClient) -> None:
    """All of them are answered with it."""
    await publish(acme, "at-once", export("Once", node("Start", "manualTrigger"), set_("Say", a="1")))
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"workflow_template": "at-once", "input_data": {}}
    answers = await asyncio.gather(*(acme.post("/workflows/start", json=body, headers=headers) for _ in range(12)))
    assert {each.status_code for each in answers} == {202}
    assert len({(each.json()["workflow_id"], each.json()["run_id"]) for each in answers}) == 1


async def test_a_retry_holds_the_files_of_the_run_that_it_tries_again(
    acme: httpx.AsyncClient, database: Database, blobs: BlobStore, temporal: Client
) -> None:
    """The first run is deleted with all that only it used; the retry's file is still there."""

    def workflow(check: str) -> dict[str, Any]:
        return export(
            "File",
            node("Start", "manualTrigger"),
            node("Grow", "code", 2, jsCode="return [{json: {text: 'x'.repeat(200000) + Math.random()}}]"),
            node("File", "convertToFile", 1.1, operation="toText", sourceProperty="text", options={}),
            node("Check", "code", 2, jsCode=check),
            node("Text", "extractFromFile", 1, operation="text", options={}),
            set_("Length", length="={{ $json.data.length }}"),
        )

    await publish(acme, "held-file", workflow(FAILS))
    first = await started(acme, "held-file")
    assert (await ended(acme, first))["status"] == "failed"
    await publish(acme, "held-file", workflow(PASSES))
    second = await retried(acme, first, with_version="current")
    assert second["status"] == "completed", second

    async def closed() -> Any:
        async with database.tenant_transaction("acme") as connection:
            changed = [
                (await connection.execute(statement.encode(), (first,))).rowcount
                for statement in (
                    "update workflow_executions set closed_at = now() - interval '40 days' where id = %s and closed_at is not null",
                    "update payload_uses set used_at = now() - interval '40 days' where workflow_id = %s",
                )
            ]
            return all(changed)

    assert await eventually(closed)
    deleted = await Collector(database, blobs, TemporalRuns(temporal), timedelta(days=30)).collect_tenant("acme")
    assert deleted["runs"] >= 1
    third = await retried(acme, second["id"], from_node="Text", with_version="current")
    assert third["status"] == "completed", third
    assert int(third["result"]["outputs"][0][0]["json"]["length"]) > 200_000
