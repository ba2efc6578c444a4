"""The connection pool, and the only access to a tenant's rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.waiting import wait_async
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from runtime.platform.sealing import SealError, TenantKeys
from runtime.platform.tenant_places import TenantPlaces
from schemas.errors import InfrastructureError

__all__ = [
    "APPLICATION",
    "NETWORK_OPTIONS",
    "SHARED",
    "Connection",
    "Database",
    "DatabaseUnavailable",
    "StatementTimeout",
    "TenantBusy",
    "UnsafeRole",
    "UnstorableValue",
    "is_database_fault",
]

SHARED: Final = "*"
"""The tenant whose templates every tenant may read: the operator. No API key of a customer carries it."""

Connection = AsyncConnection[DictRow]
UnstorableValue = psycopg.DataError
"""Postgres refuses a value: a NUL character, a number that is too large."""
BEGIN: Final = """
    select set_config('app.tenant_id', %s, true), set_config('statement_timeout', %s, true)"""
"""First in each transaction: settings of a session would not survive a pooler between."""
APPLICATION: Final = "tempor8/2"
"""Name of our connections. Those of versions that read data of tenants in clear alone are called `tempor8`."""
CONNECT_SECONDS: Final = 3
"""Seconds that one attempt to connect may take: a server that hangs accepts connections and says nothing."""
CHECK_SECONDS: Final = 2.0
"""Seconds that the first statement of a transaction may take before the connection counts as broken."""
ANSWER_MARGIN_SECONDS: Final = 2.0
"""Seconds after the statement's own time-out in which a living server has said so; one that hangs never does."""
NETWORK_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds: of data that nobody acknowledges
}
"""Connection options with which a peer that is gone without a word is noticed within half a minute. PgBouncer lets them pass."""
UNAVAILABLE_STATES: Final = ("08", "53", "57P")
"""Prefixes of SQLSTATE: connection exception, insufficient resources, operator intervention."""


class DatabaseUnavailable(InfrastructureError):
    """Postgres does not respond. The message names host and port, never the password, and says what to do."""


def is_database_fault(error: Exception) -> bool:
    """Return whether an exception of Postgres is no complaint about the data that it was given: a table that is not there yet,
    a deadlock or a time-out, which another attempt may not meet.
    """
    return isinstance(error, psycopg.Error) and not isinstance(error, psycopg.DataError | psycopg.IntegrityError)


class StatementTimeout(DatabaseUnavailable):
    """Postgres ended a statement that took longer than the pool allows."""


class TenantBusy(Exception):
    """A tenant has as many statements at work as the pool allows one tenant, and they do not end in time."""


class UnsafeRole(Exception):
    """The application's role could see through row-level security."""


