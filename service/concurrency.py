"""Concurrency limits: of the runs with one key only so many go on at a time; the others wait in a queue."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from runtime.platform.postgres import Connection, Database

__all__ = ["ConcurrencyQueue"]

ASK_AFTER_SECONDS: Final = 5
"""A run in the queue that was not seen for so many seconds is checked: it may have ended without leaving."""

HasEnded = Callable[[str], Awaitable[bool]]
"""Returns whether the run with this workflow id has ended."""


class ConcurrencyQueue:
    """The queues of all tenants. A run is in a queue once, however often it asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, tenant: str, key: str, workflow_id: str, limit: int, has_ended: HasEnded) -> bool:
        """Join the queue and return whether the run holds a slot now. Runs that ended without leaving lose theirs.

        Args:
            tenant: of the run.
            key: of the queue.
            workflow_id: of the run.
            limit: slots of the queue.
            has_ended: asked about runs that were not seen for `ASK_AFTER_SECONDS`.

        Raises:
            DatabaseUnavailable: ask again.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            await _lock_queue(connection, tenant, key)
            await connection.execute(
                "insert into run_slots (tenant_id, key, workflow_id) values (%s, %s, %s)"
                " on conflict (tenant_id, key, workflow_id) do update set seen_at = now()",
                (tenant, key, workflow_id),
            )
            if await _grant(connection, tenant, key, limit, workflow_id):
                return True
            cursor = await connection.execute(
                "select workflow_id from run_slots where tenant_id = %s and key = %s and workflow_id <> %s"
                " and seen_at < now() - make_interval(secs => %s) order by ticket limit %s",
                (tenant, key, workflow_id, ASK_AFTER_SECONDS, limit + 10),
            )
            suspects = [row["workflow_id"] for row in await cursor.fetchall()]
        ended = [each for each in suspects if await has_ended(each)]
        async with self._database.tenant_transaction(tenant) as connection:
            await _lock_queue(connection, tenant, key)
            await connection.execute(
                "delete from run_slots where tenant_id = %s and key = %s and workflow_id = any(%s)",
                (tenant, key, ended),
            )
            await connection.execute(  # the others are not checked again at once
                "update run_slots set seen_at = now() where tenant_id = %s and key = %s and workflow_id = any(%s)",
                (tenant, key, [each for each in suspects if each not in ended]),
            )
            return await _grant(connection, tenant, key, limit, workflow_id)

    async def give_back(self, tenant: str, key: str, workflow_id: str, limit: int) -> Sequence[str]:
        """Leave the queue and return the workflow ids of the runs whose turn it is now. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            await _lock_queue(connection, tenant, key)
            await connection.execute(
                "delete from run_slots where tenant_id = %s and key = %s and workflow_id = %s",
                (tenant, key, workflow_id),
            )
            cursor = await connection.execute(
                "select workflow_id from run_slots where tenant_id = %s and key = %s and not holds order by ticket limit"
                " greatest(0, %s - (select count(*) from run_slots where tenant_id = %s and key = %s and holds))",
                (tenant, key, limit, tenant, key),
            )
            return [row["workflow_id"] for row in await cursor.fetchall()]


async def _lock_queue(connection: Connection, tenant: str, key: str) -> None:
    """Hold the lock of this queue until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 8))", (f"{tenant}\n{key}",))


async def _grant(connection: Connection, tenant: str, key: str, limit: int, workflow_id: str) -> bool:
    """Give the run a slot when there is one for it: the runs before it in the queue must fit, too."""
    cursor = await connection.execute(
        "update run_slots me set holds = true, seen_at = now()"
        " where tenant_id = %(tenant)s and key = %(key)s and workflow_id = %(id)s and (holds or %(limit)s > ("
        "  select count(*) from run_slots other where other.tenant_id = me.tenant_id and other.key = me.key"
        "   and (other.holds or other.ticket < me.ticket)))",
        {"tenant": tenant, "key": key, "id": workflow_id, "limit": limit},
    )
    return cursor.rowcount == 1
