"""Start, status, result, history, list and cancel, against the real Temporal and the real Postgres."""

import time
from typing import Any

import httpx
import pytest

from tests.exports import export, node, set_, waiting
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")


async def test_a_start_is_accepted_with_everything_needed_to_follow_the_run(
    acme: httpx.AsyncClient, published: dict[str, Any]
) -> None:
    answer = await acme.post(
        "/workflows/start",
        json={
            "workflow_template": "greeting",
            "tenant_id": "acme",
            "user_id": "user_123",
            "input_data": {"name": "Ada"},
        },
    )
    body = answer.json()
    assert answer.status_code == 202
    assert body["status"] == "running"
    assert body["workflow_id"].startswith("acme:greeting:")
    assert body["run_id"]
    assert body["plan_hash"] == published["greeting"]["plan_hash"]
    assert body["template_version"] == 1
    for name, link in body["links"].items():
        if name != "cancel":
            assert (await acme.get(link, params={"wait": 10} if name == "result" else {})).status_code == 200, name


async def test_a_finished_run_shows_its_result_in_short_and_in_full(acme: httpx.AsyncClient) -> None:
    run = await started(acme, "greeting", {"name": "Grace"}, user_id="u1")
    status = await ended(acme, run)
    assert status["status"] == "completed"
    assert status["user_id"] == "u1"
    assert status["trigger"] == "api"
    assert status["progress"] == {"steps_done": 3, "steps_failed": 0, "last_node": "End", "active": None}
    assert status["result"] == {
        "last_node": "End", "items": [1], "first_item": {"name": "Grace", "greeting": "Hello Grace"}
    }  # fmt: skip
    assert status["duration_ms"] >= 0
    result = (await acme.get(status["links"]["result"])).json()
    assert result["outputs"][0][0]["json"] == {"name": "Grace", "greeting": "Hello Grace"}


async def test_a_list_as_input_becomes_one_item_each(acme: httpx.AsyncClient) -> None:
    status = await ended(acme, await started(acme, "greeting", [{"name": "A"}, {"name": "B"}]))
    assert status["result"]["items"] == [2]


async def test_history_names_the_nodes_as_the_author_did_with_times_tries_and_counts(acme: httpx.AsyncClient) -> None:
    run = await started(acme, "greeting", {"name": "Ada"})
    await ended(acme, run)
    history = (await acme.get(f"/workflows/{run}/history")).json()
    assert [step["node"] for step in history["steps"]] == ["Start", "Greet", "End"]
    assert [step["type"] for step in history["steps"]] == [
        "n8n-nodes-base.manualTrigger", "n8n-nodes-base.set", "n8n-nodes-base.noOp"
    ]  # fmt: skip
    greet = history["steps"][1]
    assert greet["status"] == "success"
    assert greet["tries"] == 1
    assert greet["items_in"] == [1]
    assert greet["items_out"] == [1]
    assert greet["started_at"].endswith("Z")
    assert greet["finished_at"].endswith("Z")


async def test_history_shows_the_first_items_that_a_step_took_and_gave(acme: httpx.AsyncClient) -> None:
    run = await started(acme, "greeting", [{"name": "Ada"}, {"name": "x" * 1000}])
    await ended(acme, run)
    greet = (await acme.get(f"/workflows/{run}/history")).json()["steps"][1]
    assert greet["input"] == [{"name": "Ada"}]
    assert greet["output"] == [{"name": "Ada", "greeting": "Hello Ada"}]
    without = (await acme.get(f"/workflows/{run}/history?previews=false")).json()["steps"][1]
    assert without["output"] is None
    run = await started(acme, "greeting", {"name": "x" * 1000})
    await ended(acme, run)
    long = (await acme.get(f"/workflows/{run}/history")).json()["steps"][0]["output"][0]
    assert long == '{"name": "' + "x" * 490 + "…"


async def test_a_failed_run_says_which_node_failed_and_why(acme: httpx.AsyncClient) -> None:
    run = await started(acme, "failing", {"name": "service"})
    status = await ended(acme, run)
    assert status["status"] == "failed"
    assert status["error"]["message"] == "No service today"
    assert status["error"]["node"] == "Refuse"
    assert status["result"] is None
    history = (await acme.get(f"/workflows/{run}/history")).json()
    assert history["steps"][-1]["node"] == "Refuse"
    assert history["steps"][-1]["error"]["message"] == "No service today"
    assert history["error"]["message"] == "No service today"


