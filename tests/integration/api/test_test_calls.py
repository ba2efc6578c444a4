"""Test calls: below /webhook-test a template listens for one call, after a request with a key."""

from typing import Any

import httpx
import pytest

from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")


def answering(path: str) -> dict[str, Any]:
    """Answers with what it made of the request; the number is pinned; it counts its runs in its static data."""
    code = "const s = $getWorkflowStaticData('global'); s.n = (s.n ?? 0) + 1; return [{json: {...$json, count: s.n}}];"
    workflow = export(
        "Answering",
        node("Hook", "webhook", 2, path=path, httpMethod="POST", responseMode="lastNode", options={}),
        set_("Number", number="from the node"),
        node("Count", "code", 2, jsCode=code),
        set_("Made", mode="={{ $('Hook').item.json.executionMode }}", url="={{ $('Hook').item.json.webhookUrl }}"),
    )
    return workflow | {"pinData": {"Number": [{"json": {"number": "pinned"}}]}}


async def test_it_listens_for_one_call_also_while_it_is_not_active(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """Pinned data hold, static data are not kept, and the item says that it is a test."""
    await acme.post("/templates", params={"key": "tried"}, json=answering("tried"))
    await acme.post("/templates/tried/deactivate")
    refused = await anonymous.post("/webhook-test/acme/tried", json={})
    assert refused.status_code == 404
    assert refused.json()["message"] == 'The requested webhook "POST tried" is not registered.'
    for _ in range(2):
        listening = (await acme.post("/templates/tried/listen")).json()
        assert [each["url"].split("/", 3)[3] for each in listening["webhooks"]] == ["webhook-test/acme/tried"]
        wrong = await anonymous.get("/webhook-test/acme/tried")
        assert wrong.status_code == 404, "another method leaves the listening alone"
        answer = await anonymous.post("/webhook-test/acme/tried", json={}, headers={"x-delivery-id": "same"})
        assert answer.status_code == 200, answer.text
        workflow = answer.json()
        assert (workflow["number"], workflow["mode"], workflow["count"]) == ("pinned", "test", 1)
        assert workflow["url"].endswith("/webhook-test/acme/tried")
    assert (await anonymous.post("/webhook-test/acme/tried", json={})).status_code == 404

    async def both() -> bool:
        runs = (await acme.get("/workflows", params={"template": "tried"})).json()["items"]
        return [run["status"] for run in runs] == ["completed", "completed"]

    await eventually(both)


async def test_another_tenant_and_a_time_that_is_up_hear_nothing(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """The walls hold, and one second is one second."""
    await acme.post("/templates", params={"key": "tried_2"}, json=answering("tried-2"))
    assert (await globex.post("/templates/tried_2/listen")).status_code == 404
    await acme.post("/templates/tried_2/listen")
    assert (await anonymous.post("/webhook-test/globex/tried-2", json={})).status_code == 404
    assert (await acme.post("/templates/tried_2/listen", params={"seconds": 0})).status_code == 400
    assert (await anonymous.options("/webhook-test/acme/tried-2")).status_code == 204
    assert (await anonymous.post("/webhook-test/acme/tried-2", json={})).status_code == 200


async def test_a_template_without_a_webhook_cannot_listen(acme: httpx.AsyncClient) -> None:
    """It says so."""
    await acme.post("/templates", params={"key": "deaf"}, json=export("Deaf", node("Start", "manualTrigger")))
    answer = await acme.post("/templates/deaf/listen")
    assert answer.status_code in {409, 422}, answer.text
    assert "no webhook" in answer.json()["detail"]
