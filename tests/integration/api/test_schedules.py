"""Schedules: a publication makes them in Temporal, a run of one takes the current version, deactivation removes them."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")

EVERY_SECOND = {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}
DAILY = {
    "rule": {
        "interval": [{"field": "days", "triggerAtHour": 9}, {"field": "cronExpression", "expression": "0 0 1 * MON"}]
    }
}


def ticking(value: str, parameters: dict[str, Any]) -> dict[str, Any]:
    workflow = export("Ticking", node("Every", "scheduleTrigger", 1.2, **parameters), set_("Mark", value=value))
    return workflow | {"settings": {"executionOrder": "v1", "timezone": "Europe/Berlin"}}


async def test_a_schedule_starts_runs_of_the_version_that_is_current_then(acme: httpx.AsyncClient) -> None:
    params = {"key": "ticking"}
    assert (await acme.post("/templates", params=params, json=ticking("one", EVERY_SECOND))).status_code == 201

    async def ended() -> Any:
        return (await acme.get("/workflows", params={"template": "ticking", "status": "completed"})).json()["items"]

    first = (await eventually(ended, 20))[0]
    result = (await acme.get(f"/workflows/{first['workflow_id']}/result")).json()
    item = result["outputs"][0][0]["json"]
    assert item["value"] == "one"
    assert item["Timezone"].startswith("Europe/Berlin (UTC+")
    assert first["trigger"] == "schedule"
    await acme.post("/templates", params=params, json=ticking("two", EVERY_SECOND))

    async def second() -> Any:
        for run in await ended():
            workflow = (await acme.get(f"/workflows/{run['workflow_id']}/result")).json()
            if workflow["outputs"][0][0]["json"]["value"] == "two":
                return True
        return None

    assert await eventually(second, 20)
    assert (await acme.post("/templates/ticking/deactivate")).status_code == 200

    async def gone() -> Any:
        return (await acme.get("/templates/ticking/schedules")).json()["items"] == []

    assert await eventually(gone, 20)
    listed = {each["key"]: each for each in (await acme.get("/templates")).json()["items"]}
    assert listed["ticking"]["active"] is False
    before = len(await ended())
    await asyncio.sleep(3)
    after = len(await ended())
    assert after <= before + 1  # one may have been under way


async def test_the_next_times_are_shown_in_the_time_zone_of_the_workflow(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient
) -> None:
    assert (await acme.post("/templates", params={"key": "daily"}, json=ticking("x", DAILY))).status_code == 201

    async def applied() -> Any:
        items = (await acme.get("/templates/daily/schedules")).json()["items"]
        return items if len(items) == 2 and all(each["applied"] and each["next"] for each in items) else None

    daily, monthly = await eventually(applied, 20)
    assert daily["rule"]["timezone"] == "Europe/Berlin"
    assert {each[11:13] for each in daily["next"]} <= {"07", "08"}  # 9 o'clock in Berlin, as UTC
    assert len(monthly["rule"]["crons"]) == 2, "the first of the month, and every Monday"
    assert (await globex.get("/templates/daily/schedules")).status_code == 404
    await acme.post("/templates/daily/deactivate")


async def test_a_schedule_that_never_fires_is_reported_before_it_is_published(acme: httpx.AsyncClient) -> None:
    never = {"rule": {"interval": [{"field": "cronExpression", "expression": "0 0 30 2 *"}]}}
    answer = await acme.post("/templates", params={"key": "never"}, json=ticking("x", never))
    assert answer.status_code == 422
    assert any(each["code"] == "N8T314" and "never fires" in each["message"] for each in answer.json()["diagnostics"])
