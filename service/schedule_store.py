"""The rows of schedules: which ones templates want, what Temporal has of them, and what it said."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runtime.platform.postgres import Connection, Database
from schemas import names

__all__ = ["ScheduleRow", "ScheduleStore", "note_change", "write_schedules"]

FIRST_PAUSE_SECONDS: Final = 5
MAX_PAUSE_SECONDS: Final = 600
"""Pause before a schedule is sent again after an error; it doubles with each try."""
MAX_ERROR_LENGTH: Final = 1_000
COLUMNS: Final = "id, template_key, node, spec::text as spec, applied::text as applied, last_error, attempts, next_try"
WAITING: Final = (
    "(spec is null or (spec::text is distinct from applied::text and spec::text is distinct from refused::text))"
)
"""Of a row that Temporal does not have as it is, and that it has not refused for good."""


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule of a template. `id` is its id in Temporal without the tenant; `spec` None: it is to be removed."""

    id: str
    template: str
    node: str
    spec: str | None
    """The rule as JSON, as it is stored: `applied` and the conditions of updates compare it as text."""
    applied: str | None
    error: str | None
    """What Temporal said to the last try."""
    attempts: int
    next_try: datetime | None

    @property
    def rule(self) -> dict[str, Any]:
        """Return the rule: see `schedule_spec.temporal_spec`."""
        rule: dict[str, Any] = json.loads(self.spec or "{}")
        return rule


