"""Advisory locks that one process holds across transactions, on a database session of their own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg

from runtime.platform.pg_watchdog import breaking_after
from runtime.platform.postgres import NETWORK_OPTIONS

__all__ = ["SessionLocks"]


ANSWER_SECONDS: Final = 5.0
"""How long the session may take to answer before it counts as broken."""


class SessionLocks:
    """Locks by name. All of them are gone when the session breaks; the next `hold` opens another session.

    Args:
        url: of the database. Session locks do not survive a pooler in transaction mode.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: psycopg.AsyncConnection[Any] | None = None
        self._opening = asyncio.Lock()
        self._held: set[str] = set()

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[bool]:
        """Yield whether the lock was free and is held now, by this block alone.

        Raises:
            psycopg.OperationalError: Postgres does not answer.
        """
        if name in self._held:  # a session gets its own lock a second time
            yield False
            return
        self._held.add(name)
        try:
            session = await self._connect()
            locked = await self._call(session, "select pg_try_advisory_lock(hashtextextended(%s, 0))", name)
            try:
                yield locked
            finally:
                if locked:
                    with contextlib.suppress(psycopg.OperationalError):  # the lock went with the session
                        await self._call(session, "select pg_advisory_unlock(hashtextextended(%s, 0))", name)
        finally:
            self._held.discard(name)

    async def close(self) -> None:
        """Close the session, and with it release every lock."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        async with self._opening:
            if self._session is None or self._session.broken or self._session.closed:
                self._session = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, application_name="tempor8 locks", **NETWORK_OPTIONS
                )
            return self._session

    async def _call(self, session: psycopg.AsyncConnection[Any], statement: str, name: str) -> bool:
        with breaking_after(session, ANSWER_SECONDS):
            row = await (await session.execute(statement.encode(), (name,))).fetchone()
        return bool(row and row[0])
