"""Current templates and routes in memory, so that a start asks Postgres nothing."""

import asyncio

from runtime.platform.postgres import SHARED
from service.published import Published
from service.routes import Routes
from service.templates import TemplateStore

__all__ = ["TemplateCache"]


class TemplateCache:
    """Current templates in memory, so that a start asks Postgres nothing.

    `forget` is called for each notice on `CHANGES`. While no notice can arrive (`attentive` is False) an entry lives
    for `patience` seconds only.
    """

    def __init__(self, store: TemplateStore, *, patience: float = 1.0, size: int = 1000) -> None:
        self.store = store
        self.attentive = False
        self._patience, self._size = patience, size
        self._current: dict[tuple[str, str], tuple[float, Published | None]] = {}
        self._routes: dict[str, tuple[float, Routes]] = {}
        self._generation = 0

    def forget(self, tenant: str | None = None) -> None:
        """Drop what is known of a tenant; of all when None or when the shared templates changed."""
        self._generation += 1
        if tenant is None or tenant == SHARED:
            self._current.clear()
            self._routes.clear()
            return
        self._routes.pop(tenant, None)
        for known in [each for each in self._current if each[0] == tenant]:
            del self._current[known]

    async def current(self, tenant: str, key: str) -> Published | None:
        """See `TemplateStore.current`. Unknown keys are not remembered: they may be published any moment."""
        now = asyncio.get_running_loop().time()
        held = self._current.get((tenant, key))
        if held is not None and (self.attentive or now - held[0] < self._patience):
            return held[1]
        generation = self._generation
        found = await self.store.current(tenant, key)
        if found is not None and generation == self._generation:
            if len(self._current) >= self._size:
                self._current.pop(next(iter(self._current)))
            self._current[tenant, key] = (now, found)
        return found

    async def routes(self, tenant: str) -> Routes:
        """Where the tenant's webhooks listen."""
        now = asyncio.get_running_loop().time()
        held = self._routes.get(tenant)
        if held is not None and (self.attentive or now - held[0] < self._patience):
            return held[1]
        generation = self._generation
        found = Routes(await self.store.webhooks(tenant))
        if found.all and generation == self._generation:
            if len(self._routes) >= self._size:
                self._routes.pop(next(iter(self._routes)))
            self._routes[tenant] = (now, found)
        return found
