"""Current templates and routes in memory, so that a start asks Postgres nothing."""

import asyncio

from runtime.platform.postgres import SHARED
from service.routes import Routes
from service.template_records import Published
from service.templates import TemplateStore

__all__ = ["TemplateCache"]


class TemplateCache:
    """Current templates in memory, so that a start asks Postgres nothing.

    `forget` is called for each notification on `CHANGES`. While none can arrive (`connected` is False) an entry is used for
    `max_age_seconds` only.
    """

    def __init__(self, store: TemplateStore, *, max_age_seconds: float = 1.0, max_entries: int = 1000) -> None:
        self.store = store
        self.connected = False
        self._max_age, self._max_entries = max_age_seconds, max_entries
        self._current: dict[tuple[str, str], tuple[float, Published | None]] = {}
        self._routes: dict[str, tuple[float, Routes]] = {}
        self._generation = 0

    def forget(self, tenant: str | None = None) -> None:
        """Drop the entries of a tenant; all entries when None or when the shared templates changed."""
        self._generation += 1
        if tenant is None or tenant == SHARED:
            self._current.clear()
            self._routes.clear()
            return
        self._routes.pop(tenant, None)
        for key_ in [each for each in self._current if each[0] == tenant]:
            del self._current[key_]

    async def current(self, tenant: str, key: str) -> Published | None:
        """Return the version that a start of `key` runs: see `TemplateStore.current`. Unknown keys are not cached."""
        now = asyncio.get_running_loop().time()
        entry = self._current.get((tenant, key))
        if entry is not None and (self.connected or now - entry[0] < self._max_age):
            return entry[1]
        generation = self._generation
        loaded = await self.store.current(tenant, key)
        if loaded is not None and generation == self._generation:
            if len(self._current) >= self._max_entries:
                self._current.pop(next(iter(self._current)))
            self._current[tenant, key] = (now, loaded)
        return loaded

    async def routes(self, tenant: str) -> Routes:
        """Return the routes of the tenant's webhooks. Raises DatabaseUnavailable."""
        now = asyncio.get_running_loop().time()
        entry = self._routes.get(tenant)
        if entry is not None and (self.connected or now - entry[0] < self._max_age):
            return entry[1]
        generation = self._generation
        loaded = Routes(await self.store.webhooks(tenant))
        if loaded.all and generation == self._generation:
            if len(self._routes) >= self._max_entries:
                self._routes.pop(next(iter(self._routes)))
            self._routes[tenant] = (now, loaded)
        return loaded
