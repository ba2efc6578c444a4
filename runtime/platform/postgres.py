"""The connection pool, and the only access to a tenant's rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

__all__ = ["SHARED", "Connection", "Database", "DatabaseUnavailable", "UnsafeRole"]

SHARED: Final = "*"
"""The tenant whose templates every tenant may read: the operator. No API key of a customer carries it."""

Connection = AsyncConnection[DictRow]
UNAVAILABLE_STATES: Final = ("08", "53", "57P")
"""Prefixes of SQLSTATE: connection exception, insufficient resources, operator intervention."""


class DatabaseUnavailable(Exception):
    """Postgres does not respond. The message names host and port, never the password, and says what to do."""


class UnsafeRole(Exception):
    """The application's role could see through row-level security."""


class Database:
    """A pool of connections as the application's role. Use as an async context manager, or `open` and `close`.

    Args:
        url: `postgresql://user:password@host:port/name` of a role that is neither superuser nor BYPASSRLS.
        size: connections at most.
        timeout: seconds to wait for a connection before `DatabaseUnavailable`.
    """

    def __init__(self, url: str, *, size: int = 10, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        self.endpoint = f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
        self._timeout = timeout
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row, "connect_timeout": 5, "application_name": "tempor8"},
            min_size=min(2, size),
            max_size=size,
            timeout=timeout,
            max_idle=300.0,
            check=self._check,  # a server that came back is used at once, not after an error
            reconnect_timeout=4.0,  # then the next request tries at once; the pause between tries doubles until then
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self, *, wait: bool = True) -> None:
        """Start the pool. With `wait` the server must answer, and the role must be one that RLS binds.

        Raises:
            DatabaseUnavailable: nothing answers.
            UnsafeRole: the role is superuser or has BYPASSRLS.
        """
        await self._pool.open(wait=False)
        if wait:
            await self.check_role()

    async def _check(self, connection: Connection) -> None:
        """Check a connection. A broken one means that the server went away, so all connections are replaced."""
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await self._pool.drain()
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction that belongs to no tenant: every tenant table is empty in it.

        Raises:
            DatabaseUnavailable: no connection within the time-out, or it broke.
        """
        try:
            async with self._pool.connection() as connection, connection.transaction():
                yield connection
        except psycopg.OperationalError as error:  # PoolTimeout is one of them
            if error.sqlstate is not None and not error.sqlstate.startswith(UNAVAILABLE_STATES):
                raise
            raise DatabaseUnavailable(
                f"Postgres at {self.endpoint} does not answer ({type(error).__name__}). Start it, or correct DATABASE_URL."
            ) from error

    @asynccontextmanager
    async def tenant_transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """Open a transaction that reads and writes the rows of `tenant` and no others (row-level security).

        Raises:
            ValueError: an empty tenant, which would see no rows.
            DatabaseUnavailable: see `transaction`.
        """
        if not tenant:
            raise ValueError("a tenant transaction needs a tenant")
        async with self.transaction() as connection:
            await connection.execute("select set_config('app.tenant_id', %s, true)", (tenant,))
            yield connection

    async def ping(self) -> float:
        """Return the seconds that a trivial query takes, connection check included.

        Raises:
            DatabaseUnavailable: see `transaction`.
        """
        loop = asyncio.get_running_loop()
        before = loop.time()
        async with self.transaction() as connection:
            await connection.execute("select 1")
        return loop.time() - before

    async def check_role(self) -> None:
        """Check that row-level security binds the application's role.

        Raises:
            UnsafeRole: superuser or BYPASSRLS.
            DatabaseUnavailable: see `transaction`.
        """
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "select current_user as role, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
            )
            row = await cursor.fetchone()
        if row is None or row["rolsuper"] or row["rolbypassrls"]:
            raise UnsafeRole(
                f"role {row['role'] if row else '?'} can see through row-level security (superuser or BYPASSRLS). "
                "Put the owner's address into DATABASE_ADMIN_URL, an ordinary role into DATABASE_URL, "
                "and run `tempor8 migrate`."
            )

    def statistics(self) -> dict[str, Any]:
        """Return the pool's own counters, for metrics."""
        return dict(self._pool.get_stats())
