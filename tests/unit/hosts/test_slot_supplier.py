"""A worker takes no more than its event loop keeps alive."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runtime.hosts.temporal.slot_supplier import EventLoopSlots
from tests.patience import PATIENCE

NOTHING: Any = None


@asynccontextmanager
async def a_busy_loop() -> AsyncIterator[None]:
    """Something computes on it, in pieces of 50 ms."""

    async def compute() -> None:
        while True:
            time.sleep(0.05)
            await asyncio.sleep(0)

    computing = asyncio.create_task(compute())
    try:
        yield
    finally:
        computing.cancel()


async def test_the_first_slots_are_there_at_once_however_busy_the_loop_is() -> None:
    slots = EventLoopSlots(minimum=3, maximum=9)
    async with a_busy_loop(), asyncio.timeout(PATIENCE):
        for _ in range(3):
            await slots.reserve_slot(NOTHING)
    assert slots.try_reserve_slot(NOTHING) is None


async def test_a_loop_on_time_gives_more_up_to_the_maximum() -> None:
    slots = EventLoopSlots(minimum=1, maximum=4)
    for _ in range(4):
        await asyncio.wait_for(slots.reserve_slot(NOTHING), PATIENCE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slots.reserve_slot(NOTHING), 0.2)  # brief: there is no slot


async def test_a_busy_loop_gives_no_more_until_one_is_given_back() -> None:
    slots = EventLoopSlots(minimum=1, maximum=4)
    await slots.reserve_slot(NOTHING)
    async with a_busy_loop():
        waiting = asyncio.create_task(slots.reserve_slot(NOTHING))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        slots.release_slot(NOTHING)
        await asyncio.wait_for(waiting, PATIENCE)
    assert slots.try_reserve_slot(NOTHING) is None, "it is taken again"


async def test_one_who_gives_up_waiting_holds_nothing() -> None:
    slots = EventLoopSlots(minimum=1, maximum=1)
    await slots.reserve_slot(NOTHING)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slots.reserve_slot(NOTHING), 0.1)  # brief: there is no slot
    slots.release_slot(NOTHING)
    assert slots.try_reserve_slot(NOTHING) is not None
