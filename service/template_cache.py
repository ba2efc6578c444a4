"""Current templates and routes in memory, so that a start asks Postgres nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from runtime.platform.postgres import SHARED
from service.routes import Routes
from service.template_records import Published
from service.templates import TemplateStore
from service.tenant_cache import TenantCache

__all__ = ["TemplateCache"]

T = TypeVar("T")

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of all entries: some 1,000 templates of 20 nodes whose plans have been parsed, 10,000 small ones."""
PARSED_FACTOR: Final = 9
"""Memory of a plan that has been parsed, and of its text, for each byte of the text."""
ENTRY_BYTES: Final = 400
"""Of an entry with nothing in it."""
ROUTE_BYTES: Final = 1_000
MAX_AGE_SECONDS: Final = 60.0
"""How long an entry is used while notifications arrive: the longest that a lost one matters."""
MAX_AGE_UNNOTIFIED_SECONDS: Final = 1.0
"""How long an entry is used while none can arrive, and how long it is remembered that there is nothing."""


class TemplateCache:
    """Current templates in memory, so that a start asks Postgres nothing.

    `forget` is called for each notification on `CHANGES`. While none can arrive (`connected` is False) an entry is used for
    `max_age_unnotified` seconds only.
    """

    def __init__(
        self,
        store: TemplateStore,
        *,
        max_age: float = MAX_AGE_SECONDS,
        max_age_unnotified: float = MAX_AGE_UNNOTIFIED_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.store = store
        self.connected = False
        self._max_age, self._max_age_unnotified = max_age, max_age_unnotified
        self._templates = TenantCache[tuple[float, Published | None]](max_bytes)
        self._routes = TenantCache[tuple[float, Routes]](max_bytes // 4)
        self._loading: dict[tuple[int, str, str | None], asyncio.Future[Any]] = {}
        self._generation = 0

    def forget(self, tenant: str | None = None) -> None:
        """Drop the entries of a tenant; all entries when None or when the shared templates changed."""
        self._generation += 1
        if tenant is None or tenant == SHARED:
            self._templates.clear()
            self._routes.clear()
        else:
            self._templates.remove_tenant(tenant)
            self._routes.remove_tenant(tenant)

    async def current(self, tenant: str, key: str) -> Published | None:
        """Return the version that a start of `key` runs: see `TemplateStore.current`. Raises DatabaseUnavailable."""
        entry = self._templates.get(tenant, key)
        if entry is not None and self._fresh(entry[0], known=entry[1] is not None):
            return entry[1]
        now, generation = _now(), self._generation
        loaded = await self._load(tenant, key, lambda: self.store.current(tenant, key))
        if generation == self._generation:
            size = ENTRY_BYTES + (PARSED_FACTOR * len(loaded.text) if loaded else 0)
            self._templates.put(tenant, key, (now, loaded), size)
        return loaded

    async def routes(self, tenant: str) -> Routes:
        """Return the routes of the tenant's webhooks. Raises DatabaseUnavailable."""
        entry = self._routes.get(tenant, "")
        if entry is not None and self._fresh(entry[0], known=bool(entry[1].all)):
            return entry[1]
        now, generation = _now(), self._generation
        loaded = await self._load(tenant, None, lambda: self._load_routes(tenant))
        if generation == self._generation:
            self._routes.put(tenant, "", (now, loaded), ENTRY_BYTES + ROUTE_BYTES * len(loaded.all))
        return loaded

    async def _load_routes(self, tenant: str) -> Routes:
        return Routes(await self.store.webhooks(tenant))

    def _fresh(self, loaded_at: float, *, known: bool) -> bool:
        """Return whether an entry may be used; what is not there is remembered for a moment, as nobody may ever ask again."""
        limit = self._max_age if self.connected and known else self._max_age_unnotified
        return _now() - loaded_at < limit

    async def _load(self, tenant: str, key: str | None, load: Callable[[], Awaitable[T]]) -> T:
        """Load once for all who ask at the same time; a load that began before a change is not joined after it."""
        place = (self._generation, tenant, key)
        task = self._loading.get(place)
        if task is None:
            task = self._loading[place] = asyncio.ensure_future(_awaited(load))
            task.add_done_callback(lambda _: self._loading.pop(place, None))
        loaded: T = await asyncio.shield(task)
        return loaded


async def _awaited(load: Callable[[], Awaitable[T]]) -> T:
    return await load()


def _now() -> float:
    return asyncio.get_running_loop().time()
