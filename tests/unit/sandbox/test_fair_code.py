"""Code of one tenant that never ends: another's runs go on beside it, and nothing of it is left when its attempt is over."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from runtime.confinement.priority import FROM_THE_START, OF_LONG_RUNS
from runtime.contract import NodeError
from runtime.sandbox.limits import CodeLimits
from runtime.sandbox.pool import MAX_IDLE_CHILDREN
from runtime.sandbox.runner import CodeRunner
from runtime.sandbox.tenant_slots import TenantSlots
from tests.patience import PATIENCE
from tests.service import eventually

SNAPSHOT: Final[dict[str, Any]] = {"items": [{"json": {}}, {"json": {}}]}
CAPACITY: Final = 8
ENDLESS: Final = {
    "a loop in JavaScript": ("javascript", "while (true) {}", "all"),
    "a promise in JavaScript": ("javascript", "return new Promise(r => setTimeout(() => r([]), 1e6))", "all"),
    "a loop in Python": ("python", "while True: pass", "all"),
    "sleep in Python": ("python", "import time\nwhile True: time.sleep(5)", "all"),
    "a loop in Python per item, whose error the node tolerates": ("python", "while True: pass", "each"),
}
SHORT: Final = {"javascript": "return [{json: {a: 1}}]", "python": "return [{'json': {'a': 1}}]"}


def of(tenant: str) -> dict[str, Any]:
    return {"snapshot": SNAPSHOT, "meta": {"tenant": tenant}}


def children() -> set[int]:
    """Return the child processes of this one that live; one that is dead and not yet waited for does not."""
    found = set()
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text(encoding="ascii").split():
            try:
                state = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z":
                found.add(int(child))
    return found


def autogroup() -> str:
    """Return the group of the scheduler that this process is in, with its niceness; empty where there are none."""
    try:
        return Path("/proc/self/autogroup").read_text(encoding="ascii")
    except OSError:
        return ""


async def nothing_left(before: set[int]) -> None:
    """Wait until there are no more children than before, but for those that wait for work: one interpreter of Python."""

    async def gone() -> bool:
        return len(children() - before) <= MAX_IDLE_CHILDREN + 1

    assert await eventually(gone), children() - before


@pytest.mark.parametrize("name", ENDLESS)
async def test_code_that_never_ends_is_gone_when_its_time_is_over(name: str) -> None:
    """The limit is of the clock: sleep counts, and two items do not have twice the time."""
    language, code, mode = ENDLESS[name]
    runner, before, threads = CodeRunner(CodeLimits(seconds=0.7)), children(), threading.active_count()
    with pytest.raises(NodeError, match=r"timed out after 0\.7 seconds"):
        async with asyncio.timeout(PATIENCE):  # on a busy machine
            await runner.run(of("a"), language, code, mode, continue_on_fail=True)
    await runner.close()
    await nothing_left(before)
    assert threading.active_count() - threads < 5, "the threads of the pools, whose number is fixed"


@pytest.mark.parametrize("name", ENDLESS)
async def test_code_that_is_cancelled_is_gone(name: str) -> None:
    language, code, mode = ENDLESS[name]
    runner, before = CodeRunner(CodeLimits(seconds=61)), children()
    running = [asyncio.create_task(runner.run(of("a"), language, code, mode)) for _ in range(4)]
    await asyncio.sleep(1)  # wherever they are then, they must go
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await runner.close()
    await nothing_left(before)


@pytest.mark.parametrize("language", SHORT)
async def test_another_tenant_goes_on_beside_twelve_runs_that_never_end(language: str) -> None:
    """Twelve of each language. Those of one tenant hold half of the slots, however many there are; nothing is measured, since not
    one of them ends before the other tenant has had its twenty runs.
    """
    before, slots = children(), TenantSlots(CAPACITY, 0.5)
    runner = CodeRunner(CodeLimits(seconds=62), slots)
    endless = [
        asyncio.create_task(runner.run(of("noisy"), each, code, mode))
        for each, code, mode in (ENDLESS["a loop in JavaScript"], ENDLESS["a loop in Python"])
        for _ in range(12)
    ]
    async with asyncio.timeout(60):
        for _ in range(20):
            done = await runner.run(of("quiet"), language, SHORT[language], "all")
            assert done["value"]["outcomes"] == [{"data": [{"json": {"a": 1}}]}]
            assert slots.held("noisy") == CAPACITY // 2
    assert not any(each.done() for each in endless)
    assert len(children() - before) <= CAPACITY + MAX_IDLE_CHILDREN + 1
    for each in endless:
        each.cancel()
    await asyncio.gather(*endless, return_exceptions=True)
    await runner.close()
    await nothing_left(before)
    assert (slots.held("noisy"), slots.waiting("noisy")) == (0, 0)


async def test_code_that_runs_for_long_gives_way() -> None:
    """Its process has a lower priority than that of code which has just begun, whose priority is below our own; and serves no other run."""
    runner, before = CodeRunner(CodeLimits(seconds=63)), children()
    running = [
        asyncio.create_task(runner.run(of("a"), *ENDLESS[name]))
        for name in ("a loop in JavaScript", "a loop in Python")
    ]

    usual, group = os.getpriority(os.PRIO_PROCESS, 0), autogroup()

    async def gave_way() -> bool:
        low = [child for child in children() if os.getpriority(os.PRIO_PROCESS, child) == usual + OF_LONG_RUNS]
        return len(low) == len(running)

    async def begun() -> bool:
        low = [child for child in children() if os.getpriority(os.PRIO_PROCESS, child) >= usual + FROM_THE_START]
        return len(low) >= len(running)

    assert await eventually(begun)
    assert await eventually(gave_way)
    assert autogroup() == group, "a child in our session must not take our own processes down with it"
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await runner.close()
    await nothing_left(before)
