"""The collector: what is due goes, of every tenant, in small transactions; nothing else does, whatever interrupts it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import sql
from temporalio.client import Client

from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.storage.blobs import BlobMissing, BlobStore
from service import retention
from service.credential_uses import CredentialUse, CredentialUses
from service.retention import Collector
from service.run_reader import TemporalRuns

RETENTION = timedelta(days=30)
CLOSED_RUN = """
    insert into workflow_executions (tenant_id, id, template_key, plan_hash, trigger_kind, status, started_at, closed_at, steps)
        values (%(tenant)s, %(id)s, 't', 'h', 'rest', 'completed', now() - %(age)s, now() - %(age)s, %(steps)s);
    insert into workflow_events (tenant_id, execution_id, sequence, node, type, status, started_at)
        select %(tenant)s, %(id)s, n, 'n', 't', 'success', now() from generate_series(1, %(steps)s) n;
    insert into run_archive (tenant_id, execution_id, sealed) values (%(tenant)s, %(id)s, 'x');
    insert into start_keys (tenant_id, template_key, key_digest, request_digest, created_at)
        values (%(tenant)s, 't', %(run)s, sha256('x'), now() - %(age)s);
    update payload_uses set used_at = now() - %(age)s where workflow_id = %(id)s"""
TABLES = ("workflow_executions", "workflow_events", "run_archive", "start_keys", "payloads", "payload_uses")


@pytest.fixture
def collector(database: Database, blobs: BlobStore, temporal: Client) -> Collector:
    """One with the retention of the settings."""
    return Collector(database, blobs, TemporalRuns(temporal), RETENTION)


async def closed(database: Database, tenant: str, *, days_ago: int, steps: int = 0, id_: str = "") -> str:
    """The rows of a run that ended, with archive, steps and the key it was started with."""
    run = str(uuid.uuid4())
    id_ = id_ or f"{tenant}:t:{run}"
    values = {"tenant": tenant, "id": id_, "run": run, "age": timedelta(days=days_ago), "steps": steps}
    async with database.tenant_transaction(tenant) as connection:
        for statement in CLOSED_RUN.split(";"):
            await connection.execute(statement.encode(), values)
    return id_


async def counts(database: Database, tenant: str) -> dict[str, int]:
    """How many rows a tenant has."""
    result = {}
    async with database.tenant_transaction(tenant) as connection:
        for table in TABLES:
            cursor = await connection.execute(sql.SQL("select count(*) as n from {}").format(sql.Identifier(table)))
            row = await cursor.fetchone()
            assert row is not None
            result[table] = row["n"]
    return result


async def new_tenant(database: Database) -> str:
    """A tenant of one test."""
    tenant = f"ret-{uuid.uuid4().hex[:8]}"
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("insert into tenants (id, name) values (%s, 'x')", (tenant,))
        await connection.execute("insert into projector_tenants (tenant_id) values (%s)", (tenant,))
    return tenant


async def test_everything_of_old_runs_goes_and_nothing_of_young_ones(
    collector: Collector, database: Database, blobs: BlobStore
) -> None:
    """Rows, steps, archive, key and payloads, of two tenants."""
    for _ in range(2):
        tenant = await new_tenant(database)
        old, young = f"{tenant}:t:{uuid.uuid4()}", f"{tenant}:t:{uuid.uuid4()}"
        gone, kept = [await blobs.put(tenant, uuid.uuid4().bytes, used_by=each) for each in (old, young)]
        await closed(database, tenant, days_ago=40, steps=3, id_=old)
        await closed(database, tenant, days_ago=20, steps=2, id_=young)
        assert (await collector.collect())["runs"] >= 1
        left = await counts(database, tenant)
        assert left["workflow_executions"] == left["run_archive"] == left["payloads"] == left["payload_uses"] == 1
        assert left["workflow_events"] == 2
        with pytest.raises(BlobMissing):
            await blobs.get(tenant, gone)
        assert await blobs.get(tenant, kept)


async def test_a_key_lives_as_long_as_the_row_of_its_run(collector: Collector, database: Database) -> None:
    """A run that waited for a month after its start still answers a delivery that comes again."""
    tenant = await new_tenant(database)
    id_ = await closed(database, tenant, days_ago=40)
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("update workflow_executions set closed_at = now() - interval '1 day'")
    assert (await collector.collect_tenant(tenant))["keys"] == 0
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute(
            "update workflow_executions set closed_at = now() - interval '31 days' where id = %s", (id_,)
        )
    assert (await collector.collect_tenant(tenant))["keys"] == 1


async def test_a_tenant_is_looked_at_when_something_is_due(
    collector: Collector, database: Database, blobs: BlobStore, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a round its next one is when its oldest run is due, but within a day; with another retention at once."""
    tenant, seen = await new_tenant(database), []
    await closed(database, tenant, days_ago=29)
    collect_tenant = Collector.collect_tenant

    async def look(self: Collector, each: str) -> dict[str, int]:
        seen.append(each)
        return await collect_tenant(self, each)

    monkeypatch.setattr(Collector, "collect_tenant", look)
    await collector.collect()
    await collector.collect()
    assert seen.count(tenant) == 1
    async with database.tenant_transaction(tenant) as connection:
        cursor = await connection.execute(
            "select extract(epoch from due_at - now())::float as seconds from retention_due where tenant_id = %s",
            (tenant,),
        )
        row = await cursor.fetchone()
    assert row is not None
    assert row["seconds"] == pytest.approx(86_400, abs=60)
    shorter = Collector(database, blobs, TemporalRuns(temporal), timedelta(days=10))
    assert (await shorter.collect())["runs"] >= 1
    assert seen.count(tenant) == 2


