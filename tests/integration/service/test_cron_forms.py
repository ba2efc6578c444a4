"""Temporal takes every line that the compiler makes of a cron expression, and fires when n8n fires."""

import asyncio
import uuid
import zoneinfo
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow, ScheduleSpec, ScheduleState
from temporalio.service import RPCError

from runtime.values.cron_expression import cron_lines
from runtime.values.schedules import Firing, cron_row, interval, schedule_row
from schemas.facts import BadScheduleError
from service.schedule_spec import temporal_spec
from tests.cron_forms import FORMS, CronForm

AT_ONCE = asyncio.Semaphore(16)


async def next_times(temporal: Client, spec: ScheduleSpec) -> list[datetime]:
    """Create a schedule that is paused, return its next times, and delete it."""
    action = ScheduleActionStartWorkflow("x", id="cron-form", task_queue="nobody")
    async with AT_ONCE:
        schedule = Schedule(action=action, spec=spec, state=ScheduleState(paused=True))
        handle = await temporal.create_schedule(f"cron-form-{uuid.uuid4()}", schedule)
        try:
            return list((await handle.describe()).info.next_action_times)
        finally:
            await handle.delete()


async def test_temporal_fires_a_cron_expression_when_n8n_does(temporal: Client) -> None:
    """Between now and the last of Temporal's next times there is no other time of n8n's library, and none is missing."""
    faults = list[str]()

    async def compare(form: CronForm, lines: tuple[str, ...]) -> None:
        before = datetime.now(UTC)
        try:
            times = await next_times(temporal, temporal_spec({"crons": list(lines), "timezone": "UTC"}))
        except RPCError as error:
            faults.append(f"{form.text!r} as {lines}: {error.message}")
            return
        first = max(times[0], before) if times else before
        expected = list(form.times(first, times[-1])) if times else []
        earlier = list(form.times(datetime.now(UTC), first - timedelta(seconds=1))) if times else []
        if not times or times != expected or earlier:
            faults.append(f"{form.text!r} as {lines}: {times} instead of {[*earlier, *expected]}")

    forms = {}
    for form in FORMS:
        try:
            forms[cron_lines(form.text)] = form if form.values else None
        except BadScheduleError:
            continue
    await asyncio.gather(*(compare(form, lines) for lines, form in forms.items() if form is not None))
    assert faults == []
    assert len([each for each in forms.values() if each]) > 80, "different lines"


async def test_temporal_takes_every_rule_of_the_schedule_nodes(temporal: Client) -> None:
    """The smallest and the largest values of each rule are a schedule for Temporal."""
    rows = [
        {"field": field, f"{field}Interval": every, "triggerAtHour": 23, "triggerAtMinute": 59,
         "triggerAtDayOfMonth": day, "triggerAtDay": days}
        for field in ("seconds", "minutes", "hours", "days", "weeks", "months")
        for every in (1, 2, 7, 59, 60, 1_428 if field == "weeks" else 10_000)
        for day, days in ((1, [0]), (31, [0, 1, 2, 3, 4, 5, 6, 7]))
    ]  # fmt: skip
    old = [{"mode": "everyX", "value": value, "unit": unit} for value in (1, 59, 1000) for unit in ("minutes", "hours")]
    firings: list[Firing] = [each for row in rows for each in schedule_row(row, 59)]
    firings += [each for row in old for each in cron_row(row, 59)]
    firings += [interval(1, "seconds"), interval(240_000, "hours")]

    async def create(firing: Firing) -> str | None:
        try:
            times = await next_times(temporal, temporal_spec(firing.to_json() | {"timezone": "Europe/Berlin"}))
        except RPCError as error:
            return f"{firing}: {error.message}"
        return None if times else f"{firing}: never fires"

    results = await asyncio.gather(*(create(each) for each in {repr(each): each for each in firings}.values()))
    assert [each for each in results if each] == []


async def test_temporal_knows_every_time_zone_that_compiles(temporal: Client) -> None:
    """A zone that the compiler knows and Temporal does not would be refused after the publication."""

    async def create(zone: str) -> str | None:
        try:
            await next_times(temporal, temporal_spec({"crons": ["0 0 12 * * *"], "timezone": zone}))
        except RPCError as error:
            return f"{zone}: {error.message}"
        return None

    results = await asyncio.gather(*(create(each) for each in sorted(zoneinfo.available_timezones())))
    assert [each for each in results if each] == []
