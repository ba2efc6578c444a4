"""Schedules reach Temporal row by row: what it refuses stops nobody, and what drifts apart is put right."""

import functools
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow, ScheduleSpec
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.schedule_reconciler import ScheduleReconciler
from service.schedule_spec import Mark
from service.schedule_store import ScheduleRow, ScheduleStore, write_schedules
from service.scheduler import Scheduler, TemporalSchedules
from tests.service import eventually

QUEUE = "scheduler-test"
EVERY_2_SECONDS = {"every": 2, "offset": 0, "timezone": "UTC"}
WRAPPED = {"crons": ["0 0 22-2 * * *"], "timezone": "UTC"}


class Bench:
    """Two tenants of one test, and the scheduler's parts."""

    def __init__(self, temporal: Client, database: Database, url: str) -> None:
        self.temporal, self.database, self.url = temporal, database, url
        self.store = ScheduleStore(database)
        self.open = list[Scheduler | ScheduleReconciler]()
        suffix = uuid.uuid4().hex[:8]
        self.dev, self.bob = f"dev-{suffix}", f"bob-{suffix}"

    def scheduler(self) -> Scheduler:
        made = Scheduler(self.temporal, self.database, lambda _: QUEUE, self.url)
        self.open.append(made)
        return made

    def reconciler(self) -> ScheduleReconciler:
        made = ScheduleReconciler(self.temporal, self.database, lambda _: QUEUE, self.url)
        self.open.append(made)
        return made

    async def want(self, tenant: str, key: str, *rules: dict[str, Any]) -> None:
        """Publish a template with these rules; none: deactivate it."""
        rows = [(f"Every:{i}", "Every", json.dumps(rule)) for i, rule in enumerate(rules)]
        async with self.database.tenant_transaction(tenant) as connection:
            await connection.execute("insert into tenants (id) values (%s) on conflict do nothing", (tenant,))
            await write_schedules(connection, tenant, key, rows)

    async def apply(self, scheduler: Scheduler) -> None:
        """Apply every row of both tenants; the scheduler of an application in this process may hold the lock and do so instead."""

        async def applied() -> bool:
            await scheduler.apply()
            rows = [row for tenant in (self.dev, self.bob) for row in await self.store.rows(tenant)]
            return all(row.error or (row.spec is not None and row.spec == row.applied) for row in rows)

        await eventually(applied)

    async def row(self, tenant: str, id_: str) -> ScheduleRow:
        row = await self.store.row(tenant, id_)
        assert row is not None
        return row

    async def in_temporal(self, id_: str) -> bool:
        try:
            await self.temporal.get_schedule_handle(id_).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def listed(self, id_: str) -> bool:
        return any([each.id == id_ async for each in await self.temporal.list_schedules()])


@pytest.fixture
async def bench(temporal: Client, database: Database, service: Settings) -> AsyncIterator[Bench]:
    """Tenants of this test, whose schedules are gone afterwards."""
    assert service.database_url is not None
    made = Bench(temporal, database, service.database_url.get_secret_value())
    yield made
    for each in made.open:
        await each.close()
    for tenant in (made.dev, made.bob):
        for row in await made.store.rows(tenant):
            await TemporalSchedules(temporal, made.store, lambda _: QUEUE).remove(f"{tenant}:{row.id}")
        async with database.tenant_transaction(tenant) as connection:
            await connection.execute("delete from schedules where tenant_id = %s", (tenant,))


async def test_a_schedule_that_temporal_refuses_stops_no_other(bench: Bench) -> None:
    """The refused row keeps Temporal's words and is not sent again; the other tenant's is applied in the same round."""
    await bench.want(bench.dev, "bad", WRAPPED)
    await bench.want(bench.bob, "good", EVERY_2_SECONDS)
    scheduler = bench.scheduler()
    await bench.apply(scheduler)
    (good,) = await scheduler.list_schedules(bench.bob, "good")
    assert good.applied
    assert len(good.next) == 5
    (bad,) = await scheduler.list_schedules(bench.dev, "bad")
    assert not bad.applied
    assert bad.error == "Invalid schedule spec: Hour End is before Start or not in range [0-23]"
    assert bad.next_try is None
    await bench.apply(scheduler)
    assert (await bench.row(bench.dev, "bad:Every:0")).attempts == bad.attempts == 1
    await bench.want(bench.dev, "bad", EVERY_2_SECONDS)
    await bench.apply(scheduler)
    (mended,) = await scheduler.list_schedules(bench.dev, "bad")
    assert (mended.applied, mended.error) == (True, None)


