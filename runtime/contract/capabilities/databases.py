"""Capability: databases of the tenant's own."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from schemas.sql import SqlResult

__all__ = ["Databases", "RedisSession", "SqlSession"]


class SqlSession(Protocol):
    """A connection to a database that speaks SQL."""

    async def query(self, text: str) -> list[SqlResult]:
        """Run a text of one statement or several, and return what each gave.

        All of them together may give `MAX_BYTES` and take `QUERY_SECONDS` (`runtime.platform.database_limits`). Raises
        DatabaseError.
        """


class RedisSession(Protocol):
    """A connection to a Redis server."""

    async def command(self, *arguments: str | float) -> Any:
        """Send a command and return its reply: text, a number, None, or a list of these. Raises DatabaseError."""


class Databases(Protocol):
    """Servers that the step's credentials name, reached through the tenant's egress guard. A session ends with its block."""

    def postgres(self, *, connect_seconds: float = 30.0) -> AbstractAsyncContextManager[SqlSession]:
        """Connect by the `postgres` credential. Raises DatabaseError; MissingCredential and NodeApiError (egress)."""

    def mysql(self, *, connect_seconds: float = 30.0, several: bool = True) -> AbstractAsyncContextManager[SqlSession]:
        """Connect by the `mySql` credential; `several`: a text may hold several statements. Raises like `postgres`."""

    def redis(self) -> AbstractAsyncContextManager[RedisSession]:
        """Connect by the `redis` credential. Raises like `postgres`."""