class BoundedConnection(AsyncConnection[DictRow]):
    """A connection that is waited for no longer than `answer_timeout`, and never by a caller that was cancelled.

    psycopg waits up to ten seconds for the server to take notice of a cancellation. One that hangs takes none; so the
    connection is closed instead, and the statement's own time-out ends it in the server.
    """

    answer_timeout: float = 60.0

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See base class."""
        limit = self.answer_timeout if timeout is None else min(timeout, self.answer_timeout)
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=limit)
        except BaseException as error:
            answered = (
                isinstance(error, psycopg.Error) and error.sqlstate is not None
            )  # more answers of a pipeline may come
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE and not answered:  # in an unknown state
                self.pgconn.finish()
            raise


def _is_gone(error: psycopg.OperationalError) -> bool:
    """Return whether the server is away, going or hangs, or has no room for this connection."""
    return error.sqlstate is None or error.sqlstate.startswith(UNAVAILABLE_STATES)


class Database:
    """A pool of connections as the application's role. Use as an async context manager, or `open` and `close`.

    Args:
        url: `postgresql://user:password@host:port/name` of a role that is neither superuser nor BYPASSRLS.
        size: connections at most.
        timeout: seconds to wait for a connection before `DatabaseUnavailable`.
        statement_timeout: seconds that one statement may take before `StatementTimeout`.
        per_tenant: connections that one tenant may have at once; None: all of them.
        keys: seal and open the columns with data of tenants; None: who reads a sealed one gets an error.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        timeout: float = 5.0,
        statement_timeout: float = 30.0,
        per_tenant: int | None = None,
        keys: TenantKeys | None = None,
    ) -> None:
        self._keys = keys
        parts = urlsplit(url)
        self.endpoint = f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
        self._timeout, self._statement_timeout = timeout, statement_timeout
        self._places = TenantPlaces(per_tenant) if per_tenant is not None else None
        self._pool: AsyncConnectionPool[BoundedConnection] = AsyncConnectionPool(
            url,
            connection_class=BoundedConnection,
            kwargs={"row_factory": dict_row, "application_name": APPLICATION, **NETWORK_OPTIONS},
            configure=self._configure,
            min_size=min(2, size),
            max_size=size,
            timeout=timeout,
            max_idle=300.0,
            reconnect_timeout=4.0,  # then the next request tries at once; the pause between tries doubles until then
            open=False,
        )

    @property
    def keys(self) -> TenantKeys:
        """Return what seals and opens columns. Raises SealError: this pool has none."""
        if self._keys is None:
            raise SealError("this pool was opened without keys: it cannot read or write data of tenants")
        return self._keys

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
            try:
                await self.check_role()
            except BaseException:
                await (
                    self.close()
                )  # else the tasks that try to connect would keep the process of a failed start alive for ever
                raise

    async def _configure(self, connection: BoundedConnection) -> None:
        connection.answer_timeout = self._statement_timeout + ANSWER_MARGIN_SECONDS

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction that belongs to no tenant: every tenant table is empty in it.

        Raises:
            DatabaseUnavailable: no connection within the time-out, it broke, or Postgres hangs.
            StatementTimeout: a statement took too long.
        """
        async with self._transaction("") as connection:
            yield connection

    @asynccontextmanager
    async def tenant_transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """Open a transaction that reads and writes the rows of `tenant` and no others (row-level security).

        Raises:
            ValueError: an empty tenant, which would see no rows.
            TenantBusy: the tenant has as many connections as one tenant may have, for as long as one waits for a connection.
            DatabaseUnavailable: see `transaction`.
        """
        if not tenant:
            raise ValueError("a tenant transaction needs a tenant")
        async with self._place(tenant), self._transaction(tenant) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, tenant: str) -> AsyncIterator[Connection]:
        try:
            async with AsyncExitStack() as held:
                yield await self._begin(held, tenant)
        except psycopg.errors.QueryCanceled as error:
            raise StatementTimeout(
                f"Postgres at {self.endpoint} ended a statement that took longer than {self._statement_timeout:g} s."
            ) from error
        except psycopg.OperationalError as error:  # PoolTimeout is one of them, and a server that hangs
            if not _is_gone(error):
                raise
            raise DatabaseUnavailable(
                f"Postgres at {self.endpoint} does not answer ({type(error).__name__}). Start it, or correct DATABASE_URL."
            ) from error

    async def _begin(self, held: AsyncExitStack, tenant: str) -> BoundedConnection:
        """Take a connection and begin, on another one where the server has been away: one that came back is used at once, not
        after an error. Raise psycopg.OperationalError.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._timeout
        try:
            return await self._try_to_begin(held, tenant, self._timeout)
        except psycopg.OperationalError as error:
            if isinstance(error, PoolTimeout | PoolClosed) or not _is_gone(error):
                raise
        await self._pool.drain()  # the others are as broken as this one
        return await self._try_to_begin(held, tenant, max(0.0, until - clock()))

    async def _try_to_begin(self, held: AsyncExitStack, tenant: str, seconds: float) -> BoundedConnection:
        """Begin on some connection. The first statement, which costs the server nothing, shows whether it is there."""
        async with AsyncExitStack() as own:
            connection = await own.enter_async_context(self._pool.connection(seconds))
            connection.answer_timeout = CHECK_SECONDS
            try:
                await own.enter_async_context(connection.transaction())
                await connection.execute(BEGIN, (tenant, str(round(self._statement_timeout * 1000))))
            finally:
                await self._configure(connection)
            held.push_async_exit(own.pop_all())
        return connection

    @asynccontextmanager
    async def _place(self, tenant: str) -> AsyncIterator[None]:
        """Hold one of the tenant's places in the pool."""
        async with AsyncExitStack() as held:
            if self._places is not None:
                try:
                    await held.enter_async_context(self._places.hold(tenant, self._timeout))
                except TimeoutError:
                    raise TenantBusy(
                        f"Tenant {tenant!r} has as many reports at work as one tenant may have. Ask again in a moment."
                    ) from None
            yield

    async def ping(self) -> float:
        """Return the seconds that a trivial query takes, begin and end of its transaction included.

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
