"""What is told of a child that died, and what is done about it: memory is blamed only when it was memory."""

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from runtime.contract import NodeError
from runtime.sandbox.child import HEADER
from runtime.sandbox.child_process import ChildLost, ChildProcess
from runtime.sandbox.limits import CodeLimits
from runtime.sandbox.pool import ChildPool, libraries, pool_for
from runtime.sandbox.runner import CodeRunner, _take_child
from tests.patience import PATIENCE

SNAPSHOT: Final[dict[str, Any]] = {"items": [{"json": {}}]}
SHORT: Final = "return [{json: {a: 1}}]"
WAITS: Final = "return new Promise(done => setTimeout(() => done([{json: {a: 1}}]), 1500))"
DONE: Final = [{"data": [{"json": {"a": 1}}]}]


async def run(runner: CodeRunner, code: str) -> Any:
    done = await runner.javascript(code, mode="all", snapshot=SNAPSHOT, owner="a")
    return done["value"]["outcomes"]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[ChildProcess]:
    """The children that are handed out, in order."""
    given: list[ChildProcess] = []
    take = ChildPool.take

    def note(self: ChildPool, owner: str) -> ChildProcess:
        given.append(take(self, owner))
        return given[-1]

    monkeypatch.setattr(ChildPool, "take", note)
    return given


async def kill(taken: list[ChildProcess], number: int) -> None:
    """Kill the next child that is handed out while it works."""
    before = len(taken)
    while len(taken) == before:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    os.kill(taken[-1]._process.inner_pid, number)


async def test_a_child_that_died_while_it_waited_is_handed_to_nobody() -> None:
    runner = CodeRunner(CodeLimits(seconds=41))
    await run(runner, SHORT)
    ((_, child),) = pool_for(runner.limits)._idle
    os.kill(child._process.inner_pid, signal.SIGKILL)
    child._process.wait()
    assert await run(runner, SHORT) == DONE
    assert all(each is not child for _, each in pool_for(runner.limits)._idle)
    await runner.close()


async def test_code_whose_child_is_killed_runs_once_more(taken: list[ChildProcess]) -> None:
    runner = CodeRunner(CodeLimits(seconds=42))
    running = asyncio.create_task(run(runner, WAITS))
    await kill(taken, signal.SIGKILL)
    assert await running == DONE
    assert len(taken) == 2
    await runner.close()


async def test_code_whose_child_is_killed_twice_fails_and_is_not_said_to_need_memory(
    taken: list[ChildProcess],
) -> None:
    runner = CodeRunner(CodeLimits(seconds=43))
    running = asyncio.create_task(run(runner, WAITS))
    await kill(taken, signal.SIGKILL)
    await kill(taken, signal.SIGKILL)
    with pytest.raises(NodeError, match="The code sandbox ended unexpectedly") as failed:
        await running
    assert failed.value.description == "Its process ended before the code did: it died of SIGKILL"
    assert len(taken) == 2
    await runner.close()


