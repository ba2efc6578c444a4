"""JSON that some writers refuse: half an emoji, deep nesting, times after the year 9999, results that are gone."""

import json
from typing import Any

import httpx
import pytest

from runtime.platform.postgres import Database
from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")

HALF = "a\ud83d"
CODE = "return [{json: {text: 'a😀'.slice(0, 2)}}]"


async def _publish(acme: httpx.AsyncClient, key: str, *nodes: dict[str, Any]) -> None:
    answer = await acme.post("/templates", params={"key": key}, json=export(key, *nodes))
    assert answer.status_code in (200, 201), answer.text


async def test_half_an_emoji_is_shown_as_json_stringify_writes_it(acme: httpx.AsyncClient) -> None:
    """In status, result and history; the text of the answer is an escape sequence."""
    await _publish(
        acme, "half", node("Start", "manualTrigger"), node("Code", "code", 2, jsCode=CODE), set_("End", b="c")
    )
    run = await started(acme, "half")
    status = await ended(acme, run)
    assert status["result"]["first_item"] == {"text": HALF, "b": "c"}
    result = await acme.get(f"/workflows/{run}/result")
    assert result.json()["outputs"] == [[{"json": {"text": HALF, "b": "c"}, "pairedItem": {"item": 0}}]]
    assert b'"a\\ud83d"' in result.content
    history = await acme.get(f"/workflows/{run}/history")
    assert history.json()["steps"][1]["output"] == [{"text": HALF}]
    events = await acme.get(f"/workflows/{run}/events")
    assert "event: end" in events.text


async def test_an_error_with_half_an_emoji_has_its_journal(acme: httpx.AsyncClient) -> None:
    """The run failed at its node, with the message as the author wrote it, and is among the failures."""
    stop = node("Stop", "stopAndError", errorMessage="={{ 'a😀'.slice(0, 2) }}")
    await _publish(acme, "half-error", node("Start", "manualTrigger"), stop)
    status = await ended(acme, await started(acme, "half-error"))
    assert status["status"] == "failed"
    assert status["error"]["node"] == "Stop"
    assert status["error"]["message"] == HALF
    assert status["progress"]["steps_done"] == 2

    async def grouped() -> bool:
        failures = (await acme.get("/failures")).json()["items"]
        return any(each["workflow_template"] == "half-error" and each["error"]["node"] == "Stop" for each in failures)

    assert await eventually(grouped)


async def test_a_webhook_answers_half_an_emoji(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    """The last node's item goes out as JSON.stringify writes it."""
    hook = node("Hook", "webhook", 2, path="half", httpMethod="GET", responseMode="lastNode", options={})
    await _publish(acme, "half-hook", hook, node("Code", "code", 2, jsCode=CODE))
    answer = await anonymous.get("/webhook/acme/half")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"text": HALF}


@pytest.mark.parametrize("levels", [201, 300, 3_000, 30_000])
async def test_a_start_with_deep_json_is_refused_in_words(acme: httpx.AsyncClient, levels: int) -> None:
    """A problem of the caller, not a mistake of the service."""
    deep = "[" * levels + "]" * levels
    body = f'{{"workflow_template": "greeting", "input_data": {{"v": {deep}}}}}'
    answer = await acme.post("/workflows/start", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


async def test_a_start_may_have_half_an_emoji_or_is_refused(acme: httpx.AsyncClient) -> None:
    """Either way in words."""
    body = json.dumps({"workflow_template": "greeting", "input_data": {"name": HALF}})
    headers = {"content-type": "application/json", "idempotency-key": "half"}
    answer = await acme.post("/workflows/start", content=body, headers=headers)
    assert answer.status_code in (202, 400), answer.text


async def test_a_wait_until_after_the_year_9999_has_a_status(acme: httpx.AsyncClient) -> None:
    """It is shown as the end of that year."""
    wait = node("Wait", "wait", 1.1, amount=100_000_000, unit="days")
    await _publish(acme, "late", node("Start", "manualTrigger"), wait)
    run = await started(acme, "late")
    answer = await acme.get(f"/workflows/{run}/status")
    assert answer.status_code == 200, answer.text
    await acme.post(f"/workflows/{run}/cancel")


async def test_a_result_that_is_gone_is_said(acme: httpx.AsyncClient, database: Database) -> None:
    """Status, history and result name the payload; the run is what it was, and no result is made up for it."""
    code = node("Code", "code", 2, jsCode="return [{json: {text: String(Math.random()).repeat(20000)}}]")
    await _publish(acme, "gone", node("Start", "manualTrigger"), code)
    run = await started(acme, "gone")
    assert (await ended(acme, run))["status"] == "completed"
    async with database.tenant_transaction("acme") as connection:
        await connection.execute(
            "delete from payloads p using payload_uses u where u.address = p.address and u.workflow_id = %s", (run,)
        )
    answer = await acme.get(f"/workflows/{run}/result")
    assert answer.status_code == 410, answer.text
    assert "is gone" in answer.json()["detail"]
    for path in ("status", "history"):
        answer = await acme.get(f"/workflows/{run}/{path}")
        assert answer.status_code == 200, (path, answer.text)
        assert "is gone" in answer.json()["error"]["message"], path
        assert answer.json()["status"] == "completed"
        assert [each["kind"] for each in answer.json()["problems"]] == ["unreadable"], path
