"""Templates and routes in memory: for how long, how many bytes, and what a notification drops."""

import asyncio
from typing import cast

import pytest

from service.routes import Webhook
from service.template_cache import ENTRY_BYTES, PARSED_FACTOR, TemplateCache
from service.template_records import Published
from service.templates import TemplateStore
from service.tenant_cache import TenantCache


class Store:
    """Counts what it is asked; every template exists whose key does not begin with `no`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.version = 1
        self.gate = asyncio.Event()
        self.gate.set()

    async def current(self, tenant: str, key: str) -> Published | None:
        self.asked.append(f"{tenant}/{key}")
        version = self.version
        await self.gate.wait()
        return None if key.startswith("no") else Published(tenant, key, version, "hash", b"x" * 100)

    async def webhooks(self, tenant: str) -> list[Webhook]:
        self.asked.append(tenant)
        return [] if tenant.startswith("no") else [Webhook("GET", "a", "Webhook")]


def cache(store: Store, **rest: float) -> TemplateCache:
    made = TemplateCache(cast("TemplateStore", store), **rest)  # type: ignore[arg-type]  # bytes are whole numbers
    made.connected = True
    return made


async def test_a_template_is_loaded_once_until_its_tenant_changes() -> None:
    """Another tenant's notification leaves it, its own and that of the shared templates drop it."""
    store = Store()
    templates = cache(store)
    for change, loads in ((None, 1), ("other", 1), ("acme", 2), ("*", 3)):
        if change:
            templates.forget(change)
        await templates.current("acme", "t")
        await templates.current("acme", "t")
        assert len(store.asked) == loads, change


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the cache sees; a test moves them on."""
    seconds = [0.0]
    monkeypatch.setattr("service.template_cache._now", lambda: seconds[0])
    return seconds


async def test_an_entry_has_an_age_though_notifications_arrive(clock: list[float]) -> None:
    """A notification that was lost matters for so long and no longer."""
    store = Store()
    templates = cache(store, max_age=0.05)
    await templates.current("acme", "t")
    await templates.routes("acme")
    clock[0] += 0.06
    await templates.current("acme", "t")
    await templates.routes("acme")
    assert store.asked == ["acme/t", "acme", "acme/t", "acme"]


async def test_without_notifications_an_entry_is_short_lived(clock: list[float]) -> None:
    """Nobody says what changed, so it is looked up again after a moment."""
    store = Store()
    templates = cache(store, max_age_unnotified=0.05)
    await templates.current("acme", "t")
    templates.connected = False
    await templates.current("acme", "t")
    assert len(store.asked) == 1
    clock[0] += 0.06
    await templates.current("acme", "t")
    assert len(store.asked) == 2


async def test_what_is_not_there_is_asked_for_once_in_a_moment(clock: list[float]) -> None:
    """A flood of calls to unknown addresses is no flood of queries, and a publication is seen at once."""
    store = Store()
    templates = cache(store, max_age_unnotified=0.2)
    for _ in range(50):
        assert await templates.current("acme", "nothing") is None
        assert (await templates.routes("nobody")).all == []
    assert len(store.asked) == 2
    templates.forget("acme")
    await templates.current("acme", "nothing")
    clock[0] += 0.21
    await templates.current("acme", "nothing")
    assert len(store.asked) == 4


async def test_those_who_ask_at_once_share_one_query() -> None:
    """A hundred requests after a publication are one query."""
    store = Store()
    templates = cache(store)
    store.gate.clear()
    asking = [asyncio.ensure_future(templates.current("acme", "t")) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.gate.set()
    assert len({id(each) for each in await asyncio.gather(*asking)}) == 1
    assert store.asked == ["acme/t"]


async def test_a_query_that_began_before_a_change_is_not_remembered_after_it() -> None:
    """Otherwise the old version would be served for a minute."""
    store = Store()
    templates = cache(store)
    store.gate.clear()
    early = asyncio.ensure_future(templates.current("acme", "t"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.version = 2
    templates.forget("acme")
    late = asyncio.ensure_future(templates.current("acme", "t"))
    await asyncio.sleep(0)
    store.gate.set()
    first, second = await early, await late
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == (1, 2)
    current = await templates.current("acme", "t")
    assert current is not None
    assert current.version == 2
    assert len(store.asked) == 2


async def test_the_template_that_was_not_read_for_longest_goes_first() -> None:
    """The limit is bytes; reading a template keeps it."""
    store = Store()
    templates = cache(store, max_bytes=3 * (ENTRY_BYTES + PARSED_FACTOR * 100))
    for key in ("a", "b", "c", "a", "d"):
        await templates.current("acme", key)
    store.asked.clear()
    for key in ("a", "c", "d", "b"):
        await templates.current("acme", key)
    assert store.asked == ["acme/b"]


@pytest.mark.parametrize("size", [0, 1, 50, 100, 101])
def test_the_bytes_of_a_cache_are_those_of_its_entries(size: int) -> None:
    """Also after replacing, removing and dropping a tenant."""
    entries = TenantCache[int](100)
    for place in range(300):
        entries.put(f"t{place % 7}", f"k{place % 11}", place, size)
        assert entries.bytes <= 100
        assert entries.bytes == size * len(entries)
        if place % 13 == 0:
            entries.remove_tenant("t3")
            assert all(entries.get("t3", f"k{key}") is None for key in range(11))
    entries.clear()
    assert (entries.bytes, len(entries)) == (0, 0)
