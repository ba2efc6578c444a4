"""Postgres that hangs (SIGSTOP) is handled as one that refuses: callers are told within seconds, and nobody waits for it."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.postgres import Database, DatabaseUnavailable, StatementTimeout, TenantBusy
from service.task_deaths import TaskDeaths
from tests.patience import PATIENCE, attempts
from tests.service import eventually


@contextlib.contextmanager
def stopped(postgres: int) -> Iterator[None]:
    """Postgres and all its backends stand still."""
    processes = [postgres]
    try:
        _halt(postgres)  # first, so that it gets no more children
        for each in _children(postgres):
            processes.append(each)
            with contextlib.suppress(ProcessLookupError):
                _halt(each)
        yield
    finally:
        for each in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


def _halt(process: int) -> None:
    """Stop a process and wait until it stands still: on a busy machine a signal takes its time."""
    os.kill(process, signal.SIGSTOP)
    for _ in attempts(0.01):
        if _state(process)[0] in "TZ":
            return
        time.sleep(0.01)
    raise AssertionError(f"{process} does not stop")


def _state(process: int) -> tuple[str, int]:
    """The state of a process, and its parent. Raise ProcessLookupError."""
    try:
        state, parent = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[:2]
    except FileNotFoundError:
        raise ProcessLookupError from None
    return state, int(parent)


def _children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            if _state(int(folder.name))[1] == parent:
                found += [int(folder.name), *_children(int(folder.name))]
    return found


def pid_of(embedded: EmbeddedProfile) -> int:
    """The postmaster. A backend that has just begun has its command line, too."""
    port = embedded.addresses.database_url.rsplit(":", 1)[1].split("/")[0]
    found = {}
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = command.read_bytes().decode(errors="replace").split("\0")
            if words[0].endswith("bin/postgres") and f"port={port}" in words:
                process = int(command.parent.name)
                found[process] = _state(process)[1]
    (postmaster,) = (process for process, parent in found.items() if parent not in found)
    return postmaster


POOL_SECONDS: Final = 3.0
"""The longest wait for a connection."""


@pytest.fixture
async def pool(embedded: EmbeddedProfile) -> AsyncIterator[Database]:
    """A pool with short time-outs."""
    async with Database(
        embedded.addresses.database_url, size=4, timeout=POOL_SECONDS, statement_timeout=1.0, per_tenant=2
    ) as opened:
        yield opened


async def test_a_query_a_check_and_a_cancellation_end_while_postgres_hangs(
    pool: Database, embedded: EmbeddedProfile
) -> None:
    """A statement in the middle, the next request, and one whose caller is gone; afterwards all is as before."""
    clock = time.monotonic
    began, hangs = asyncio.Barrier(3), asyncio.Event()

    async def middle() -> float:
        async with pool.transaction() as connection:
            await began.wait()
            await hangs.wait()
            before = clock()
            with pytest.raises(DatabaseUnavailable):
                async with pool.transaction():
                    raise AssertionError("it hangs")
            del connection
            return clock() - before

    async def statement() -> float:
        before = clock()
        with pytest.raises(DatabaseUnavailable):
            async with pool.transaction() as connection:
                await began.wait()
                await hangs.wait()
                before = clock()
                await connection.execute("select 1")
        return clock() - before

    async def cancelled() -> float:
        await hangs.wait()
        before = clock()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.ping(), 0.5)  # brief: the server hangs
        return clock() - before

    running = asyncio.gather(middle(), statement(), cancelled(), return_exceptions=True)
    await began.wait()
    with stopped(pid_of(embedded)):
        hangs.set()
        times = await asyncio.wait_for(running, PATIENCE)
    assert isinstance(times[1], float), times
    assert isinstance(times[2], float), times
    assert times[2] < POOL_SECONDS, times

    async def answers() -> bool:
        try:
            await pool.ping()
        except DatabaseUnavailable:
            return False
        return True

    assert await eventually(answers)


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(pool: Database) -> None:
    """The connection is good afterwards."""
    with pytest.raises(StatementTimeout, match="longer than 1 s"):
        async with pool.transaction() as connection:
            await connection.execute("select pg_sleep(30)")
    await pool.ping()


async def test_a_tenant_with_reports_at_work_waits_and_others_do_not(pool: Database, tenants: tuple[str, str]) -> None:
    """Two of its places are taken: its third report is refused in the end, another tenant's query is answered at once."""
    one, other = tenants
    hold = asyncio.Event()

    at_work = asyncio.Barrier(3)

    async def report() -> None:
        async with pool.tenant_transaction(one):
            await at_work.wait()
            await hold.wait()

    reports = [asyncio.create_task(report()) for _ in range(2)]
    await at_work.wait()
    refused = asyncio.create_task(report())
    async with pool.tenant_transaction(other) as connection:
        await connection.execute("select 1")
    assert not refused.done()
    with pytest.raises(TenantBusy, match=one):
        await refused
    hold.set()
    await asyncio.gather(*reports)
    async with pool.tenant_transaction(one) as connection:
        await connection.execute("select 1")


async def test_a_process_that_ends_waits_for_its_note_no_longer_than_seconds(
    pool: Database, embedded: EmbeddedProfile
) -> None:
    """From a thread, as the watchdog writes it: a server that accepts the connection and says nothing."""
    deaths = TaskDeaths(pool, embedded.addresses.database_url)
    with stopped(pid_of(embedded)):
        before = time.monotonic()
        with pytest.raises((TimeoutError, psycopg.OperationalError)):
            await asyncio.to_thread(deaths.note, "acme", "w", "t")
        assert time.monotonic() - before < PATIENCE
    with pytest.raises(psycopg.Error):  # it is raised here, not in the thread that writes
        await asyncio.to_thread(deaths.note, "no such tenant", "w", "t")


async def test_a_server_that_stops_between_connection_and_note_is_waited_for_no_longer(
    pool: Database, embedded: EmbeddedProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = psycopg.connect

    def stopping(*given: Any, **options: Any) -> Any:
        connection = connect(*given, **options)
        os.kill(connection.info.backend_pid, signal.SIGSTOP)
        halted.append(connection.info.backend_pid)
        return connection

    halted: list[int] = []
    monkeypatch.setattr("service.task_deaths.psycopg.connect", stopping)
    before = time.monotonic()
    try:
        with pytest.raises(TimeoutError, match="did not take the note"):
            await asyncio.to_thread(TaskDeaths(pool, embedded.addresses.database_url).note, "acme", "w", "t")
        assert time.monotonic() - before < PATIENCE
    finally:
        for each in halted:
            os.kill(each, signal.SIGCONT)


async def test_a_start_that_fails_leaves_nothing_that_keeps_its_process_alive(embedded: EmbeddedProfile) -> None:
    """Tasks that went on trying to connect kept a worker for good that was started while Postgres hung: it was neither up nor gone."""
    loop, by_start, begun = asyncio.get_running_loop(), ContextVar("by_start", default=False), list[asyncio.Task[Any]]()

    def begin(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **options)
        if by_start.get():  # the application of the session begins tasks meanwhile
            begun.append(task)
        return task

    earlier = loop.get_task_factory()
    loop.set_task_factory(begin)
    mark = by_start.set(True)
    try:
        with stopped(pid_of(embedded)), pytest.raises(DatabaseUnavailable):
            async with Database(embedded.addresses.database_url):
                pass
    finally:
        by_start.reset(mark)
        loop.set_task_factory(earlier)
    assert begun, "it tried to connect"
    assert [each for each in begun if not each.done()] == []
