"""The data keys of tenants, wrapped, in Postgres.

Every read has a connection of its own: a payload is opened while the pool's connections may all wait for one another, and a
process asks once per tenant and half a minute.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from runtime.platform.postgres import NETWORK_OPTIONS, DatabaseUnavailable

__all__ = ["DataKeyTable", "WrappedKey"]

ANSWER_SECONDS: Final = 5.0
"""After which a server that says nothing counts as away."""
INSERT: Final = """
    insert into tenant_keys (tenant_id, version, wrapped) select id, %(version)s, %(wrapped)s from tenants
    -- what was deleted would be sealed again
    where id = %(tenant)s and not exists (select from deletions where tenant_id = %(tenant)s and template_key = '')
    on conflict do nothing"""


@dataclass(frozen=True)
class WrappedKey:
    """One version of a tenant's data key, encrypted with the key-encryption key."""

    version: int
    wrapped: bytes
    created_at: datetime


class DataKeyTable:
    """Rows of `tenant_keys`. Methods raise DatabaseUnavailable.

    Args:
        url: of the database, as the application's role.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def read(self, tenant: str) -> list[WrappedKey]:
        """Return the data keys of a tenant, the newest last; none before the migration that makes their table."""
        async with self._transaction(tenant) as connection:
            try:
                cursor = await connection.execute(
                    "select version, wrapped, created_at from tenant_keys where tenant_id = %s order by version",
                    (tenant,),
                )
            except psycopg.errors.UndefinedTable:
                return []
            return [WrappedKey(*row) for row in await cursor.fetchall()]

    async def add(self, tenant: str, version: int, wrapped: bytes) -> bool:
        """Add a version; return False when it is there, or there is no such tenant, or the tenant is being deleted."""
        async with self._transaction(tenant) as connection:
            cursor = await connection.execute(INSERT, {"tenant": tenant, "version": version, "wrapped": wrapped})
            return cursor.rowcount == 1

    async def replace(self, tenant: str, version: int, wrapped: bytes) -> None:
        """Replace the wrapping of a version."""
        async with self._transaction(tenant) as connection:
            await connection.execute(
                "update tenant_keys set wrapped = %s where tenant_id = %s and version = %s", (wrapped, tenant, version)
            )

    @asynccontextmanager
    async def _transaction(self, tenant: str) -> AsyncIterator[AsyncConnection[TupleRow]]:
        connection = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await AsyncConnection.connect(
                    self._url, autocommit=False, application_name="tempor8 keys", **NETWORK_OPTIONS
                )
                await connection.execute("select set_config('app.tenant_id', %s, true)", (tenant,))
                yield connection
                await connection.commit()
        except (TimeoutError, psycopg.OperationalError) as error:
            parts = urlsplit(self._url)
            raise DatabaseUnavailable(
                f"Postgres at {parts.hostname or 'localhost'}:{parts.port or 5432} does not answer ({type(error).__name__}). "
                "Start it, or correct DATABASE_URL."
            ) from error
        finally:
            if connection is not None:
                connection.pgconn.finish()  # without a word: a server that hangs is not waited for