async def test_deletions_are_small_transactions(
    collector: Collector, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one run of many steps; in the end all of it is gone."""
    monkeypatch.setattr(retention, "BATCH_ROWS", 50)
    tenant = await new_tenant(database)
    await closed(database, tenant, days_ago=50, steps=333)
    for _ in range(40):
        await closed(database, tenant, days_ago=40, steps=9)
    sizes: list[int] = []
    delete_runs = Collector._delete_runs

    async def measure(self: Collector, tenant: str) -> tuple[int, int]:
        rows, runs = await delete_runs(self, tenant)
        sizes.append(rows)
        return rows, runs

    monkeypatch.setattr(Collector, "_delete_runs", measure)
    assert (await collector.collect_tenant(tenant))["runs"] == 41
    assert max(sizes) <= 60
    assert set((await counts(database, tenant)).values()) == {0}


async def test_a_round_that_was_cut_off_is_finished_by_the_next(
    collector: Collector, database: Database, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away after the payloads and before the rows."""
    tenant = await new_tenant(database)
    for _ in range(3):
        id_ = f"{tenant}:t:{uuid.uuid4()}"
        await blobs.put(tenant, uuid.uuid4().bytes, used_by=id_)
        await closed(database, tenant, days_ago=40, steps=2, id_=id_)

    async def away(*_: Any) -> tuple[int, int]:
        raise DatabaseUnavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(Collector, "_delete_runs", away)
        with pytest.raises(DatabaseUnavailable):
            await collector.collect_tenant(tenant)
    left = await counts(database, tenant)
    assert (left["payloads"], left["workflow_executions"]) == (0, 3)
    await collector.collect_tenant(tenant)
    assert set((await counts(database, tenant)).values()) == {0}


async def test_uses_of_a_run_that_temporal_never_had_are_freed(
    collector: Collector, database: Database, blobs: BlobStore
) -> None:
    """A start that failed after its payload was stored leaves no run; Temporal is asked once."""
    tenant = await new_tenant(database)
    never = f"{tenant}:t:{uuid.uuid4()}"
    await blobs.put(tenant, uuid.uuid4().bytes, used_by=never)
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("update payload_uses set used_at = now() - interval '31 days'")
    assert (await collector.collect_tenant(tenant))["payloads"] == 1
    assert set((await counts(database, tenant)).values()) == {0}


async def test_a_tenant_that_is_deleted_meanwhile_stops_no_round(
    collector: Collector, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is gone when the collector would write when it is due next."""
    tenant = await new_tenant(database)
    collect_tenant = Collector.collect_tenant

    async def and_delete(self: Collector, each: str) -> dict[str, int]:
        deleted = await collect_tenant(self, each)
        if each == tenant:
            async with database.tenant_transaction(each) as connection:
                await connection.execute("delete from tenants where id = %s", (each,))
        return deleted

    monkeypatch.setattr(Collector, "collect_tenant", and_delete)
    await collector.collect()
    async with database.transaction() as connection:
        cursor = await connection.execute("select 1 from retention_due where tenant_id = %s", (tenant,))
        assert await cursor.fetchone() is None


async def test_uses_of_credentials_live_as_long_as_runs(collector: Collector, database: Database) -> None:
    """What was used a day longer ago than the retention goes, and nothing else."""
    tenant, uses = await new_tenant(database), CredentialUses(database)
    for days in (31, 29):
        at = datetime.now(UTC) - timedelta(days=days)
        await uses.write(tenant, [CredentialUse("t", "n", f"{days} days", "Node", at)])
    assert (await collector.collect_tenant(tenant))["uses"] == 1
    assert [use.execution_id for use in await uses.list(tenant, "n")] == ["29 days"]


async def test_notes_of_tasks_that_ended_workers_go_after_a_week(collector: Collector, database: Database) -> None:
    """Also of a tenant whose runs have ended: nobody else looks at them."""
    tenant = await new_tenant(database)
    async with database.tenant_transaction(tenant) as connection:
        for days in (1, 6, 8, 30):
            await connection.execute(
                "insert into task_deaths (tenant_id, workflow_id, task, deaths, open, seen_at)"
                " values (%s, 'w', %s, 1, false, now() - make_interval(days => %s))",
                (tenant, str(days), days),
            )
    assert (await collector.collect_tenant(tenant))["deaths"] == 2
    async with database.tenant_transaction(tenant) as connection:
        rows = await (await connection.execute("select task from task_deaths order by 1")).fetchall()
    assert [row["task"] for row in rows] == ["1", "6"]
