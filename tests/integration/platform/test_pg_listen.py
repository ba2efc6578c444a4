"""Notifications: they arrive, and a connection whose other end is silent is noticed and replaced."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import psycopg
import pytest

from runtime.platform.pg_listen import ANSWER_SECONDS, HEARTBEAT_SECONDS, listen
from runtime.platform.pg_locks import SessionLocks
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from tests.service import eventually

CHANNEL = "listen_test"
OURS = "select pid from pg_stat_activity where application_name = %s and pid <> all(%s)"


@dataclass
class Heard:
    """What a listener has been called with."""

    payloads: list[str] = field(default_factory=list)
    connected: list[bool] = field(default_factory=list)
    beats: int = 0

    def beat(self) -> None:
        self.beats += 1

    async def is_connected(self) -> bool:
        return self.connected[-1:] == [True]

    async def is_gone(self) -> bool:
        return False in self.connected


@pytest.fixture
def url(service: Settings) -> str:
    """The database's address as the application's role."""
    assert service.database_url is not None
    return service.database_url.get_secret_value()


@contextlib.asynccontextmanager
async def listening(url: str, heartbeat: float = 0.2, answer: float = 0.5) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.ensure_future(
        listen(
            url,
            CHANNEL,
            heard.payloads.append,
            heard.connected.append,
            heard.beat,
            pause=0.1,
            heartbeat=heartbeat,
            answer=answer,
        )
    )
    try:
        await eventually(heard.is_connected)
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def backends(database: Database, name: str, known: list[int]) -> list[int]:
    async with database.transaction() as connection:
        return [row["pid"] for row in await (await connection.execute(OURS, (name, known))).fetchall()]


async def notify(database: Database, payload: str) -> None:
    async with database.transaction() as connection:
        await connection.execute("select pg_notify(%s, %s)", (CHANNEL, payload))


async def test_no_notification_is_lost_between_heartbeats(url: str, database: Database) -> None:
    """Also those that come while the heartbeat's own notice is under way."""
    async with listening(url, heartbeat=0.02) as heard:
        for place in range(200):
            await notify(database, str(place))

        async def all_of_them() -> bool:
            return len(heard.payloads) >= 200 and heard.beats > 0

        await eventually(all_of_them)
        assert heard.payloads == [str(place) for place in range(200)]
        assert heard.connected == [True]


async def test_a_backend_that_is_silent_is_noticed_and_replaced(url: str, database: Database) -> None:
    """Stopped, as the other end of a half-open connection: within a heartbeat and its answer, 15 s as released."""
    assert HEARTBEAT_SECONDS + ANSWER_SECONDS < 20
    known = await backends(database, "tempor8 notices", [])
    async with listening(url) as heard:
        (pid,) = await backends(database, "tempor8 notices", known)
        os.kill(pid, signal.SIGSTOP)
        try:
            await eventually(heard.is_gone)
            await eventually(heard.is_connected)
            await notify(database, "after")

            async def arrived() -> bool:
                return heard.payloads == ["after"]

            await eventually(arrived)
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_locks_of_a_session_that_is_silent_are_lost_and_taken_again(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder learns it at its next call, and a new session has the lock once the old backend is gone."""
    monkeypatch.setattr("runtime.platform.pg_locks.ANSWER_SECONDS", 0.3)
    known = await backends(database, "tempor8 locks", [])
    locks, others = SessionLocks(url), SessionLocks(url)
    async with locks.hold("a") as first:
        assert first
        (pid,) = await backends(database, "tempor8 locks", known)
        async with locks.hold("a") as again, others.hold("a") as elsewhere, others.hold("b") as free:
            assert (again, elsewhere, free) == (False, False, True)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(psycopg.OperationalError):
                async with locks.hold("b"):
                    pass
        finally:
            os.kill(pid, signal.SIGCONT)

    async def taken() -> bool:
        async with others.hold("a") as held:
            return held

    assert await eventually(taken)
    async with locks.hold("c") as held:
        assert held
    await locks.close()
    await others.close()
