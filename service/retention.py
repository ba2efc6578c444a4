"""Deletes what is no longer needed: payloads, archived runs and their rows, idempotency keys, results of steps, uses of
credentials, notes of tasks that ended workers, unused plans.

Only tenants of whom something is due are looked at (`retention_due`, which has ids and times and nothing else). Deletions are
small transactions with pauses, uses and payloads before the rows of their runs: a crash at any moment leaves nothing that
the next round does not find.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.telemetry.logging import get_logger
from service.audit import AuditLog
from service.background_loops import BackgroundLoop
from service.plan_store import PlanStore
from service.run_reader import TemporalRuns

__all__ = ["Collector"]

log = get_logger("tempor8.collector")

ROUND_SECONDS: Final = 3600.0
"""Seconds between two rounds."""
MAX_WAIT: Final = timedelta(days=1)
"""After this long a tenant is looked at in any case: runs that ended long ago may have come into the tables since."""
LEASE: Final = timedelta(minutes=10)
"""For how long a tenant belongs to the collector that took it."""
BATCH_ROWS: Final = 2_000
"""Rows that one transaction deletes, those of the steps of runs included."""
DUTY: Final = 0.5
"""The part of the time that deletions may take."""


class Collector:
    """Collects garbage; `run` works until it is cancelled. Several collectors may work at a time.

    Args:
        database: where the rows are.
        blobs: the stored payloads.
        runs: asked after runs that are in no table.
        retention: for how long a run that has ended is kept, with its payloads.
        audit: the audit log, which has a retention of its own; None: it is left alone.
    """

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        runs: TemporalRuns,
        retention: timedelta,
        audit: AuditLog | None = None,
    ) -> None:
        self._audit = audit
        self._database, self._runs, self._retention = database, runs, retention
        self._blobs = blobs.collector(self._run_end)
        self._plans = PlanStore(database)

    async def run(self, loop: BackgroundLoop) -> None:
        """Collect once an hour, until cancelled."""
        while True:
            await self.collect(loop.complete_round)
            loop.complete_round()
            await asyncio.sleep(ROUND_SECONDS)

    async def collect(self, progress: Callable[[], None] = lambda: None) -> dict[str, int]:
        """Collect for every tenant of whom something is due; return how much of what was deleted.

        Args:
            progress: called after each tenant: a round over many tenants takes long.

        Raises:
            DatabaseUnavailable: some tenants may be done.
            RPCError: likewise; Temporal does not answer.
        """
        total: Counter[str] = Counter(
            payloads=0, runs=0, keys=0, results=0, ends=0, uses=0, deaths=0, sums=0, plans=0, audit=0
        )
        await self._enter_tenants()
        while (tenant := await self._take_tenant()) is not None:
            deleted = await self.collect_tenant(tenant)
            if any(deleted.values()):
                log.info("collected", tenant=tenant, **deleted)
            total.update(deleted)
            await self._schedule(tenant)
            progress()
        return dict(total)

    async def collect_tenant(self, tenant: str) -> dict[str, int]:
        """Collect what is due of one tenant; return how much of what was deleted. Raises as `collect` does."""

        async def audit_rows() -> tuple[int, int]:
            rows = await self._audit.expire(tenant, BATCH_ROWS) if self._audit else 0
            return rows, rows

        def rows_of(statement: str) -> Awaitable[int]:
            return _repeat(lambda: self._delete_rows(tenant, statement))

        return {
            "payloads": await _repeat(lambda: self._blobs.collect_page(tenant, self._retention)),
            "runs": await _repeat(lambda: self._delete_runs(tenant)),
            "keys": await rows_of(DELETE_KEYS),
            "results": await rows_of(DELETE_RESULTS),
            "ends": await rows_of(DELETE_ENDS),
            "uses": await rows_of(DELETE_USES),
            "deaths": await rows_of(DELETE_DEATHS),
            "spending": await rows_of(DELETE_SPENDING),
            "sums": sum([await rows_of(each) for each in DELETE_SUMS]),
            "plans": await self._plans.collect(tenant, self._retention),
            "audit": await _repeat(audit_rows),
        }

    async def _run_end(self, workflow_id: str) -> datetime | bool | None:
        run = await self._runs.describe(workflow_id)
        return None if run is None else run.closed_at or True

    async def _enter_tenants(self) -> None:
        """Enter tenants whose first runs came since, and let all be due when the retention was changed."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "insert into retention_due (tenant_id, due_at, retention) select tenant_id, now(), %s from projector_tenants p"
                " where not exists (select from retention_due d where d.tenant_id = p.tenant_id) on conflict do nothing",
                (self._retention,),
            )
            await connection.execute(
                "update retention_due set due_at = now(), retention = %(retention)s where retention <> %(retention)s",
                {"retention": self._retention},
            )

    async def _take_tenant(self) -> str | None:
        """Return the tenant that is due for longest, for this collector alone; None: no one is due."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "update retention_due set due_at = now() + %s where tenant_id = (select tenant_id from retention_due"
                " where due_at <= now() order by due_at limit 1 for update skip locked) returning tenant_id",
                (LEASE,),
            )
            row = await cursor.fetchone()
        return row["tenant_id"] if row else None

    async def _schedule(self, tenant: str) -> None:
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                SCHEDULE,
                {
                    "tenant": tenant,
                    "retention": self._retention,
                    "least": timedelta(seconds=ROUND_SECONDS),
                    "most": MAX_WAIT,
                },
            )

    async def _delete_runs(self, tenant: str) -> tuple[int, int]:
        """Delete some rows of runs, with those of their steps; return how many rows, and how many runs."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id, steps from workflow_executions where tenant_id = %s and closed_at < now() - %s"
                " order by closed_at limit %s for update skip locked",
                (tenant, self._retention, BATCH_ROWS // 2),
            )
            due = await cursor.fetchall()
            if not due:
                return 0, 0
            ids: list[str] = []
            rows = 0
            for run in due:
                if ids and rows + run["steps"] + 1 > BATCH_ROWS:
                    break
                ids.append(run["id"])
                rows += run["steps"] + 1
            if rows > BATCH_ROWS:  # one run of many steps: those that fit into this transaction
                cursor = await connection.execute(DELETE_STEPS, (tenant, ids[0], BATCH_ROWS))
                rows = cursor.rowcount + 1
                if cursor.rowcount == BATCH_ROWS:
                    return rows, 0
            await connection.execute(
                "delete from workflow_executions where tenant_id = %s and id = any(%s)", (tenant, ids)
            )
            return rows, len(ids)

    async def _delete_rows(self, tenant: str, statement: str) -> tuple[int, int]:
        async with self._database.tenant_transaction(tenant) as connection:
            values = {"tenant": tenant, "retention": self._retention, "limit": BATCH_ROWS}
            cursor = await connection.execute(statement.encode(), values)
            return cursor.rowcount, cursor.rowcount