async def write_schedules(connection: Connection, tenant: str, key: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Set the schedules of a template to `rows` (id without template, node, spec as JSON), in the caller's transaction."""
    cursor = await connection.execute(
        "update schedules set spec = null, next_try = null where tenant_id = %s and template_key = %s", (tenant, key)
    )
    if not rows and not cursor.rowcount:
        return
    for id_, node, spec in rows:
        await connection.execute(
            "insert into schedules (tenant_id, id, template_key, node, spec) values (%s, %s, %s, %s, %s)"
            " on conflict (tenant_id, id) do update set spec = excluded.spec, node = excluded.node, attempts = 0",
            (tenant, f"{key}:{id_}", key, node, spec),
        )
    await connection.execute("insert into schedule_tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
    await note_change(connection, tenant)


async def note_change(connection: Connection, tenant: str) -> None:
    """Put a tenant into the queue of those whose rows Temporal does not have."""
    await connection.execute(
        "insert into schedule_changes (tenant_id) values (%s) on conflict (tenant_id) do update set"
        " changed_at = clock_timestamp(), next_try = least(schedule_changes.next_try, now())",
        (tenant,),
    )


class ScheduleStore:
    """Rows of schedules, and the queue of tenants that have some to apply. Methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def installation(self) -> str:
        """Return the id of this installation, which its schedules in Temporal carry."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute("select id::text as id from installation")).fetchone()
        return row["id"] if row else ""

    async def changed_tenants(self, limit: int) -> list[tuple[str, datetime]]:
        """Return (tenant, time of the change) of those whose turn it is, who waited longest first."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id, changed_at from schedule_changes where next_try <= now() order by next_try limit %s",
                (limit,),
            )
            return [(row["tenant_id"], row["changed_at"]) for row in await cursor.fetchall()]

    async def finish_turn(self, tenant: str, changed_at: datetime) -> None:
        """Take a tenant out of the queue, or put it at its end: behind the others, or at the next try of its rows."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select min(coalesce(next_try, now())) as next from schedules where tenant_id = %s and "  # noqa: S608
                + WAITING,
                (tenant,),
            )
            row = await cursor.fetchone()
            if row and row["next"]:
                await connection.execute(
                    "update schedule_changes set next_try = greatest(%s, now()) where tenant_id = %s and changed_at = %s",
                    (row["next"], tenant, changed_at),
                )
            else:
                await connection.execute(
                    "delete from schedule_changes where tenant_id = %s and changed_at = %s", (tenant, changed_at)
                )

    async def waiting(self, tenant: str, limit: int) -> list[ScheduleRow]:
        """Return rows that Temporal does not have as they are, and whose turn it is."""
        return await self._rows(
            tenant,
            f"{WAITING} and (next_try is null or next_try <= now()) order by next_try nulls first, id limit {limit:d}",
        )

    async def rows(self, tenant: str) -> list[ScheduleRow]:
        """Return all rows of a tenant."""
        return await self._rows(tenant, "true order by id")

    async def row(self, tenant: str, id_: str) -> ScheduleRow | None:
        """Return one row."""
        rows = await self._rows(tenant, "id = %s", id_)
        return rows[0] if rows else None

    async def of_template(self, tenant: str, key: str) -> list[ScheduleRow]:
        """Return the rows of a template that are wanted."""
        return await self._rows(tenant, "template_key = %s and spec is not null order by id", key)

    async def _rows(self, tenant: str, condition: str, *values: Any) -> list[ScheduleRow]:
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"select {COLUMNS} from schedules where tenant_id = %s and {condition}".encode(),  # noqa: S608
                (tenant, *values),
            )
            return [
                ScheduleRow(row["id"], row["template_key"], row["node"], row["spec"], row["applied"], row["last_error"],
                            row["attempts"], row["next_try"])
                for row in await cursor.fetchall()
            ]  # fmt: skip

    async def note_applied(self, tenant: str, row: ScheduleRow) -> bool:
        """Note that Temporal has what `row` says; return False when another change came meanwhile, so it may not."""
        change = (
            "delete from schedules where tenant_id = %(tenant)s and id = %(id)s and spec is null"
            if row.spec is None
            else "update schedules set applied = spec, refused = null, last_error = null, attempts = 0, next_try = null"
            " where tenant_id = %(tenant)s and id = %(id)s and spec::text = %(spec)s"
        )
        return await self._change(tenant, row, change)

    async def note_refused(self, tenant: str, row: ScheduleRow, error: str) -> bool:
        """Note that Temporal refused what `row` says for good, and has none of it; return False as `note_applied` does."""
        change = (
            "update schedules set applied = null, refused = spec, last_error = %(error)s, attempts = attempts + 1,"
            " next_try = null where tenant_id = %(tenant)s and id = %(id)s and spec::text = %(spec)s"
        )
        return await self._change(tenant, row, change, error=error[:MAX_ERROR_LENGTH])

    async def note_error(self, tenant: str, row: ScheduleRow, error: str) -> bool:
        """Note an error after which `row` is sent again, later each time; return False as `note_applied` does."""
        pause = timedelta(seconds=min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(row.attempts, 10)))
        change = (
            "update schedules set last_error = %(error)s, attempts = attempts + 1, next_try = now() + %(pause)s"
            " where tenant_id = %(tenant)s and id = %(id)s and spec::text is not distinct from %(spec)s"
        )
        return await self._change(tenant, row, change, error=error[:MAX_ERROR_LENGTH], pause=pause)

    async def forget_applied(self, tenant: str, ids: Sequence[str]) -> None:
        """Have these rows applied again: Temporal has none of them, or not as they are."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "update schedules set applied = null, next_try = null where tenant_id = %s and id = any(%s)",
                (tenant, list(ids)),
            )
            await note_change(connection, tenant)

    async def queue_waiting(self, tenant: str) -> None:
        """Put a tenant with rows to apply into the queue, unless it is there."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into schedule_changes (tenant_id) values (%s) on conflict do nothing", (tenant,)
            )

    async def tenants(self, after: str, limit: int) -> list[str]:
        """Return a page of the tenants that have schedules, by id."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from schedule_tenants where tenant_id > %s order by tenant_id limit %s",
                (after, limit),
            )
            return [row["tenant_id"] for row in await cursor.fetchall()]

    async def remove_tenant(self, tenant: str) -> None:
        """Compare a tenant's schedules no more, if it has none."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "delete from schedule_tenants t where tenant_id = %s and not exists"
                " (select from schedules s where s.tenant_id = t.tenant_id)",
                (tenant,),
            )

    async def exists(self, tenant: str, schedule_id: str) -> bool:
        """Return whether a template of the tenant wants the schedule with this id in Temporal."""
        if names.tenant_of(schedule_id) != tenant:
            return False
        row = await self.row(tenant, schedule_id.removeprefix(f"{tenant}:"))
        return row is not None and row.spec is not None

    async def _change(self, tenant: str, row: ScheduleRow, change: str, **values: Any) -> bool:
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                change.encode(), {"tenant": tenant, "id": row.id, "spec": row.spec} | values
            )
            return cursor.rowcount == 1
