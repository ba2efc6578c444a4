"""Schedules: a publication makes them in Temporal, a run of one takes the current version, deactivation removes them."""

import asyncio
from typing import Any

import httpx
import pytest
from temporalio.client import ScheduleActionStartWorkflow
from temporalio.service import RPCError

from api.dependencies import Dependencies
from schemas.kinds import Mode, TriggerKind
from schemas.run import StartInput
from service.changes import CHANGES
from service.schedule_store import write_schedules
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

    first = (await eventually(ended))[0]
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

    assert await eventually(second)
    assert (await acme.post("/templates/ticking/deactivate")).status_code == 200

    async def gone() -> Any:
        return (await acme.get("/templates/ticking/schedules")).json()["items"] == []

    assert await eventually(gone)
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

    daily, monthly = await eventually(applied)
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


async def test_two_nodes_that_fire_at_the_same_second_start_two_runs(acme: httpx.AsyncClient) -> None:
    """The ids of their runs differ, so Temporal drops neither of them."""
    cron = {"rule": {"interval": [{"field": "cronExpression", "expression": "*/2 * * * * *"}]}}
    nodes = [node(name, "scheduleTrigger", 1.2, **cron) for name in ("First", "Second")]
    workflow = export("Twice", *nodes) | {"connections": {}}
    answer = await acme.post("/templates", params={"key": "twice"}, json=workflow)
    assert answer.status_code == 201
    assert [each["applied"] for each in answer.json()["schedules"]] == [True, True]

    async def both() -> Any:
        runs = (await acme.get("/workflows", params={"template": "twice", "status": "completed"})).json()["items"]
        seconds = [run["workflow_id"].rpartition("-2")[2] for run in runs]
        return any(seconds.count(each) == 2 for each in seconds)

    assert await eventually(both)
    await acme.post("/templates/twice/deactivate")


async def test_a_schedule_without_a_row_starts_nothing(acme: httpx.AsyncClient, dependencies: Dependencies) -> None:
    """A process that had stopped made it after the template was deactivated: each of its runs says so and ends."""
    hourly = {"rule": {"interval": [{"field": "hours"}]}}
    answer = await acme.post("/templates", params={"key": "zombie"}, json=ticking("x", hourly))
    ((schedule,),) = [answer.json()["schedules"]]
    handle = dependencies.temporal.get_schedule_handle(f"acme:{schedule['id']}")
    made = (await handle.describe()).schedule
    assert (await acme.post("/templates/zombie/deactivate")).status_code == 200
    assert (await acme.get("/templates/zombie/schedules")).json()["items"] == []

    async def removed() -> Any:
        try:
            await handle.describe()
        except RPCError:
            return True
        return None

    assert await eventually(removed)
    assert isinstance(made.action, ScheduleActionStartWorkflow)
    input_ = StartInput(
        tenant="acme",
        template="zombie",
        start="Every",
        trigger_kind=TriggerKind.SCHEDULE,
        mode=Mode.TRIGGER,
        items=[{"json": {}}],
    )
    made.action.args = [input_.model_dump(mode="json")]
    await dependencies.temporal.create_schedule(f"acme:{schedule['id']}", made, trigger_immediately=True)

    async def failed() -> Any:
        return (await acme.get("/workflows", params={"template": "zombie", "status": "failed"})).json()["items"]

    (run,) = await eventually(failed)
    status = (await acme.get(f"/workflows/{run['workflow_id']}/status")).json()
    assert "is gone: its template was deactivated, changed or deleted" in status["error"]["message"]
    await handle.delete()


async def test_what_temporal_says_of_a_schedule_is_shown_with_the_template(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """A rule that only Temporal refuses: in the list of templates and of schedules, for its tenant alone."""
    await acme.post("/templates", params={"key": "refused"}, json=ticking("x", DAILY))
    async with dependencies.database.tenant_transaction("acme") as connection:
        rule = '{"crons": ["0 0 22-2 * * *"], "timezone": "UTC"}'
        await write_schedules(connection, "acme", "refused", [("Every:0", "Every", rule)])
        await connection.execute("select pg_notify(%s, 'acme')", (CHANGES,))
    words = "Invalid schedule spec: Hour End is before Start or not in range [0-23]"

    async def told() -> Any:
        return [each for each in (await acme.get("/templates/refused/schedules")).json()["items"] if each["error"]]

    (shown,) = await eventually(told)
    assert (shown["error"], shown["applied"], shown["next_try"]) == (words, False, None)
    listed = {each["key"]: each for each in (await acme.get("/templates")).json()["items"]}
    assert listed["refused"]["schedule_errors"] == [words]
    assert all(each["schedule_errors"] == [] for each in (await globex.get("/templates")).json()["items"])
    await acme.post("/templates/refused/deactivate")