async def test_a_refused_rule_takes_the_place_of_the_one_before(bench: Bench) -> None:
    """An earlier rule does not go on firing for a version that has another one; the refused row can be removed."""
    scheduler, id_ = bench.scheduler(), f"{bench.dev}:t:Every:0"
    await bench.want(bench.dev, "t", EVERY_2_SECONDS)
    await bench.apply(scheduler)
    assert await bench.in_temporal(id_)
    await bench.want(bench.dev, "t", WRAPPED)
    await bench.apply(scheduler)
    assert not await bench.in_temporal(id_)
    await bench.want(bench.dev, "t")
    await bench.apply(scheduler)
    assert await bench.store.rows(bench.dev) == []


async def test_hundreds_of_broken_schedules_delay_no_other_tenant(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are sent a few of each tenant in turn, so the other tenant's row is among the first sent."""
    sent, tried = list[str](), set[str]()
    send = TemporalSchedules.send

    async def slow(self: TemporalSchedules, tenant: str, row: ScheduleRow) -> None:
        sent.append(tenant)
        tried.add(row.id)
        if tenant == bench.dev:
            raise RPCError("try again", RPCStatusCode.INTERNAL, b"")
        await send(self, tenant, row)

    monkeypatch.setattr(TemporalSchedules, "send", slow)
    await bench.want(bench.dev, "many", *[EVERY_2_SECONDS] * 300)
    await bench.want(bench.bob, "one", EVERY_2_SECONDS)
    await bench.apply(bench.scheduler())
    assert bench.bob in sent[:100]
    assert len(tried) == 301, "each of them was tried"
    row = await bench.row(bench.dev, "many:Every:7")
    assert row.error == "try again"
    assert row.next_try is not None


async def test_schedules_that_temporal_lost_are_made_again(bench: Bench) -> None:
    """Deleted behind our back, as after a restore of an older Temporal or in another namespace."""
    scheduler, id_ = bench.scheduler(), f"{bench.bob}:t:Every:0"
    await bench.want(bench.bob, "t", EVERY_2_SECONDS)
    await bench.apply(scheduler)
    await bench.temporal.get_schedule_handle(id_).delete()

    async def unlisted() -> bool:
        return not await bench.listed(id_)

    await eventually(unlisted)
    drift = await bench.reconciler().reconcile()
    assert id_ in drift.lost
    await bench.apply(scheduler)
    assert await bench.in_temporal(id_)


async def test_a_schedule_that_differs_is_updated(bench: Bench) -> None:
    """Rows of a backup say that they are applied, and Temporal has a later rule."""
    scheduler, id_ = bench.scheduler(), f"{bench.bob}:t:Every:0"
    await bench.want(bench.bob, "t", EVERY_2_SECONDS)
    await bench.apply(scheduler)
    await eventually(lambda: bench.listed(id_))
    handle = bench.temporal.get_schedule_handle(id_)
    async with bench.database.tenant_transaction(bench.bob) as connection:
        other = json.dumps(EVERY_2_SECONDS | {"every": 3600})
        await connection.execute("update schedules set spec = %(spec)s, applied = %(spec)s", {"spec": other})
    assert id_ in (await bench.reconciler().reconcile()).changed
    await bench.apply(scheduler)
    (interval,) = (await handle.describe()).schedule.spec.intervals
    assert interval.every.total_seconds() == 3600


async def test_only_marked_schedules_of_this_installation_are_removed(bench: Bench) -> None:
    """One of ours without a row goes; one of another installation and one of somebody else stay."""
    scheduler = bench.scheduler()
    await bench.want(bench.bob, "t", EVERY_2_SECONDS, EVERY_2_SECONDS)
    await bench.apply(scheduler)
    other = Mark("00000000-0000-0000-0000-000000000000", "0" * 16)
    spec, action = ScheduleSpec(), ScheduleActionStartWorkflow("x", id="x", task_queue=QUEUE)
    foreign = {f"{bench.bob}:foreign:{uuid.uuid4()}": str(other), f"{bench.bob}:theirs:{uuid.uuid4()}": "a note"}
    for id_, note in foreign.items():
        schedule = Schedule(action=action, spec=spec)
        schedule.state.note = note
        await bench.temporal.create_schedule(id_, schedule)
    for id_ in (f"{bench.bob}:t:Every:0", *foreign):
        await eventually(functools.partial(bench.listed, id_))
    async with bench.database.tenant_transaction(bench.bob) as connection:
        await connection.execute("delete from schedules where id = 't:Every:0'")
    drift = await bench.reconciler().reconcile()
    assert f"{bench.bob}:t:Every:0" in drift.removed
    assert not set(foreign) & set(drift.removed)
    for id_ in foreign:
        await bench.temporal.get_schedule_handle(id_).delete()
    await bench.apply(scheduler)
    assert await bench.in_temporal(f"{bench.bob}:t:Every:1")


async def test_a_schedule_that_an_operator_paused_stays_paused(bench: Bench) -> None:
    """The reconciler leaves it alone, and a publication does not resume it."""
    scheduler, id_ = bench.scheduler(), f"{bench.bob}:t:Every:0"
    await bench.want(bench.bob, "t", EVERY_2_SECONDS)
    await bench.apply(scheduler)
    handle = bench.temporal.get_schedule_handle(id_)
    await handle.pause(note="not tonight")

    async def seen_paused() -> bool:
        listed = [each async for each in await bench.temporal.list_schedules() if each.id == id_]
        return any(each.schedule is not None and each.schedule.state.paused for each in listed)

    await eventually(seen_paused)
    assert id_ not in (await bench.reconciler().reconcile()).changed
    await bench.want(bench.bob, "t", EVERY_2_SECONDS | {"every": 60})
    await bench.apply(scheduler)
    assert (await handle.describe()).schedule.state.paused


async def test_a_replica_that_was_slow_leaves_no_schedule_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its look at the row and its call the template was deactivated, and another replica removed the schedule."""
    id_ = f"{bench.bob}:t:Every:0"
    await bench.want(bench.bob, "t", EVERY_2_SECONDS)
    send = TemporalSchedules.send

    async def late(self: TemporalSchedules, tenant: str, row: ScheduleRow) -> None:
        if tenant == bench.bob and row.spec is not None:
            monkeypatch.setattr(TemporalSchedules, "send", send)
            await bench.want(bench.bob, "t")
            async with bench.database.tenant_transaction(bench.bob) as connection:  # as the other replica would do
                await connection.execute("delete from schedules where spec is null")
        await send(self, tenant, row)

    monkeypatch.setattr(TemporalSchedules, "send", late)
    await bench.apply(bench.scheduler())
    assert not await bench.in_temporal(id_)
    assert await bench.store.rows(bench.bob) == []


async def test_a_tenant_belongs_to_one_replica_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second scheduler leaves a tenant alone while the first one applies its rows."""
    await bench.want(bench.bob, "t", EVERY_2_SECONDS)
    send, second, sent = TemporalSchedules.send, bench.scheduler(), list[str]()

    async def nested(self: TemporalSchedules, tenant: str, row: ScheduleRow) -> None:
        sent.append(row.id)
        if len(sent) == 1:
            await second.apply()
        await send(self, tenant, row)

    monkeypatch.setattr(TemporalSchedules, "send", nested)
    await bench.apply(bench.scheduler())
    assert sent.count("t:Every:0") == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"crons": ["nonsense"], "timezone": "UTC"}, "does not have 5-7 fields"),
        ({"crons": ["0 0 0 * * *"], "timezone": "Mars/Base"}, "Mars/Base"),
        ({"crons": ["0 0 0 * * *"]}, "timezone"),
        ({"every": 1e300, "timezone": "UTC"}, "cannot be read"),
        ({"every": "x", "timezone": "UTC"}, "cannot be read"),
        ({"every": 60, "timezone": "UTC", "kind": "what"}, "what"),
    ],
)
async def test_every_kind_of_odd_rule_has_its_reason(bench: Bench, rule: dict[str, Any], words: str) -> None:
    """Rows of an older compiler or of another hand; none of them is sent again."""
    await bench.want(bench.dev, "odd", rule)
    await bench.apply(bench.scheduler())
    row = await bench.row(bench.dev, "odd:Every:0")
    assert words in (row.error or "")
    assert row.next_try is None