async def test_the_same_idempotency_key_is_the_same_run(acme: httpx.AsyncClient) -> None:
    body = {"workflow_template": "greeting", "input_data": {"name": "once"}}
    headers = {"Idempotency-Key": f"order-{time.time_ns()}"}
    one = await acme.post("/workflows/start", json=body, headers=headers)
    two = await acme.post("/workflows/start", json=body, headers=headers)
    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json()["workflow_id"] == two.json()["workflow_id"]
    assert one.json()["run_id"] == two.json()["run_id"]
    await ended(acme, one.json()["workflow_id"])
    after_the_end = await acme.post("/workflows/start", json=body, headers=headers)
    assert after_the_end.json()["run_id"] == one.json()["run_id"]


async def test_an_idempotency_key_with_another_body_is_refused(acme: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": f"order-{time.time_ns()}"}
    bodies = [{"workflow_template": "greeting", "input_data": {"name": name}} for name in ("one", "two")]
    one, two = [await acme.post("/workflows/start", json=body, headers=headers) for body in bodies]
    assert (one.status_code, two.status_code) == (202, 422)
    assert two.json()["type"] == "/problems/idempotency-key-reused"


async def test_a_waiting_run_shows_where_it_waits_and_can_be_cancelled(acme: httpx.AsyncClient) -> None:
    published = await acme.post("/templates", params={"key": "waiting"}, json=waiting())
    assert published.status_code == 201, published.text
    run = await started(acme, "waiting")

    async def active() -> Any:
        progress = (await acme.get(f"/workflows/{run}/status")).json()["progress"]
        return progress and progress["active"]

    step = await eventually(active)
    assert step["node"] == "Wait"
    assert step["waiting"] is True
    assert (await acme.get(f"/workflows/{run}/result")).status_code == 409
    canceled = await acme.post(f"/workflows/{run}/cancel")
    assert canceled.status_code == 202
    assert canceled.json()["cancel_requested"] is True
    status = await ended(acme, run)
    assert status["status"] == "canceled"
    again = await acme.post(f"/workflows/{run}/cancel")
    assert again.status_code == 409
    assert again.json()["run_status"] == "canceled"


async def test_the_list_is_paged_newest_first_and_can_be_filtered(acme: httpx.AsyncClient) -> None:
    user = f"pager-{time.time_ns()}"
    runs = [await started(acme, "greeting", {"name": str(n)}, user_id=user) for n in range(5)]
    for run in runs:
        await ended(acme, run)

    async def listed() -> Any:
        page = (await acme.get("/workflows", params={"user_id": user, "status": "completed"})).json()
        return page["items"] if len(page["items"]) == len(runs) else None

    items = await eventually(listed)
    assert [item["workflow_id"] for item in items] == list(reversed(runs))
    assert items[0]["steps"] == 3
    seen, cursor = [], None
    for _ in range(3):
        params: dict[str, str | int] = {"user_id": user, "limit": 2}
        if cursor:
            params["cursor"] = cursor
        page = (await acme.get("/workflows", params=params)).json()
        seen += [item["workflow_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == list(reversed(runs))
    assert cursor is None
    assert (await acme.get("/workflows", params={"template": "nothing"})).json() == {"items": [], "next_cursor": None}


async def test_a_run_is_in_the_tables_within_a_second_of_its_end(acme: httpx.AsyncClient) -> None:
    """One of several: on a machine that is busy with other things some take longer."""

    async def took() -> float:
        run = await started(acme, "failing", {"name": "x"})
        await ended(acme, run)
        began = time.monotonic()

        async def listed() -> Any:
            items = (await acme.get("/workflows", params={"template": "failing", "status": "failed"})).json()["items"]
            return next((item for item in items if item["workflow_id"] == run), None)

        item = await eventually(listed)
        assert item["error"]["message"] == "No x today"
        return time.monotonic() - began

    async def within_a_second() -> bool:
        return await took() < 1.0

    assert await eventually(within_a_second)


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"workflow_template": "nothing"}, 404, "unknown-template"),
        ({"workflow_template": "greeting", "tenant_id": "globex"}, 403, "tenant-mismatch"),
        ({"input_data": {}}, 400, "bad-request"),
        ({"workflow_template": "greeting", "input_data": "text"}, 400, "bad-request"),
        ({"workflow_template": "greeting", "unknown": 1}, 400, "bad-request"),
    ],
)
async def test_the_answer_to_a_bad_start_says_what_is_wrong(
    acme: httpx.AsyncClient, body: dict[str, Any], status: int, problem: str
) -> None:
    answer = await acme.post("/workflows/start", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"/problems/{problem}"
    assert document["status"] == status
    assert document["detail"]


async def test_the_answer_about_an_unknown_template_lists_those_there_are(acme: httpx.AsyncClient) -> None:
    document = (await acme.post("/workflows/start", json={"workflow_template": "nothing"})).json()
    assert {"failing", "greeting"} <= set(document["available"])


async def test_not_json_and_too_much_are_different_problems(acme: httpx.AsyncClient) -> None:
    broken = await acme.post("/workflows/start", content=b"{nope", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    assert broken.headers["content-type"] == "application/problem+json"
    large = await acme.post(
        "/workflows/start", json={"workflow_template": "greeting", "input_data": {"x": "y" * 300_000}}
    )
    assert large.status_code == 413
    assert large.json()["type"] == "/problems/body-too-large"


async def test_a_workflow_that_saves_no_data_leaves_its_row(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """saveDataSuccessExecution: none: the history is gone from Temporal, too; how the run ended is known."""
    settings = {"saveDataSuccessExecution": "none"}
    quiet = export("Quiet", node("Start", "manualTrigger"), set_("Made", secret="={{ $json.name }}"), settings=settings)
    await acme.post("/templates", params={"key": "quiet"}, json=quiet)
    run = await started(acme, "quiet", {"name": "Ada"})

    async def gone() -> bool:
        return (await acme.get(f"/workflows/{run}/result")).status_code == 404

    await eventually(gone)
    assert (await acme.get(f"/workflows/{run}/status")).json()["status"] == "completed"

    async def row() -> bool:
        listed = (await acme.get("/workflows", params={"template": "quiet"})).json()["items"]
        return [(each["status"], each["steps"]) for each in listed] == [("completed", 2)]

    await eventually(row)
    assert (await acme.get(f"/workflows/{run}/history")).json()["steps"] == []


async def test_a_run_that_was_just_started_is_in_the_list_at_once(acme: httpx.AsyncClient) -> None:
    for _ in range(5):
        run = await started(acme, "greeting", user_id="who-looks-at-once")
        listed = (await acme.get("/workflows", params={"user_id": "who-looks-at-once"})).json()["items"]
        assert listed[0]["workflow_id"] == run
        assert listed[0]["trigger"] == "api"
        await ended(acme, run)


async def test_runs_are_found_by_what_they_declare(acme: httpx.AsyncClient, globex: httpx.AsyncClient) -> None:
    saved = {"values": [{"key": "order", "value": "={{ $json.order }}"}, {"key": "city", "value": "Rome"}]}
    declares = node("Declare", "executionData", 1, dataToSave=saved)
    steps = export("Declares", node("Start", "manualTrigger"), declares)
    assert (await acme.post("/templates", params={"key": "declares"}, json=steps)).status_code == 201
    runs = [await started(acme, "declares", {"order": order}) for order in ("4711", "4712")]
    for run in runs:
        assert (await ended(acme, run))["status"] == "completed"

    async def found(field: str, caller: httpx.AsyncClient = acme) -> list[str]:
        answer = await caller.get("/workflows", params={"field": field})
        assert answer.status_code == 200, answer.text
        return [each["workflow_id"] for each in answer.json()["items"]]

    await eventually(lambda: found("order=4712"))
    await eventually(lambda: found("order=4711"))
    assert await found("order=4711") == [runs[0]]
    assert sorted(await found("city=Rome")) == sorted(runs)
    assert await found("order=47") == await found("city=4711") == await found("order=4711", globex) == []
    assert (await acme.get("/workflows", params={"field": "order"})).status_code == 400
