"""Places to run: a workflow, or a key of it, lets only so many runs go on at a time; the others wait in line."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from runtime.platform.postgres import Connection, Database

__all__ = ["RunSlots"]

LOST: Final = 5
"""Seconds after which one who holds a place and was not seen is asked after."""

Gone = Callable[[str], Awaitable[bool]]
"""Whether the run with this workflow id has ended."""


class RunSlots:
    """The lines of all tenants. A run is in a line once, however often it asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, tenant: str, key: str, workflow_id: str, limit: int, gone: Gone) -> bool:
        """Get in line, or a place. True: the run holds one now. Those that ended without giving theirs back lose it."""
        async with self._database.tenant_transaction(tenant) as connection:
            await _alone(connection, tenant, key)
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
                (tenant, key, workflow_id, LOST, limit + 10),
            )
            suspects = [row["workflow_id"] for row in await cursor.fetchall()]
        lost = [each for each in suspects if await gone(each)]
        async with self._database.tenant_transaction(tenant) as connection:
            await _alone(connection, tenant, key)
            await connection.execute(
                "delete from run_slots where tenant_id = %s and key = %s and workflow_id = any(%s)", (tenant, key, lost)
            )
            await connection.execute(  # those that live are not asked after again at once
                "update run_slots set seen_at = now() where tenant_id = %s and key = %s and workflow_id = any(%s)",
                (tenant, key, [each for each in suspects if each not in lost]),
            )
            return await _grant(connection, tenant, key, limit, workflow_id)

    async def give_back(self, tenant: str, key: str, workflow_id: str, limit: int) -> Sequence[str]:
        """Leave the line or the place. The workflow ids of those whose turn it is now."""
        async with self._database.tenant_transaction(tenant) as connection:
            await _alone(connection, tenant, key)
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


async def _alone(connection: Connection, tenant: str, key: str) -> None:
    """One at a time in this line, until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 8))", (f"{tenant}\n{key}",))


async def _grant(connection: Connection, tenant: str, key: str, limit: int, workflow_id: str) -> bool:
    """Give the run a place when there is one for it: as many as are before it in line must fit, too."""
    cursor = await connection.execute(
        "update run_slots me set holds = true, seen_at = now()"
        " where tenant_id = %(tenant)s and key = %(key)s and workflow_id = %(id)s and (holds or %(limit)s > ("
        "  select count(*) from run_slots other where other.tenant_id = me.tenant_id and other.key = me.key"
        "   and (other.holds or other.ticket < me.ticket)))",
        {"tenant": tenant, "key": key, "id": workflow_id, "limit": limit},
    )
    return cursor.rowcount == 1
