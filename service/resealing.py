"""The background loop that gives every tenant a data key and seals what lies in clear, batch by batch.

A batch is a transaction, and what is still in clear says where to go on: it may be interrupted anywhere, and several processes may do
it at once. It begins when no process of a version that reads clear rows alone is connected any more.
"""

import asyncio
from datetime import timedelta
from typing import Final

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.telemetry.logging import get_logger
from service.background_loops import BackgroundLoop
from service.clear_rows import CLEAR_ROWS
from service.columns import Columns

__all__ = ["EarlierProcessesError", "Resealer", "clear_counts", "earlier_connections"]

log = get_logger("tempor8.sealing")

POLL_SECONDS: Final = 10.0
"""Seconds between two looks for tenants."""
BATCH_ROWS: Final = 200
SLICE_BATCHES: Final = 50
"""Batches of a tenant before it is the next tenant's turn."""
TENANTS_PER_ROUND: Final = 50
AGAIN: Final = timedelta(minutes=1)
"""When a tenant is looked at once more that has just got its key: processes that do not know of the key write in clear for
seconds."""
LEFT: Final = timedelta(minutes=10)
"""The same where rows are left that could not be sealed, or that another process had locked."""
LATER: Final = timedelta(hours=6)
EARLIER: Final = """
    select count(*) as n from pg_stat_activity where datname = current_database() and application_name = 'tempor8'"""
NOTE: Final = """
    update tenant_sealing set next_try = now() + %(pause)s, sealed_at = case when %(done)s then coalesce(sealed_at, now()) end
    where tenant_id = %(tenant)s"""
MAX_COUNT: Final = 10_000
"""Rows in clear that are counted per table."""


class EarlierProcessesError(Exception):
    """A tenant cannot get its first data key while processes are connected that could not read what it seals."""


async def earlier_connections(database: Database) -> int:
    """Return the connections of processes that cannot read what is sealed. Raise DatabaseUnavailable."""
    async with database.transaction() as connection:
        row = await (await connection.execute(EARLIER)).fetchone()
    return int(row["n"]) if row else 0


async def clear_counts(database: Database, tenant: str) -> dict[str, int]:
    """Return how many values of a tenant are in clear, by `table.column`, where there are any; 10,000 stands for more."""
    async with database.tenant_transaction(tenant) as connection:
        counts = {f"{rows.table}.{rows.clear}": await rows.count(connection, tenant, MAX_COUNT) for rows in CLEAR_ROWS}
    return {name: count for name, count in counts.items() if count}


class Resealer:
    """Seals what lies in clear; `run` goes on until it is cancelled.

    Args:
        database: where the rows are, with the keys.
        keys: makes data keys.
        batch: rows of a transaction.
    """

    def __init__(self, database: Database, keys: Keyring, *, batch: int = BATCH_ROWS) -> None:
        self._database, self._keys, self._batch = database, keys, batch

    async def run(self, loop: BackgroundLoop) -> None:
        """Seal until cancelled."""
        while True:
            await self.work(loop)
            loop.complete_round()
            await asyncio.sleep(POLL_SECONDS)

    async def work(self, loop: BackgroundLoop | None = None) -> None:
        """Go on with every tenant whose turn it is.

        Raises:
            DatabaseUnavailable, CredentialsUnavailable: Postgres or Vault does not answer; some may be sealed.
        """
        tenants = await self._due()
        if tenants and (waiting := await earlier_connections(self._database)):
            log.info("sealing waits for processes of an earlier version", connections=waiting)
            return
        for tenant in tenants:
            await self.seal(tenant)
            if loop is not None:
                loop.complete_round()

    async def seal(self, tenant: str) -> bool:
        """Give a tenant its data key, and seal a slice of its rows; return whether none is left in clear. Raise as `work`."""
        await self._keys.load(tenant)
        new = self._keys.version(tenant) == 0
        if new and not await self._keys.create(tenant):
            await self._note(tenant, AGAIN, done=False)  # it is being deleted
            return False
        columns, sealed, more, left = await Columns.of(self._database, tenant), 0, False, False
        for rows in CLEAR_ROWS:
            for _ in range(SLICE_BATCHES):
                async with self._database.tenant_transaction(tenant) as connection:
                    batch = await rows.seal(connection, columns, tenant, self._batch)
                    sealed += batch
                    if not batch:
                        left = left or await rows.count(connection, tenant, 1) > 0
                        break
            else:
                more = True
        done = not (more or left)
        await self._note(tenant, timedelta(0) if more else _pause(left=left, changed=new or sealed > 0), done=done)
        if sealed:
            log.info("rows are sealed", tenant=tenant, rows=sealed, all=done)
        return done

    async def _due(self) -> list[str]:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from tenant_sealing where next_try <= now() order by next_try limit %s",
                (TENANTS_PER_ROUND,),
            )
            return [row["tenant_id"] for row in await cursor.fetchall()]

    async def _note(self, tenant: str, pause: timedelta, *, done: bool) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(NOTE, {"tenant": tenant, "pause": pause, "done": done})


def _pause(*, left: bool, changed: bool) -> timedelta:
    if left:
        return LEFT
    return AGAIN if changed else LATER