async def _repeat(delete: Callable[[], Awaitable[tuple[int, int]]]) -> int:
    """Call `delete` until it finds nothing, with pauses; return how many things it deleted. It returns (rows, things)."""
    total = 0
    while True:
        begun = time.monotonic()
        rows, things = await delete()
        total += things
        if not rows:
            return total
        await asyncio.sleep((time.monotonic() - begun) * (1 - DUTY) / DUTY)


DELETE_STEPS: Final = b"""
    delete from workflow_events where ctid = any(array(
        select ctid from workflow_events where tenant_id = %s and execution_id = %s limit %s))"""
DELETE_KEYS: Final = """
    delete from start_keys where ctid = any(array(
        select k.ctid from start_keys k where k.tenant_id = %(tenant)s and k.created_at < now() - %(retention)s and not exists (
            select from workflow_executions e
            where e.tenant_id = k.tenant_id and e.id = k.tenant_id || ':' || k.template_key || ':' || k.key_digest)
        limit %(limit)s))"""
"""A key lives as long as the row of its run, which says that it has been used."""
DELETE_RESULTS: Final = """
    delete from kept_results where ctid = any(array(
        select ctid from kept_results where tenant_id = %(tenant)s and created_at < now() - %(retention)s limit %(limit)s))"""
DELETE_ENDS: Final = """
    delete from run_ends where ctid = any(array(
        select ctid from run_ends where tenant_id = %(tenant)s and created_at < now() - interval '1 hour' limit %(limit)s))"""
"""What the projector did not take: it read those runs from Temporal."""
DELETE_USES: Final = """
    delete from credential_uses where ctid = any(array(
        select ctid from credential_uses where tenant_id = %(tenant)s and used_at < now() - %(retention)s limit %(limit)s))"""
DELETE_DEATHS: Final = """
    delete from task_deaths where ctid = any(array(
        select ctid from task_deaths where tenant_id = %(tenant)s and seen_at < now() - interval '7 days' limit %(limit)s))"""
"""After a week such a row is of no use: its run is over, or its task has long been done."""
DELETE_SPENDING: Final = """
    delete from model_spending where ctid = any(array(
        select ctid from model_spending where tenant_id = %(tenant)s and updated_at < now() - %(retention)s limit %(limit)s))"""
DELETE_SUMS: Final = tuple(
    f"""
    delete from {table} where ctid = any(array(
        select ctid from {table} where tenant_id = %(tenant)s and hour < now() - %(retention)s limit %(limit)s))"""  # noqa: S608
    for table in ("run_rollups", "agent_rollups", "template_usage_rollups")
)
SCHEDULE: Final = b"""
    update retention_due set retention = %(retention)s,
        due_at = least(now() + %(most)s, greatest(now() + %(least)s, %(retention)s + least(
        (select min(closed_at) from workflow_executions where tenant_id = %(tenant)s and closed_at is not null),
        (select min(used_at) from payload_uses where tenant_id = %(tenant)s),
        (select min(created_at) from kept_results where tenant_id = %(tenant)s))))
    where tenant_id = %(tenant)s"""
"""Nulls are left out: with nothing stored, the tenant is due after `most`. A tenant that was deleted since has no row."""
