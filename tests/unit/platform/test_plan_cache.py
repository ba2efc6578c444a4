"""Plans in a worker's memory: loaded once, evicted by size, and never while a run may be about to read one."""

import asyncio

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from runtime.platform import plan_cache
from runtime.platform.plan_cache import PlanCache, PlanCodec, PlanMissing
from runtime.platform.storage.payloads import JsonPayloadConverter
from schemas.plan_reference import PlanReference


class Loads:
    """Plans of 100 bytes, but for the hash "gone"."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, tenant: str, plan_hash: str) -> bytes | None:
        self.asked.append((tenant, plan_hash))
        await asyncio.sleep(0)
        return None if plan_hash == "gone" else b"x" * 100


def have(cache: PlanCache, names: str) -> str:
    """Those of the plans that are in memory."""
    return "".join(name for name in names if cache.get("acme", name) is not None)


async def test_a_plan_is_loaded_once_for_all_who_ask_at_the_same_time() -> None:
    """Fifty runs that begin together on a cold worker are one query; another tenant's same hash is its own."""
    loads = Loads()
    cache = PlanCache(loads)
    await asyncio.gather(*(cache.fetch("acme", "a") for _ in range(50)))
    await cache.fetch("acme", "a")
    await cache.fetch("globex", "a")
    assert loads.asked == [("acme", "a"), ("globex", "a")]
    assert "a" in have(cache, "a")


async def test_a_plan_is_prepared_before_anybody_gets_it() -> None:
    """Its node types are loaded then, outside any workflow, once."""
    prepared: list[bytes] = []
    cache = PlanCache(Loads(), prepare=prepared.append)
    for _ in range(2):
        await cache.fetch("acme", "a")
    assert prepared == [b"x" * 100]
    assert have(cache, "a") == "a"


async def test_the_plan_used_longest_ago_is_evicted_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading one keeps it; a plan of the last minute stays whatever its size, since a run may be about to read it."""
    cache = PlanCache(Loads(), max_bytes=250)
    for name in ("a", "b", "c"):
        await cache.fetch("acme", name)
    assert have(cache, "abc") == "abc", "all are in use"
    monkeypatch.setattr(plan_cache, "IN_USE_SECONDS", -1.0)
    await cache.fetch("acme", "a")
    await cache.fetch("acme", "d")
    assert have(cache, "abcd") == "ad"


async def test_a_missing_plan_is_asked_for_again() -> None:
    """The row may come back; the error has the plan's name and what to do."""
    loads = Loads()
    cache = PlanCache(loads)
    for _ in range(2):
        with pytest.raises(PlanMissing, match=r"plan gone of tenant acme .* Publish"):
            await cache.fetch("acme", "gone")
    assert len(loads.asked) == 2


async def test_decoding_a_payload_that_refers_to_a_plan_loads_it() -> None:
    """Others load nothing, and outside any run there is no tenant to load for."""
    loads = Loads()
    codec = PlanCodec(PlanCache(loads), None)
    converter = JsonPayloadConverter()
    payloads = [converter.to_payload(each) for each in (PlanReference(plan_hash="a"), {"plan_hash": "b"})]
    context = WorkflowSerializationContext(namespace="default", workflow_id="acme:template:1")
    assert await codec.with_context(context).decode(payloads) == payloads
    assert await codec.decode(payloads) == payloads
    assert loads.asked == [("acme", "a")]
    assert await codec.encode([Payload(data=b"1")]) == [Payload(data=b"1")]
