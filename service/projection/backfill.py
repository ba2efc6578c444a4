"""Sum the rows that an earlier version wrote, in the background: an installation upgrades with a million of them."""

import asyncio
from typing import Final

from runtime.platform.postgres import Database
from runtime.platform.telemetry.logging import get_logger
from service.background_loops import BackgroundLoop
from service.rollups import RollupBackfill

__all__ = ["backfill_rollups"]

log = get_logger("tempor8.projector")

CHUNK_PAUSE_SECONDS: Final = 0.1
"""Between two chunks: everything else comes first."""
ROUND_SECONDS: Final = 60.0


async def backfill_rollups(database: Database, loop: BackgroundLoop) -> None:
    """Sum what is not summed yet, until cancelled. Several processes may do so at once.

    Raises:
        DatabaseUnavailable: it goes on where it was.
    """
    backfill = RollupBackfill(database)
    while True:
        while tenants := await backfill.tenants():
            for tenant in tenants:
                while await backfill.step(tenant):
                    loop.complete_round()
                    await asyncio.sleep(CHUNK_PAUSE_SECONDS)
                loop.complete_round()
            log.info("rows of an earlier version are summed", tenants=len(tenants))
        loop.complete_round()
        await asyncio.sleep(ROUND_SECONDS)
