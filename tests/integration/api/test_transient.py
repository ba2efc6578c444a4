"""Transient templates: the same answers, no Temporal, rows all the same, and an honest end at a shutdown."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.hosts.local.transient import TransientRuns
from schemas.plan import Plan
from schemas.run import StartInput
from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")

TRANSIENT = {"tempor8": {"durability": "transient"}}


def quick(key: str, mode: str = "lastNode", *more: dict[str, Any]) -> dict[str, Any]:
    hook = node("Hook", "webhook", 2, path=key, httpMethod="POST", responseMode=mode, options={})
    return export("Quick", hook, *more, set_("Made", made="={{ $json.body?.n ?? 'none' }}"), settings=TRANSIENT)


async def rows(acme: httpx.AsyncClient, key: str) -> list[dict[str, Any]]:
    runs_: list[dict[str, Any]] = (await acme.get("/workflows", params={"template": key})).json()["items"]
    return runs_


async def test_a_webhook_is_answered_without_temporal_and_its_run_is_in_the_tables(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, globex: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    published = await acme.post("/templates", params={"key": "quick"}, json=quick("quick"))
    assert published.status_code == 201, published.text
    answer = await anonymous.post("/webhook/acme/quick", json={"n": 7})
    assert answer.json()["made"] == "7"

    async def written() -> Any:
        return await rows(acme, "quick")

    (row,) = await eventually(written)
    assert row["status"] == "completed"
    history = (await acme.get(f"/workflows/{row['workflow_id']}/history")).json()
    assert [step["node"] for step in history["steps"]] == ["Hook", "Made"]
    assert (await acme.get(f"/workflows/{row['workflow_id']}/status")).json()["status"] == "completed"
    assert (await globex.get(f"/workflows/{row['workflow_id']}/status")).status_code == 404
    listed = [each async for each in dependencies.temporal.list_workflows("WorkflowType = 'quick'")]
    assert listed == []


async def test_a_respond_node_answers_before_the_run_ends(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    respond = node("Say", "respondToWebhook", 1.1, respondWith="text", responseBody="at once", options={})
    slow = quick("slowly", "responseNode", respond, node("Wait", "wait", 1.1, amount=50))
    assert (await acme.post("/templates", params={"key": "slowly"}, json=slow)).status_code == 201
    assert (await anonymous.post("/webhook/acme/slowly", json={})).text == "at once"
    transient: Any = dependencies.transient
    (run,) = [each for each in transient._running if each.startswith("acme:slowly:")]
    assert (await acme.post(f"/workflows/{run}/cancel")).status_code == 202


async def test_a_run_that_goes_on_is_in_the_tables_and_can_be_cancelled(acme: httpx.AsyncClient) -> None:
    long = export("Long", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=50), settings=TRANSIENT)
    published = await acme.post("/templates", params={"key": "long"}, json=long)
    assert published.status_code == 201
    run = (await acme.post("/workflows/start", json={"workflow_template": "long"})).json()["workflow_id"]

    async def status() -> Any:
        answer = await acme.get(f"/workflows/{run}/status")
        return answer.json()["status"] if answer.status_code == 200 else None

    assert await eventually(status) == "running"
    assert (await acme.post(f"/workflows/{run}/cancel")).status_code == 202

    async def canceled() -> Any:
        return await status() == "canceled"

    assert await eventually(canceled)


async def test_a_shutdown_cancels_what_runs_and_says_so(dependencies: Dependencies) -> None:
    assert isinstance(dependencies.transient, TransientRuns)
    theirs: Any = dependencies.transient
    mine = TransientRuns(theirs._catalog, theirs._capabilities, theirs._templates, theirs._store)
    workflow = export("Cut", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=50), settings=TRANSIENT)
    plan: Plan | None = compile_export(workflow, file="x", catalog=CATALOG).plan
    writing = asyncio.create_task(mine.run())
    run = f"acme:cut:{uuid.uuid4()}"
    await mine.start(
        StartInput(plan=plan, tenant="acme", template="cut", execution_id=run, items=[{"json": {}}]), "hash"
    )

    async def is_running() -> bool:
        row = await dependencies.executions.get("acme", run)
        return row is not None and row.status == "running"

    await eventually(is_running)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    row = await dependencies.executions.get("acme", run)
    assert row is not None
    assert row.status == "canceled"
