"""What real workflows lean on: deliveries that come twice, time-outs, caller policies, variables, custom data."""

import uuid
from typing import Any

import httpx
import pytest

from runtime.platform.postgres import Database
from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")


async def runs(acme: httpx.AsyncClient, template: str) -> list[dict[str, Any]]:
    runs_: list[dict[str, Any]] = (await acme.get("/workflows", params={"template": template})).json()["items"]
    return runs_


@pytest.mark.parametrize("mode", ["onReceived", "lastNode"])
async def test_a_delivery_that_comes_again_starts_nothing_and_gets_the_same_answer(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, mode: str
) -> None:
    key = f"twice-{mode}".lower()
    hook = node("Hook", "webhook", 2, path=key, httpMethod="POST", responseMode=mode, options={})
    await acme.post(
        "/templates", params={"key": key}, json=export("Twice", hook, set_("Made", made="={{ Math.random() }}"))
    )
    headers = {"x-github-delivery": uuid.uuid4().hex}
    first = await anonymous.post(f"/webhook/acme/{key}", json={"n": 1}, headers=headers)
    again = await anonymous.post(f"/webhook/acme/{key}", json={"n": 1}, headers=headers)
    other = await anonymous.post(f"/webhook/acme/{key}", json={"n": 1}, headers={"x-github-delivery": "another"})
    assert first.status_code == again.status_code == other.status_code == 200
    assert first.text == again.text
    if mode == "lastNode":
        assert other.text != first.text

    async def two() -> Any:
        return len(await runs(acme, key)) == 2

    assert await eventually(two)


async def test_a_workflows_time_out_ends_a_wait(acme: httpx.AsyncClient) -> None:
    slow = export("Slow", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=60))
    slow["settings"]["executionTimeout"] = 1
    await acme.post("/templates", params={"key": "timed"}, json=slow)
    status = await ended(acme, await started(acme, "timed"))
    assert status["status"] == "canceled"


async def test_a_caller_policy_holds(acme: httpx.AsyncClient) -> None:
    called = export(
        "Called", node("Start", "executeWorkflowTrigger", 1.1, inputSource="passthrough"), set_("Here", a="1")
    )
    called["settings"]["callerPolicy"] = "none"
    await acme.post("/templates", params={"key": "called"}, json=called)
    calls = export(
        "Calls",
        node("Start", "manualTrigger"),
        node("Call", "executeWorkflow", 1.2, workflowId={"__rl": True, "mode": "id", "value": "called"}, options={}),
    )
    await acme.post("/templates", params={"key": "calls"}, json=calls)
    status = await ended(acme, await started(acme, "calls"))
    assert status["status"] == "failed"
    assert "limits which workflows it can be called by" in status["error"]["message"]


async def test_variables_and_custom_data(acme: httpx.AsyncClient, database: Database) -> None:
    async with database.tenant_transaction("acme") as connection:
        await connection.execute("insert into variables (tenant_id, key, value) values ('acme', 'region', 'eu')")
    workflow = export(
        "Reads", node("Start", "manualTrigger"), set_("Read", region="={{ $vars.region }}"),
        node("Save", "executionData", 1, dataToSave={"values": [{"key": "where", "value": "={{ $json.region }}"}]}),
    )  # fmt: skip
    await acme.post("/templates", params={"key": "reads"}, json=workflow)
    run = await started(acme, "reads")
    await ended(acme, run)
    result = (await acme.get(f"/workflows/{run}/result")).json()
    assert result["outputs"][0][0]["json"]["region"] == "eu"
    assert result["custom_data"] == {"where": "eu"}
