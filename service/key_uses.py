"""When API keys were used last: noted in memory by each request, written in batches by a background loop."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Final

from runtime.platform.postgres import DatabaseUnavailable
from service.background_loops import BackgroundLoop
from service.tenants import TenantStore

__all__ = ["KeyUses"]

WRITE_SECONDS: Final = 30.0
"""Seconds between two writes: `last_used_at` is behind by this much, and a crash loses it."""
MAX_KEYS: Final = 100_000
"""Keys that are remembered between two writes; the use of others is not noted."""


class KeyUses:
    """The last use of each key since the last write."""

    def __init__(self, tenants: TenantStore) -> None:
        self._tenants = tenants
        self._uses: dict[str, dict[str, datetime]] = {}
        self._count = 0

    def note(self, tenant: str, key_id: str) -> None:
        """Remember that a key is used now. No I/O: every request calls this."""
        uses = self._uses.setdefault(tenant, {})
        if key_id not in uses:
            if self._count >= MAX_KEYS:
                return
            self._count += 1
        uses[key_id] = datetime.now(UTC)

    async def write(self) -> None:
        """Write what was noted, one statement per tenant. Raises DatabaseUnavailable; what is not written is kept."""
        for tenant in list(self._uses):
            uses = self._uses.pop(tenant)
            self._count -= len(uses)
            try:
                await self._tenants.note_uses(tenant, uses)
            except DatabaseUnavailable:
                for key_id, at in uses.items():
                    self._keep(tenant, key_id, at)
                raise

    def _keep(self, tenant: str, key_id: str, at: datetime) -> None:
        kept = self._uses.setdefault(tenant, {})
        if key_id not in kept and self._count < MAX_KEYS:
            self._count += 1
            kept[key_id] = at

    async def run(self, loop: BackgroundLoop) -> None:
        """Write until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(WRITE_SECONDS)
                await self.write()
                loop.complete_round()
        except asyncio.CancelledError:
            with contextlib.suppress(DatabaseUnavailable):
                await self.write()
            raise
