"""Deletes what is no longer needed: stored payloads, results stored for retries, and rows of old runs."""

import asyncio
from datetime import timedelta
from typing import Final

import psycopg

from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.telemetry.logging import get_logger

__all__ = ["Collector"]

log = get_logger("tempor8.collector")

ROUND_SECONDS: Final = 3600.0
"""Seconds between two rounds."""


class Collector:
    """Collects garbage; `run` works until it is cancelled. Several collectors may work at a time.

    Args:
        database: where the rows are.
        blobs: the stored payloads.
        retention: for how long a run that has ended is kept, with its payloads.
    """

    def __init__(self, database: Database, blobs: BlobStore, retention: timedelta) -> None:
        self._database, self._blobs, self._retention = database, blobs, retention

    async def run(self) -> None:
        """Collect once an hour, until cancelled."""
        while True:
            try:
                await self.collect()
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("collector waits", error=type(error).__name__)
            await asyncio.sleep(ROUND_SECONDS)

    async def collect(self) -> dict[str, int]:
        """Collect once for every tenant that has runs; return how many payloads, results and runs were deleted.

        Raises:
            DatabaseUnavailable: some tenants may be done.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute("select tenant_id from projector_tenants order by tenant_id")
            tenants = [row["tenant_id"] for row in await cursor.fetchall()]
        deleted = {"payloads": 0, "results": 0, "runs": 0}
        for tenant in tenants:
            deleted["payloads"] += await self._blobs.collect(tenant, retention=self._retention)
            async with self._database.tenant_transaction(tenant) as connection:
                cursor = await connection.execute(
                    "delete from kept_results where created_at < now() - %s", (self._retention,)
                )
                deleted["results"] += cursor.rowcount
                cursor = await connection.execute(
                    "delete from workflow_executions where closed_at < now() - %s", (self._retention,)
                )
                deleted["runs"] += cursor.rowcount
        if any(deleted.values()):
            log.info("collected", **deleted)
        return deleted
