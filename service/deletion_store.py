"""Deletions of templates and tenants: what a request does at once, and the rows that the background loop works off.

At once nothing starts any more: webhooks, schedules, versions and keys are gone for every later request. The loop
(`service.deleter`) then removes what takes time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import sql

from runtime.platform.postgres import Connection, Database
from service.changes import CHANGES
from service.registration_store import unwant_registrations
from service.schedule_store import note_change

__all__ = ["BeingDeletedError", "Deletion", "DeletionStore", "refuse_deleted"]

BATCH_ROWS: Final = 1_000
"""Rows of a table that one transaction deletes; a run's events go with it."""
COLUMNS: Final = "tenant_id, template_key, requested_at, requested_by, progress, last_error, attempts"
OWN_TABLES: Final = ("deletions", "deletion_queue", "tenants")
DELETE_SPENDING: Final = """
    delete from model_spending where tenant_id = %s and scope <> 'day' and split_part(key, '/', 1) = any(%s)"""
"""The key begins with the run; a day is that of the tenant."""
TABLES: Final = """
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname = %s and not a.attisdropped and has_table_privilege(c.oid, 'DELETE') and c.relname <> all(%s)
      and exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped)
    order by c.relname"""


class BeingDeletedError(Exception):
    """A template or its tenant is being deleted. The message says what to do."""

    def __init__(self, tenant: str, key: str = "") -> None:
        what = f"template {key}" if key else f"tenant {tenant}"
        super().__init__(f"{what} is being deleted; try again in a few minutes, when everything of it is gone")


@dataclass(frozen=True)
class Deletion:
    """A deletion that goes on. `template` '': of the whole tenant."""

    tenant: str
    template: str
    requested_at: datetime
    requested_by: str | None
    progress: str
    error: str | None
    attempts: int


async def refuse_deleted(connection: Connection, tenant: str, key: str = "") -> None:
    """Raise BeingDeletedError when the template or the tenant is being deleted."""
    cursor = await connection.execute(
        "select template_key from deletions where tenant_id = %s and template_key in ('', %s) order by template_key",
        (tenant, key),
    )
    if (row := await cursor.fetchone()) is not None:
        raise BeingDeletedError(tenant, row["template_key"])