@pytest.mark.parametrize(
    ("deaths", "message"),
    [
        pytest.param(["abort"], None, id="V8 may end a process once without a reason"),
        pytest.param(["abort", "abort"], "Node ran out of memory", id="twice, it was refused memory"),
        pytest.param(["memory"], "Node ran out of memory", id="what is known to be memory is not tried again"),
        pytest.param(["crash"], None, id="killed once"),
        pytest.param(["crash", "crash"], "sandbox ended unexpectedly", id="killed twice"),
        pytest.param(["failure"], "sandbox ended unexpectedly", id="an engine that failed would fail again"),
        pytest.param(["time"], "timed out after 44 seconds", id="time"),
    ],
)
async def test_what_is_told_of_each_death(
    deaths: list[str], message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, left, exchange = CodeRunner(CodeLimits(seconds=44)), list(deaths), ChildProcess.exchange

    def dying(self: ChildProcess, kind: str, text: str, seconds: float) -> tuple[str, str]:
        if left:
            raise ChildLost(left.pop(0), "a detail")
        return exchange(self, kind, text, seconds)

    monkeypatch.setattr(ChildProcess, "exchange", dying)
    if message is None:
        assert await run(runner, SHORT) == DONE
    else:
        with pytest.raises(NodeError, match=message):
            await run(runner, SHORT)
    assert left == []
    await runner.close()


class Helpers:
    """A host that counts what code asks of it."""

    def __init__(self, after: Callable[[], None]) -> None:
        self.asked, self._after = 0, after
        self.blobs = self.http = self

    async def read(self, ref: Any) -> bytes:
        del ref
        self.asked += 1
        self._after()
        return b""


async def test_code_that_has_asked_for_something_outside_does_not_run_again(taken: list[ChildProcess]) -> None:
    """It might send its request twice."""
    runner = CodeRunner(CodeLimits(seconds=45))
    helpers: Any = Helpers(lambda: os.kill(taken[-1]._process.inner_pid, signal.SIGKILL))
    items: Any = [{"json": {}, "binary": {"data": {"id": "1", "mimeType": "a/b"}}}]
    code = "await this.helpers.getBinaryDataBuffer(0, 'data'); return []"
    with pytest.raises(NodeError, match="sandbox ended unexpectedly"):
        await runner.javascript(code, mode="all", snapshot={"items": items}, owner="a", helpers=helpers)
    assert (helpers.asked, len(taken)) == (1, 1)
    await runner.close()


def test_a_child_that_announces_more_than_it_can_mean_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The length of its frame is the word of a process that runs an author's code."""
    child = ChildProcess(CodeLimits(memory_mb=64, output_mb=1), libraries())
    read = child._read
    monkeypatch.setattr(
        child, "_read", lambda size, deadline: (read(size, deadline), HEADER.pack((64 << 20) + 1, 68))[1]
    )
    with pytest.raises(ChildLost, match="it announced a frame of"):
        child.exchange("R", 'a\n{"code":"","mode":"all","snapshot":{"items":[]}}', 30)
    assert not child.alive


async def test_the_pipes_of_a_child_are_open_until_no_thread_uses_them() -> None:
    """Their numbers would be those of the next child, whose answers the thread would read."""
    child = ChildProcess(CodeLimits(), libraries())
    job = 'a\n{"code":"for(;;);","mode":"all","snapshot":{"items":[]}}'
    asking = asyncio.create_task(asyncio.to_thread(child.exchange, "R", job, 30.0))
    while not child._using.locked():
        await asyncio.sleep(0.01)
    child.kill()
    with pytest.raises(ChildLost, match="SIGKILL"):
        await asking
    assert child._process.stdout is not None
    assert child._process.stdout.closed


def closed(child: ChildProcess) -> bool:
    """Whether nothing of a child is left for the collection of garbage."""
    process = child._process
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin.closed and process.stdout.closed and process.report < 0 and process.returncode is not None


def test_the_pipes_of_a_child_are_closed_whatever_fails_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    child = ChildProcess(CodeLimits(), libraries())
    child._process.inner_pid  # noqa: B018  # the descriptor of the report is closed from here on

    def fails() -> None:
        raise OSError(errno.EBADF, "a descriptor that is closed already")

    monkeypatch.setattr(child._process, "_forget_report", fails)
    with pytest.raises(OSError, match="closed already"):
        child.kill()
    assert closed(child)


def test_a_child_that_does_not_start_leaves_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when what it died of has no name."""
    made: list[ChildProcess] = []

    def write(self: ChildProcess, *_: object) -> None:
        made.append(self)
        raise BrokenPipeError

    def lost(*_: object) -> ChildLost:
        raise ValueError("99 is not a valid Signals")

    monkeypatch.setattr(ChildProcess, "_write", write)
    monkeypatch.setattr(ChildProcess, "_lost", lost)
    with pytest.raises(ValueError, match="99"):
        ChildProcess(CodeLimits(), libraries())
    assert closed(made[0])


def test_a_child_that_was_killed_takes_no_work() -> None:
    """Its thread began after the kill: the numbers of its pipes may be another child's."""
    child = ChildProcess(CodeLimits(), libraries())
    child.kill()
    other = ChildProcess(CodeLimits(), libraries())
    try:
        assert (other._in, other._out) == (child._in, child._out)
        with pytest.raises(ChildLost, match="it was killed before it had work"):
            child.exchange("R", "a\n{}", 5.0)
        assert other.alive
    finally:
        other.kill()


def test_many_threads_learn_the_same_number_of_a_process() -> None:
    """It comes through a pipe that is read once and closed once."""
    for _ in range(5):
        child = ChildProcess(CodeLimits(), libraries())
        with ThreadPoolExecutor(8) as threads:
            numbers = set(threads.map(lambda _: child._process.inner_pid, range(8)))  # noqa: B023  # called here
        child.kill()
        assert len(numbers) == 1
        assert numbers != {child.pid}
        assert closed(child)


@pytest.mark.parametrize("end", ["close", "throw"])
async def test_a_run_that_is_dropped_while_it_waits_for_a_child_leaves_it_to_the_next(end: str) -> None:
    """As when an event loop ends before its tasks."""
    pool = ChildPool(CodeLimits(seconds=46))
    taking = _take_child(pool, "a")
    taking.send(None)
    if end == "close":
        taking.close()
    else:
        with pytest.raises(RuntimeError):
            taking.throw(RuntimeError())
    async with asyncio.timeout(PATIENCE):
        while not pool._idle:
            await asyncio.sleep(0.01)
    ((_, child),) = pool._idle
    assert pool._busy == 0
    pool.close()
    assert closed(child)
