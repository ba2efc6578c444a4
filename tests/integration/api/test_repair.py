"""Failures by cause, stuck runs, and the retry of many failed runs."""

import asyncio
from typing import Any

import httpx
import pytest

from api.runs.actions import retry_source
from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")


def delivery(*, mended: bool) -> dict[str, Any]:
    """Fails in one of two ways, by the item's `way`; the messages quote what differs from run to run."""
    code = "if ($json.way === 'a') throw new Error(`Order ${$json.id} has no address`); throw new Error(`No stock for '${$json.id}'`)"
    check = node("Check", "code", 2, mode="runOnceForEachItem", jsCode="return $input.item" if mended else code)
    return export("Delivery", node("Start", "manualTrigger"), check, set_("Sent", sent="yes"))


async def publish(acme: httpx.AsyncClient, key: str, *, mended: bool) -> None:
    answer = await acme.post("/templates", params={"key": key}, json=delivery(mended=mended))
    assert answer.status_code in (200, 201), answer.text


async def failures(acme: httpx.AsyncClient, key: str) -> list[dict[str, Any]]:
    answer = await acme.get("/failures", params={"template": key})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def failed_runs(acme: httpx.AsyncClient, key: str, ways: str) -> list[str]:
    """Publish the failing version and start a run per way; return them once they are all in the list of failures."""
    await publish(acme, key, mended=False)
    runs = [await started(acme, key, {"way": way, "id": f"{number}"}) for number, way in enumerate(ways)]

    async def counted() -> Any:
        return sum(each["runs"] for each in await failures(acme, key)) == len(runs)

    await eventually(counted, 60)
    return runs


