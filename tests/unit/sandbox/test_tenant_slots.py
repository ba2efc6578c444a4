"""Slots between tenants: nobody has all of them, and nobody waits behind another tenant's queue."""

import asyncio
from collections.abc import Sequence
from typing import Final

import pytest

from runtime.sandbox.tenant_slots import SlotsTaken, TenantSlots

SHARES: Final[dict[str, tuple[int, float, str, dict[str, int]]]] = {
    "a tenant alone holds its share": (8, 0.5, "a" * 12, {"a": 4}),
    "without a limit it holds all": (8, 1.0, "a" * 12, {"a": 8}),
    "the second has less than the first had, and one is left": (8, 0.5, "a" * 12 + "b" * 12, {"a": 4, "b": 2}),
    "six tenants with much work each hold one at least": (
        8, 0.5, "a" * 9 + "b" * 9 + "c" * 9 + "d" * 9, {"a": 4, "b": 2, "c": 1, "d": 1},
    ),
    "one slot goes to one tenant": (1, 0.5, "ab", {"a": 1, "b": 0}),
    "two slots are for two tenants": (2, 0.5, "aab", {"a": 1, "b": 1}),
    "three quarters leave a quarter": (8, 0.75, "a" * 12 + "b" * 12, {"a": 6, "b": 2}),
}  # fmt: skip
"""Slots, share, who asks in which order, and who holds how many then."""


async def holders(slots: TenantSlots, asked: Sequence[str]) -> list[asyncio.Task[None]]:
    async def one(tenant: str) -> None:
        async with slots.hold(tenant):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(one(tenant)) for tenant in asked]
    await asyncio.sleep(0)
    return tasks


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("name", SHARES)
async def test_a_tenant_holds_its_share(name: str) -> None:
    capacity, share, asked, held = SHARES[name]
    slots = TenantSlots(capacity, share)
    tasks = await holders(slots, asked)
    assert {tenant: slots.held(tenant) for tenant in held} == held
    await end(tasks)
    assert (slots._held, slots._waiting) == ({}, {}), "nothing is kept of tenants that have gone"


async def test_slots_that_become_free_go_round_the_tenants() -> None:
    """The first of a holds the slot when the others come; from then on it goes in turn, however long a queue is."""
    slots, order = TenantSlots(1, 0.5), list[str]()

    async def one(tenant: str) -> None:
        async with slots.hold(tenant):
            order.append(tenant)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(tenant) for tenant in "aaaabbc"))
    assert "".join(order) == "aabcaba"


async def test_who_waits_too_long_is_told() -> None:
    """And leaves no place behind that a slot could go to."""
    slots = TenantSlots(2, 0.5)
    tasks = await holders(slots, "a")
    with pytest.raises(SlotsTaken):
        async with slots.hold("a", patience=0.01):
            raise AssertionError("held")
    assert (slots.held("a"), slots.waiting("a")) == (1, 0)
    async with slots.hold("b", patience=5):
        assert slots.held("b") == 1
    await end(tasks)


async def test_a_slot_that_is_granted_to_one_who_is_cancelled_goes_on() -> None:
    slots = TenantSlots(1)
    first = await holders(slots, "a")
    second = await holders(slots, "b")
    await end(first)  # grants to b, whose task has not run yet
    await end(second)
    async with slots.hold("c", patience=5):
        assert slots.held("c") == 1
