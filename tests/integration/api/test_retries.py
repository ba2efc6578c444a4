"""A run tried again: at the node that failed, at any node, or at the start; with its own version or the current one."""

from typing import Any

import httpx
import pytest

from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")


def steps(check: str) -> dict[str, Any]:
    """First -> Check (fails as long as its code says so) -> Last; First writes a random number."""
    return export(
        "Steps",
        node("Start", "manualTrigger"),
        set_("First", made="={{ Math.random() }}"),
        node("Check", "code", 2, jsCode=check),
        set_("Last", last="={{ $json.made }}"),
    )


FAILS, PASSES = "throw new Error('not yet')", "return $input.all()"


async def failed(acme: httpx.AsyncClient, key: str) -> tuple[str, str]:
    """(run that failed at Check, key of its template)."""
    assert (await acme.post("/templates", params={"key": key}, json=steps(FAILS))).status_code == 201
    run = await started(acme, key, {"name": "Ada"})
    assert (await ended(acme, run))["status"] == "failed"
    return run, key


async def retried(acme: httpx.AsyncClient, run: str, **body: Any) -> dict[str, Any]:
    """The result of the new run, with the nodes that ran in it."""
    answer = await acme.post(f"/workflows/{run}/retry", json=body)
    assert answer.status_code == 202, answer.text
    new = answer.json()["workflow_id"]
    status = await ended(acme, new)
    result = (await acme.get(f"/workflows/{new}/result")).json()
    history = (await acme.get(f"/workflows/{new}/history")).json()
    return {
        "status": status["status"],
        "result": result,
        "nodes": [each["node"] for each in history["steps"]],
        "id": new,
    }


async def test_at_the_failed_node_what_ran_before_is_kept(acme: httpx.AsyncClient) -> None:
    run, key = await failed(acme, "retry-failed")
    assert (await retried(acme, run))["status"] == "failed", "its own version fails again"
    assert (await acme.post("/templates", params={"key": key}, json=steps(PASSES))).status_code == 201
    one = await retried(acme, run, with_version="current")
    two = await retried(acme, run, with_version="current")
    assert one["status"] == two["status"] == "completed"
    assert one["nodes"] == ["Start", "First", "Check", "Last"]
    last = [each["result"]["outputs"][0][0]["json"]["last"] for each in (one, two)]
    assert last[0] == last[1], "First did not run again"


async def test_at_any_node_and_at_the_start(acme: httpx.AsyncClient) -> None:
    run, key = await failed(acme, "retry-anywhere")
    await acme.post("/templates", params={"key": key}, json=steps(PASSES))
    done = await retried(acme, run, with_version="current")
    first = done["result"]["outputs"][0][0]["json"]
    anew = await retried(acme, done["id"], from_node="First", with_version="current")
    assert anew["nodes"] == ["Start", "First", "Check", "Last"]
    assert anew["result"]["outputs"][0][0]["json"]["made"] != first["made"], "First ran again"
    assert anew["result"]["outputs"][0][0]["json"]["name"] == "Ada"
    whole = await retried(acme, done["id"], from_start=True, with_version="current")
    assert whole["result"]["outputs"][0][0]["json"]["name"] == "Ada"


async def test_what_cannot_be_tried_again_is_said(acme: httpx.AsyncClient, globex: httpx.AsyncClient) -> None:
    run, key = await failed(acme, "retry-refused")
    by_node = {
        "Nowhere": (409, "no node 'Nowhere'"),
        "Last": (409, "'Last' has not run"),
    }
    for name, (status, text) in by_node.items():
        answer = await acme.post(f"/workflows/{run}/retry", json={"from_node": name})
        assert (answer.status_code, text in answer.json()["detail"]) == (status, True), answer.text
    both = await acme.post(f"/workflows/{run}/retry", json={"from_node": "First", "from_start": True})
    assert both.status_code == 400
    other = export("Steps", node("Start", "manualTrigger"), set_("Other", a="1"))
    await acme.post("/templates", params={"key": key}, json=other)
    answer = await acme.post(f"/workflows/{run}/retry", json={"with_version": "current"})
    assert answer.status_code == 409
    assert "take the original version" in answer.json()["detail"]
    assert (await globex.post(f"/workflows/{run}/retry", json={})).status_code == 404


async def test_a_run_that_goes_on_is_not_tried_again(acme: httpx.AsyncClient) -> None:
    slow = export("Slow", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=60))
    await acme.post("/templates", params={"key": "retry-open"}, json=slow)
    run = await started(acme, "retry-open")

    async def refused() -> Any:
        return (await acme.post(f"/workflows/{run}/retry", json={})).status_code == 409

    assert await eventually(refused)
    await acme.post(f"/workflows/{run}/cancel")


async def test_with_edited_input(acme: httpx.AsyncClient) -> None:
    key = "retry-edited"
    check = node("Check", "code", 2, jsCode="if (!$json.url) throw new Error('no url'); return $input.all()")
    read = set_("Last", seen="={{ $('First').item.json.url }}")
    steps = export("Edited", node("Start", "manualTrigger"), set_("First", made="1"), check, read)
    assert (await acme.post("/templates", params={"key": key}, json=steps)).status_code == 201
    run = await started(acme, key, {"name": "Ada"})
    assert (await ended(acme, run))["status"] == "failed"
    new = await retried(acme, run, input_data=[{"name": "Ada", "url": "https://a.example"}])
    assert new["nodes"] == ["Start", "First", "Check", "Last"]
    json = new["result"]["outputs"][0][0]["json"]
    assert (json["seen"], json["name"]) == ("https://a.example", "Ada"), "expressions that look back read it too"
    whole = await retried(
        acme, run, from_start=True, input_data=[{"name": "Bea", "url": "u"}, {"name": "Cy", "url": "v"}]
    )
    assert [each["json"]["name"] for each in whole["result"]["outputs"][0]] == ["Bea", "Cy"]
    deep: Any = {}
    for _ in range(300):
        deep = {"a": deep}
    refused = await acme.post(f"/workflows/{run}/retry", json={"input_data": [deep]})
    assert refused.status_code in (400, 422), refused.text
