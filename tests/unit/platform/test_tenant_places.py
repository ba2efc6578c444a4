"""Each tenant has so many places, whatever the others do."""

import asyncio

import pytest

from runtime.platform.tenant_places import TenantPlaces


async def test_a_tenant_waits_for_its_own_places_only() -> None:
    """Two at once per tenant; the third waits, in order; another tenant does not."""
    places, going, most = TenantPlaces(2), {"a": 0, "b": 0}, {"a": 0, "b": 0}

    async def work(tenant: str) -> None:
        async with places.hold(tenant):
            going[tenant] += 1
            most[tenant] = max(most[tenant], going[tenant])
            await asyncio.sleep(0.01)
            going[tenant] -= 1

    await asyncio.gather(*(work(tenant) for tenant in "aaaaabb"))
    assert most == {"a": 2, "b": 2}
    assert not len(places)


async def test_a_tenant_that_waits_too_long_is_told_and_leaves_nothing() -> None:
    """Nor does one that was cancelled while it waited."""
    places = TenantPlaces(1)
    async with places.hold("a"):
        with pytest.raises(TimeoutError):
            async with places.hold("a", 0.01):
                raise AssertionError("there is no place")
        waiting = asyncio.create_task(places.hold("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert not len(places)


async def test_a_place_is_given_back_once_its_time_is_over() -> None:
    """The work goes on without it, and gives nothing back at its end."""
    places, order = TenantPlaces(1), []

    async def work(name: str, seconds: float) -> None:
        async with places.hold("a", longest=0.02):
            order.append(f"{name} begins")
            await asyncio.sleep(seconds)
            order.append(f"{name} ends")

    await asyncio.gather(work("slow", 0.2), work("quick", 0), work("other", 0))
    assert order[0] == "slow begins"
    assert order[-1] == "slow ends"
    assert len(order) == 6
    assert not len(places)
