"""Steps in which a worker has died begin one at a time."""

import asyncio

import pytest

from runtime.hosts.temporal import suspect_window
from runtime.hosts.temporal.suspect_window import SuspectWindow
from tests.patience import PATIENCE


async def test_the_second_begins_when_the_first_is_left() -> None:
    """And each says once that it is over."""
    seen: list[str] = []

    async def one(name: str) -> None:
        async def over() -> None:
            seen.append(f"{name} over")

        async with SuspectWindow(name, over):
            seen.append(f"{name} in")
            await asyncio.sleep(0)

    await asyncio.gather(one("a"), one("b"))
    assert seen == ["a in", "a over", "b in", "b over"]


async def test_one_that_lives_goes_on_beside_the_others() -> None:
    """Its time alone is short: a step of an hour must not keep the others from beginning."""
    seen: list[str] = []

    async def over() -> None:
        seen.append("over")

    async with SuspectWindow("a", over, seconds=0.01), SuspectWindow("b"):
        assert seen == ["over"]
    assert seen == ["over"]


async def test_one_that_is_cancelled_while_it_waits_leaves_no_trace() -> None:
    async def waits() -> None:
        async with SuspectWindow("b"):
            raise AssertionError("two at a time")

    async with SuspectWindow("a"):
        waiting = asyncio.create_task(waits())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(PATIENCE), SuspectWindow("c"):
        assert suspect_window._SUSPECTS.held("c") == 1
    await asyncio.sleep(0)
    assert suspect_window._SUSPECTS.held("b") == 0