async def retry(acme: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await acme.post("/workflows/retry", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_hundred_failed_runs_of_two_causes_are_two_groups_and_are_retried_by_filter(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient
) -> None:
    runs = await failed_runs(acme, "deliveries", "a" * 60 + "b" * 40)
    groups = await failures(acme, "deliveries")
    assert [(each["runs"], each["error"]["node"]) for each in groups] == [(60, "Check"), (40, "Check")]
    assert "has no address" in groups[0]["error"]["message"]
    assert groups[0]["latest"] in runs
    assert (await globex.get("/failures")).json()["items"] == []
    await publish(acme, "deliveries", mended=True)

    one_cause = {"workflow_template": "deliveries", "fingerprint": groups[0]["fingerprint"]}
    preview = await retry(acme, filter=one_cause, with_version="current")
    assert (preview["dry_run"], preview["matches"], preview["retried"], preview["refused"]) == (True, 60, 60, 0)
    assert {(each["begins_at"], each["template_version"]) for each in preview["runs"]} == {("Check", 2)}
    assert all(each["new_workflow_id"] is None for each in preview["runs"])
    assert sum(each["runs"] for each in await failures(acme, "deliveries")) == 100, "a dry run starts nothing"
    assert (await retry(globex, filter={}, dry_run=False))["matches"] == 0

    every = {"filter": {"workflow_template": "deliveries"}, "with_version": "current", "dry_run": False}
    done = await retry(acme, **every)
    assert (done["matches"], done["retried"], done["refused"]) == (100, 100, 0)
    new = [each["new_workflow_id"] for each in done["runs"]]
    assert len(set(new)) == 100
    ends = await asyncio.gather(*(ended(acme, each) for each in new[:10]))
    assert {each["status"] for each in ends} == {"completed"}

    async def mended() -> Any:
        return await failures(acme, "deliveries") == []

    await eventually(mended)
    assert (await retry(acme, **every))["matches"] == 0


async def test_a_filter_chooses_by_user_trigger_declared_data_and_status(acme: httpx.AsyncClient) -> None:
    declare = node("Note", "executionData", 1, dataToSave={"values": [{"key": "order", "value": "={{ $json.order }}"}]})
    stop = node("Stop", "stopAndError", 1, errorMessage="Nobody is there")
    flow = export("Chosen", node("Start", "manualTrigger"), declare, stop)
    assert (await acme.post("/templates", params={"key": "chosen"}, json=flow)).status_code == 201
    runs = [
        await started(acme, "chosen", {"order": order}, user_id=user)
        for user, order in (("ada", 1), ("ada", 2), ("bob", 1))
    ]

    async def counted() -> Any:
        return sum(each["runs"] for each in await failures(acme, "chosen")) == len(runs)

    await eventually(counted, 60)

    async def chosen(**filter_: str) -> list[int]:
        preview = await retry(acme, filter={"workflow_template": "chosen"} | filter_)
        assert preview["matches"] == len(preview["runs"])
        return sorted(runs.index(each["workflow_id"]) for each in preview["runs"])

    assert await chosen(user_id="ada") == [0, 1]
    assert await chosen(field="order=1") == [0, 2]
    assert await chosen(user_id="ada", field="order=1", trigger="api", status="failed") == [0]
    assert await chosen(trigger="webhook") == await chosen(status="timed_out") == await chosen(user_id="eve") == []
    for bad in ({"field": "order"}, {"trigger": "odd"}, {"status": "completed"}):
        assert (await acme.post("/workflows/retry", json={"filter": bad})).status_code == 400


async def test_the_same_request_twice_starts_each_run_once(acme: httpx.AsyncClient) -> None:
    await failed_runs(acme, "twice", "a")
    body = {"filter": {"workflow_template": "twice"}, "dry_run": False}
    one, two = await asyncio.gather(retry(acme, **body), retry(acme, **body))
    # the one that comes second finds the run in its list still, or tried again already
    assert len({each["new_workflow_id"] for each in (*one["runs"], *two["runs"])}) == 1


async def test_what_cannot_be_tried_again_is_told_and_holds_nothing_up(acme: httpx.AsyncClient) -> None:
    await failed_runs(acme, "renamed", "ab")
    other = export("Delivery", node("Start", "manualTrigger"), set_("Other", a="1"))
    assert (await acme.post("/templates", params={"key": "renamed"}, json=other)).status_code == 201
    preview = await retry(acme, filter={"workflow_template": "renamed"}, with_version="current")
    assert (preview["retried"], preview["refused"]) == (0, 2)
    assert "take the original version" in preview["runs"][0]["refused"]
    anew = await retry(acme, filter={"workflow_template": "renamed"}, with_version="current", from_start=True)
    assert {each["begins_at"] for each in anew["runs"]} == {"Start"}


async def test_runs_that_cannot_be_read_are_told_and_hold_the_others_up_for_a_bounded_time(
    acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is asked of runs that were closed from outside, and where none polls the question waits in vain."""
    runs = await failed_runs(acme, "unread", "a" * 20)
    silent = set(runs[:15])

    async def source(tenant: str, workflow_id: str, *rest: Any) -> Any:
        if workflow_id in silent:
            await asyncio.sleep(3600)
        return await retry_source(tenant, workflow_id, *rest)

    monkeypatch.setattr("api.repair.bulk_retry.retry_source", source)
    monkeypatch.setattr("api.repair.bulk_retry.SECONDS", 3.0)
    every = {"filter": {"workflow_template": "unread"}, "dry_run": False}
    done = await retry(acme, **every)
    told = {each["workflow_id"]: each for each in done["runs"]}
    assert all("Start a worker" in told[each]["refused"] for each in silent)
    assert done["retried"] + done["refused"] == 20
    monkeypatch.setattr("api.repair.bulk_retry.SECONDS", 60.0)
    silent.clear()
    again = await retry(acme, **every)
    assert again["refused"] == 0
    assert again["retried"] >= 15, "what was started is not failed any more, or is named again"


async def test_runs_are_listed_by_fingerprint_trigger_and_time(acme: httpx.AsyncClient) -> None:
    await failed_runs(acme, "listed", "aab")
    group = next(each for each in await failures(acme, "listed") if each["runs"] == 2)
    found = {"template": "listed", "fingerprint": group["fingerprint"], "trigger": "api"}
    assert len((await acme.get("/workflows", params=found)).json()["items"]) == 2
    assert (await acme.get("/workflows", params=found | {"trigger": "webhook"})).json()["items"] == []
    assert len((await acme.get("/workflows", params=found | {"since": group["first_at"]})).json()["items"]) == 2
    assert (await acme.get("/workflows", params=found | {"until": "2020-01-01T00:00:00Z"})).json()["items"] == []


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_time_beyond_the_calendar_is_refused(acme: httpx.AsyncClient, since: str) -> None:
    assert (await acme.get("/failures", params={"since": since})).status_code == 400
    assert (await acme.post("/workflows/retry", json={"filter": {"since": since}})).status_code == 400


async def test_stuck_runs_are_counted_by_cause(acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def causes(*_: Any) -> list[dict[str, Any]]:
        return [{"kind": "worker", "cause": "NoWorker", "hint": "Start a worker", "runs": 3}]

    monkeypatch.setattr("service.run_failures.FailureStore.stuck_causes", causes)
    assert (await acme.get("/stuck")).json()["causes"][0]["runs"] == 3
