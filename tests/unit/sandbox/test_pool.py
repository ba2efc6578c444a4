"""Children are few, whatever happens to those who wait for one."""

import asyncio

import pytest

from runtime.sandbox.limits import CodeLimits
from runtime.sandbox.pool import MAX_BUSY_CHILDREN, MAX_IDLE_CHILDREN, ChildPool, pool_for
from runtime.sandbox.runner import CodeRunner
from tests.patience import PATIENCE

SNAPSHOT: dict[str, list[dict[str, dict[str, object]]]] = {"items": [{"json": {}}]}


def alive(pool: ChildPool) -> int:
    return pool._busy + len(pool._idle)


async def test_short_code_of_many_runs_shares_the_children_that_are_kept() -> None:
    """A start costs a hundred times what the code does: 40 runs at once must not start 40 children."""
    runner, seen = CodeRunner(CodeLimits(seconds=31)), 0
    pool = pool_for(runner.limits)
    await runner.javascript("return []", mode="all", snapshot=SNAPSHOT)

    async def watch() -> None:
        nonlocal seen
        while True:
            seen = max(seen, alive(pool))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(runner.javascript("return []", mode="all", snapshot=SNAPSHOT) for _ in range(40)))
    watching.cancel()
    assert seen < MAX_BUSY_CHILDREN, "on a machine with time to spare no more than IDLE_MOST"
    await runner.close()


async def test_code_that_sleeps_does_not_keep_others_waiting() -> None:
    """Those who waited a moment get a child of their own."""
    runner = CodeRunner(CodeLimits(seconds=32))
    sleep = "return new Promise(resolve => setTimeout(() => resolve([]), 30000))"
    sleeping = [
        asyncio.create_task(runner.javascript(sleep, mode="all", snapshot=SNAPSHOT)) for _ in range(MAX_IDLE_CHILDREN)
    ]
    await asyncio.sleep(0.5)
    await runner.javascript("return []", mode="all", snapshot=SNAPSHOT)
    assert not any(each.done() for each in sleeping)
    for each in sleeping:
        each.cancel()
    await asyncio.gather(*sleeping, return_exceptions=True)
    await runner.close()


async def test_a_run_that_is_cancelled_gives_its_child_back() -> None:
    """Before it has one, and while it works; as many as the pool allows, so that none may be missing afterwards."""
    runner = CodeRunner(CodeLimits(seconds=33))
    forever = "return new Promise(resolve => setTimeout(() => resolve([]), 30000))"
    running = [
        asyncio.create_task(runner.javascript(forever, mode="all", snapshot=SNAPSHOT))
        for _ in range(MAX_BUSY_CHILDREN * 2)
    ]
    await asyncio.sleep(0.6)
    for each in running:
        each.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.gather(*running)
    await asyncio.wait_for(runner.javascript("return []", mode="all", snapshot=SNAPSHOT), PATIENCE)
    pool = pool_for(runner.limits)
    async with asyncio.timeout(PATIENCE):
        while pool._busy:
            await asyncio.sleep(0.01)
    await runner.close()


async def test_a_spare_child_that_starts_while_the_pool_closes_ends_too() -> None:
    """A slow run has ordered it."""
    runner = CodeRunner(CodeLimits(seconds=34))
    pool = pool_for(runner.limits)
    child = await asyncio.to_thread(pool.take, "a")
    pool.note_slow(child)
    pool.lose(child)
    await runner.close()
    assert (pool._spares, pool._idle) == (0, [])
