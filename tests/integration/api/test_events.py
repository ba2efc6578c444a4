"""The events of a run: each step once, in order, also for a listener that was away."""

from typing import Any

import httpx
import orjson
import pytest

from tests.exports import export, node, set_
from tests.service import ended, started

pytestmark = pytest.mark.usefixtures("worker")


async def read_events(acme: httpx.AsyncClient, run: str, last: int | None = None) -> list[tuple[str, int, Any]]:
    """(kind, id, data) of every event until the end."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    answer = await acme.get(f"/workflows/{run}/events", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    received = []
    for block in answer.text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in lines:
            received.append((lines["event"], int(lines["id"]), orjson.loads(lines["data"])))
    return received


async def test_the_events_of_an_open_run_come_until_its_end(acme: httpx.AsyncClient, globex: httpx.AsyncClient) -> None:
    workflow = export("Slow", node("Start", "manualTrigger"), node("Wait", "wait", 1.1, amount=1), set_("After", a="1"))
    await acme.post("/templates", params={"key": "watched"}, json=workflow)
    run = await started(acme, "watched")
    events = await read_events(acme, run)
    assert [(each[2]["node"], each[1]) for each in events if each[0] == "step"] == [
        ("Start", 1),
        ("Wait", 2),
        ("After", 3),
    ]
    assert any(each[0] == "status" and (each[2]["active"] or {}).get("waiting") for each in events), (
        "it reported that it waits"
    )
    assert events[-1][0] == "end"
    assert events[-1][2] == {"status": "completed", "error": None}
    again = await read_events(acme, run, last=2)
    assert [each[2]["node"] for each in again if each[0] == "step"] == ["After"]
    assert (await globex.get(f"/workflows/{run}/events")).status_code == 404


async def test_the_end_of_a_failed_run_has_its_error(acme: httpx.AsyncClient, published: dict[str, Any]) -> None:
    del published
    run = await started(acme, "failing", {"name": "x"})
    await ended(acme, run)
    end = (await read_events(acme, run))[-1]
    assert end[2]["status"] == "failed"
    assert end[2]["error"]["message"] == "No x today"
