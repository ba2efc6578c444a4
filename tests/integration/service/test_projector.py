"""The projector: what Temporal knows is in the tables, once, whichever way it ended."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.background_loops import BackgroundLoop
from service.execution_store import ExecutionRow, ExecutionStore, StepRow
from service.projection.projector import Projector
from service.projection.shard_locks import SHARDS
from tests.integration.service.canned_runs import OWN_LOCK, alone, begin, row, until


@pytest.mark.parametrize("ending", ["completed", "failed"])
async def test_a_run_that_ended_is_written_with_its_steps_and_its_agents(
    temporal: Client, database: Database, projector: Projector, ending: str
) -> None:
    handle = await begin(temporal, ending)
    found = await row(ExecutionStore(database), handle.id, lambda each: each.status == ending)
    assert projector.active
    assert (found.user_id, found.plan_hash, found.trigger_kind, found.step_count) == ("u7", "h", "api", 1)
    assert found.closed_at is not None
    step = (found.steps or [])[0]
    assert isinstance(step, StepRow)
    assert (step.node, step.items_in, step.items_out, step.tries) == ("Set", [1], [2, 0], 1)
    assert (found.error is None) == (ending == "completed")
    async with database.tenant_transaction("acme") as connection:
        rows = await (
            await connection.execute("select * from agent_utilization where execution_id = %s", (handle.id,))
        ).fetchall()
    assert [(each["agent"], each["input_tokens"], each["duration_ms"]) for each in rows] == [("analyst", 7, 40)]


async def test_a_run_that_goes_on_is_there_and_one_terminated_from_outside_is_closed(
    temporal: Client, database: Database, projector: Projector
) -> None:
    del projector
    handle = await begin(temporal, "wait")
    store = ExecutionStore(database)
    assert (await row(store, handle.id)).status == "running"
    await handle.terminate(reason="by an operator")
    found = await row(store, handle.id, lambda each: each.status == "terminated")
    assert found.error is not None
    assert "by an operator" in found.error["message"]


async def test_what_happened_while_no_projector_ran_is_written_afterwards(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    del canned
    handle = await begin(temporal, "completed")
    await handle.result()
    late = alone(temporal, database, service)
    await until(lambda: _looked(late, database, handle.id))


async def _looked(late: Projector, database: Database, id_: str) -> bool:
    await late.look(datetime.now(UTC) - timedelta(minutes=5))
    return await ExecutionStore(database).get("acme", id_) is not None


async def test_looking_twice_changes_nothing(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    del canned
    handle = await begin(temporal, "completed")
    await handle.result()
    first, store, seen = alone(temporal, database, service), ExecutionStore(database), list[object]()

    async def settled() -> bool:
        """Visibility is behind: the first looks may find the run open, and runs of the tests before."""
        await first.look(datetime.now(UTC) - timedelta(minutes=5))
        row = await store.get("acme", handle.id, with_steps=True)
        seen.append((row, await store.metrics("acme", None)))
        return row is not None and row.status == "completed" and seen[-2:-1] == seen[-1:]

    await until(settled)
    await alone(temporal, database, service).look(datetime.now(UTC) - timedelta(minutes=5))
    assert (await store.get("acme", handle.id, with_steps=True), await store.metrics("acme", None)) == seen[-1]


async def test_two_projectors_share_the_shards_and_one_takes_over_from_the_other(
    temporal: Client, database: Database, service: Settings, projector: Projector
) -> None:
    """Each has half of the shards; when one goes, the other has them all."""

    async def alone_at_work() -> bool:
        return len(projector.shards) == SHARDS

    await until(alone_at_work)
    assert service.database_url is not None
    second = Projector(temporal, database, service.database_url.get_secret_value(), pace=0.05, lock=OWN_LOCK)
    task = asyncio.create_task(BackgroundLoop("second", second.run, late_after=60).run())

    async def shared() -> bool:
        return len(projector.shards) == len(second.shards) == SHARDS // 2

    await until(shared)
    assert not projector.shards & second.shards
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(alone_at_work)
    handle = await begin(temporal, "completed")
    assert (await row(ExecutionStore(database), handle.id, lambda each: each.status == "completed")).step_count == 1


async def test_a_projector_whose_lock_is_lost_stops_at_once_and_comes_back(
    temporal: Client, database: Database, service: Settings, projector: Projector
) -> None:
    """The session of the locks ends as when Postgres loses it: nothing is written by who no longer has the lock."""
    del service

    async def active() -> bool:
        return projector.active

    async def idle() -> bool:
        return not projector.active

    await until(active)
    async with database.transaction() as connection:
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
                                 " and pid in (select pid from pg_locks where locktype = 'advisory' and objid = %s)",
                                 ("tempor8 projector", OWN_LOCK))  # fmt: skip
    await until(idle)
    await until(active)
    handle = await begin(temporal, "completed")
    assert (await row(ExecutionStore(database), handle.id, lambda each: each.status == "completed")).step_count == 1


async def test_a_projector_of_the_time_before_shards_is_not_joined(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    """During an upgrade the old one has the lock for itself, and sums of rows would drift if both wrote."""
    del canned
    assert service.database_url is not None
    new = Projector(temporal, database, service.database_url.get_secret_value(), pace=0.05, lock=7_002)
    async with database.transaction() as connection:
        await connection.execute("select pg_advisory_lock(7002)")
        task = asyncio.create_task(BackgroundLoop("new", new.run, late_after=60).run())
        await asyncio.sleep(0.5)
        assert not new.active
        await connection.execute("select pg_advisory_unlock(7002)")

    async def active() -> bool:
        return new.active

    await until(active)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_runs_of_an_unknown_tenant_disturb_no_others(
    temporal: Client, database: Database, projector: Projector
) -> None:
    del projector
    await begin(temporal, "completed", tenant="stranger")
    handle = await begin(temporal, "completed")
    assert (await row(ExecutionStore(database), handle.id)).tenant == "acme"


async def test_a_run_that_temporal_has_forgotten_is_closed_in_the_end(
    temporal: Client, database: Database, service: Settings, canned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del canned
    store = ExecutionStore(database)
    id_ = f"acme:canned:{uuid.uuid4()}"
    lost = ExecutionRow("acme", id_, "r", "canned", "h", "api", "running", datetime.now(UTC) - timedelta(days=1))
    await store.write("acme", [lost])
    monkeypatch.setattr("service.projection.repair.UNSEEN_FOR", timedelta(0))
    await alone(temporal, database, service)._repair.find_gone()
    found = await store.get("acme", id_)
    assert found is not None
    assert found.status == "terminated"
    assert found.error == {"name": "Forgotten", "message": "Temporal has no record of this run any more"}