class DeletionStore:
    """Requests and rows of deletions. Methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def request_template(self, tenant: str, key: str, requested_by: str | None = None) -> Deletion | None:
        """Begin to delete a tenant's own template, or return the deletion that goes on; None: the tenant has no such template."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{tenant}/{key}",))
            cursor = await connection.execute(
                "delete from workflow_templates where tenant_id = %s and key = %s", (tenant, key)
            )
            if not cursor.rowcount:
                return await _deletion(connection, tenant, key)
            for table in ("webhooks", "test_listeners"):
                await _delete_rows(connection, table, tenant, "template_key", [key])
            await connection.execute(
                "update schedules set spec = null, next_try = null where tenant_id = %s and template_key = %s",
                (tenant, key),
            )
            await unwant_registrations(connection, tenant, key)
            return await _request(connection, tenant, key, requested_by)

    async def request_tenant(self, tenant: str, requested_by: str | None = None) -> Deletion | None:
        """Begin to delete a tenant, or return the deletion that goes on; None: there is no such tenant."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute("select 1 from tenants where id = %s for update", (tenant,))
            if await cursor.fetchone() is None:
                return await _deletion(connection, tenant, "")
            for table in ("webhooks", "test_listeners", "workflow_templates"):
                await connection.execute(
                    sql.SQL("delete from {} where tenant_id = %s").format(sql.Identifier(table)), (tenant,)
                )
            await connection.execute(
                "update schedules set spec = null, next_try = null where tenant_id = %s", (tenant,)
            )
            await unwant_registrations(connection, tenant)
            await connection.execute(
                "update api_keys set revoked_at = now() where tenant_id = %s and revoked_at is null", (tenant,)
            )
            return await _request(connection, tenant, "", requested_by)

    async def get(self, tenant: str, key: str = "") -> Deletion | None:
        """Return a deletion that goes on; None: it is over, or was never requested."""
        async with self._database.tenant_transaction(tenant) as connection:
            return await _deletion(connection, tenant, key)

    async def due(self, limit: int) -> list[str]:
        """Return the tenants whose turn it is, who waited longest first."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from deletion_queue where next_try <= now() order by next_try limit %s", (limit,)
            )
            return [row["tenant_id"] for row in await cursor.fetchall()]

    async def of_tenant(self, tenant: str) -> list[Deletion]:
        """Return the deletions of a tenant; that of the tenant itself makes all others needless."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"select {COLUMNS} from deletions where tenant_id = %s order by template_key".encode(),  # noqa: S608
                (tenant,),
            )
            deletions = [_of(row) for row in await cursor.fetchall()]
        return deletions[:1] if deletions and not deletions[0].template else deletions

    async def note_progress(self, deletion: Deletion, progress: str) -> None:
        """Note what is being deleted."""
        await self._update(deletion, "progress = %(text)s", progress)

    async def note_error(self, deletion: Deletion, error: str) -> None:
        """Note the error that a pass ended with."""
        await self._update(deletion, "last_error = %(text)s, attempts = attempts + 1", error)

    async def note_waiting(self, deletion: Deletion, progress: str) -> None:
        """Note that a pass got to its end, and what the deletion waits for."""
        await self._update(deletion, "progress = %(text)s, last_error = null, attempts = 0", progress)

    async def _update(self, deletion: Deletion, change: str, text: str) -> None:
        async with self._database.tenant_transaction(deletion.tenant) as connection:
            await connection.execute(
                f"update deletions set {change} where tenant_id = %(tenant)s and template_key = %(key)s".encode(),  # noqa: S608
                {"tenant": deletion.tenant, "key": deletion.template, "text": text},
            )

    async def postpone(self, tenant: str, pause: timedelta) -> None:
        """Let it be the tenant's turn again after a pause; never, when no deletion is left."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute("select 1 from deletions where tenant_id = %s limit 1", (tenant,))
            if await cursor.fetchone() is None:
                await connection.execute("delete from deletion_queue where tenant_id = %s", (tenant,))
            else:
                await connection.execute(
                    "update deletion_queue set next_try = now() + %s where tenant_id = %s", (pause, tenant)
                )

    async def delete_schedule(self, tenant: str, id_: str) -> None:
        """Delete the row of a schedule that Temporal no longer has."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "delete from schedules where tenant_id = %s and id = %s and spec is null", (tenant, id_)
            )

    async def runs_of_template(self, tenant: str, key: str) -> list[str]:
        """Return a batch of the runs of a template that have rows."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id from workflow_executions where tenant_id = %s and template_key = %s limit %s",
                (tenant, key, BATCH_ROWS),
            )
            return [row["id"] for row in await cursor.fetchall()]

    async def delete_runs(self, tenant: str, ids: list[str]) -> None:
        """Delete the rows of runs, in every table that names runs."""
        async with self._database.tenant_transaction(tenant) as connection:
            for column in ("execution_id", "workflow_id"):
                for table in await _tables(connection, column):
                    await _delete_rows(connection, table, tenant, column, ids)
            await connection.execute(DELETE_SPENDING, (tenant, ids))
            await _delete_rows(connection, "workflow_executions", tenant, "id", ids)

    async def delete_template_rows(self, tenant: str, key: str) -> None:
        """Delete the rows of a template, in every table that names templates; its runs are gone already."""
        async with self._database.tenant_transaction(tenant) as connection:
            for table in await _tables(connection, "template_key"):
                if table != "schedules":  # each goes after its schedule in Temporal
                    await _delete_rows(connection, table, tenant, "template_key", [key])
            await connection.execute("delete from workflow_templates where tenant_id = %s and key = %s", (tenant, key))

    async def delete_tenant_rows(self, tenant: str) -> int:
        """Delete a batch of rows of a tenant from every table but those of schedules; return their number."""
        deleted = 0
        async with self._database.transaction() as connection:
            tables = await _tables(connection, "tenant_id")
        for table in tables:
            if table in ("schedules", "schedule_tenants", "payloads", "payload_uses"):
                continue  # each goes after what it stands for
            async with self._database.tenant_transaction(tenant) as connection:
                cursor = await connection.execute(
                    sql.SQL(
                        "delete from {table} where tenant_id = %(tenant)s and ctid = any(array("
                        "select ctid from {table} where tenant_id = %(tenant)s limit %(limit)s))"
                    ).format(table=sql.Identifier(table)),
                    {"tenant": tenant, "limit": BATCH_ROWS},
                )
                deleted += cursor.rowcount
        return deleted

    async def finish(self, deletion: Deletion) -> None:
        """End a deletion; with that of a tenant goes the tenant."""
        async with self._database.tenant_transaction(deletion.tenant) as connection:
            if deletion.template:
                await connection.execute(
                    "delete from deletions where tenant_id = %s and template_key = %s",
                    (deletion.tenant, deletion.template),
                )
            else:
                await connection.execute("delete from tenants where id = %s", (deletion.tenant,))
                await connection.execute("delete from deletions where tenant_id = %s", (deletion.tenant,))
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, deletion.tenant))


async def _request(connection: Connection, tenant: str, key: str, requested_by: str | None) -> Deletion | None:
    await connection.execute(
        "insert into deletions (tenant_id, template_key, requested_by) values (%s, %s, %s) on conflict do nothing",
        (tenant, key, requested_by),
    )
    await connection.execute(
        "insert into deletion_queue (tenant_id) values (%s) on conflict (tenant_id) do update set next_try = now()",
        (tenant,),
    )
    await note_change(connection, tenant)
    await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
    return await _deletion(connection, tenant, key)


async def _deletion(connection: Connection, tenant: str, key: str) -> Deletion | None:
    cursor = await connection.execute(
        f"select {COLUMNS} from deletions where tenant_id = %s and template_key in ('', %s)"  # noqa: S608
        " order by template_key".encode(),
        (tenant, key),
    )
    row = await cursor.fetchone()
    return _of(row) if row else None


def _of(row: dict[str, Any]) -> Deletion:
    return Deletion(
        row["tenant_id"], row["template_key"], row["requested_at"], row["requested_by"], row["progress"],
        row["last_error"], row["attempts"],
    )  # fmt: skip


async def _tables(connection: Connection, column: str) -> list[str]:
    """Return the tables of tenants that have a column and rows that this role may delete: a new one is never forgotten."""
    cursor = await connection.execute(TABLES, (column, list(OWN_TABLES)))
    return [row["name"] for row in await cursor.fetchall()]


async def _delete_rows(connection: Connection, table: str, tenant: str, column: str, values: list[str]) -> None:
    await connection.execute(
        sql.SQL("delete from {} where tenant_id = %s and {} = any(%s)").format(
            sql.Identifier(table), sql.Identifier(column)
        ),
        (tenant, values),
    )
