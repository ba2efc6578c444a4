"""Which shards this process projects: advisory locks of one Postgres session, shared out among the processes that are there."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from hashlib import blake2b
from typing import Any, Final

import psycopg

from runtime.platform.telemetry.logging import get_logger

__all__ = ["LOCK_NUMBER", "SHARDS", "LockLost", "ShardLocks", "shard_of"]

log = get_logger("tempor8.projector")

LOCK_NUMBER: Final = 72_028_203
"""Of the advisory locks: the same in every process. Migrations use the number before it."""
SHARDS: Final = 16
"""Shares of the tenants, and so processes that can share the work."""
HEARTBEAT_SECONDS: Final = 1.0
HEARTBEAT_TIMEOUT_SECONDS: Final = 5.0
KEEPALIVE: Final[dict[str, Any]] = {
    "connect_timeout": 5, "keepalives": 1, "keepalives_idle": 3, "keepalives_interval": 2, "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
}  # fmt: skip
"""A server that went away without a word is noticed within seconds."""

JOIN: Final = "select pg_try_advisory_lock_shared(%(number)s)"
"""Shared by all that take part. A version of the time before shards takes it for itself, so both never work at once."""
TRY: Final = "select pg_try_advisory_lock(%(number)s, %(shard)s)"
RELEASE: Final = "select pg_advisory_unlock(%(number)s, %(shard)s)"
HOLDINGS: Final = """
    select array(select objid::integer from pg_locks where locktype = 'advisory' and classid = %(number)s and objsubid = 2
            and pid = pg_backend_pid() and database = (select oid from pg_database where datname = current_database())),
        (select count(distinct pid) from pg_locks where locktype = 'advisory' and classid = 0 and objid = %(number)s
            and objsubid = 1 and granted and database = (select oid from pg_database where datname = current_database()))"""


class LockLost(Exception):
    """The session no longer has the locks that it took."""


def shard_of(tenant: str) -> int:
    """Return the shard of a tenant: the same in every process and for ever."""
    return int.from_bytes(blake2b(tenant.encode("utf-8", "replace"), digest_size=4).digest()) % SHARDS


class ShardLocks:
    """The locks of a session. `held` is a set of shards; empty: this process stands by.

    Args:
        url: of the database, without a pooler in transaction mode between: that has no sessions.
        number: of the locks.
    """

    def __init__(self, url: str, number: int = LOCK_NUMBER) -> None:
        self._url, self._number = url, number
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self.held: frozenset[int] = frozenset()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[bool]:
        """Open the session; yield whether it may take shards: not while a version without shards is at work."""
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="tempor8 projector", **KEEPALIVE
        ) as connection:
            self._connection = connection
            try:
                yield bool(await self._value(JOIN))
            finally:
                self.held, self._connection = frozenset(), None

    async def keep(self) -> None:
        """Check the locks and share them out, once a second, until they are lost.

        Raises:
            LockLost: another session may have them.
        """
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.balance()

    async def balance(self) -> None:
        """Check that the session has its locks; take or release shards until each process has its share.

        Raises:
            LockLost: it does not, or does not answer in time.
        """
        try:
            async with asyncio.timeout(HEARTBEAT_TIMEOUT_SECONDS):
                await self._balance()
        except (TimeoutError, psycopg.Error) as error:
            raise LockLost(f"the session of the projector's locks does not answer ({type(error).__name__})") from error

    async def _balance(self) -> None:
        assert self._connection is not None  # `session` is open
        row = await (await self._connection.execute(HOLDINGS, {"number": self._number})).fetchone()
        assert row is not None  # a select without from has one row
        holdings, members = frozenset(row[0]), max(row[1], 1)
        if not self.held <= holdings:
            raise LockLost(
                "the projector's locks are gone while their session answers: a pooler in transaction mode? "
                "DATABASE_URL must lead to Postgres, or to a pooler in session mode."
            )
        share = math.ceil(SHARDS / members)
        held = set(holdings)
        for shard in sorted(held)[share:]:
            await self._value(RELEASE, shard)
            held.discard(shard)
        for shard in range(SHARDS):
            if len(held) < share and shard not in held and await self._value(TRY, shard):
                held.add(shard)
        if held != self.held:
            log.info("projector shards", shards=sorted(held), processes=members)
            self.held = frozenset(held)

    async def _value(self, statement: str, shard: int = 0) -> Any:
        assert self._connection is not None  # `session` is open
        cursor = await self._connection.execute(statement.encode(), {"number": self._number, "shard": shard})
        row = await cursor.fetchone()
        return row[0] if row else None
