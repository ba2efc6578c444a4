"""Capability: databases of the tenant's own."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from schemas.sql import SqlResult

__all__ = ["Databases", "MongoSession", "RedisSession", "SqlSession"]


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


class MongoSession(Protocol):
    """A session with a MongoDB server. Commands are the server's own; their values are JSON, `DocumentId` and `DocumentDate`."""

    async def command(self, command: Mapping[str, Any], *, database: str | None = None) -> dict[str, Any]:
        """Send a command and return its answer as JSON; `database`: another one than the credential's. Raises DatabaseError, for a
        write that failed, too.
        """

    async def documents(self, command: Mapping[str, Any], *, database: str | None = None) -> list[dict[str, Any]]:
        """Send a command that has a cursor (`find`, `aggregate`), and return all of its documents as JSON.

        Bounds: `runtime.platform.database_limits`. Raises DatabaseError.
        """


class Databases(Protocol):
    """Servers that the step's credentials name, reached through the tenant's egress guard. A session ends with its block."""

    def postgres(self, *, connect_seconds: float = 30.0) -> AbstractAsyncContextManager[SqlSession]:
        """Connect by the `postgres` credential. Raises DatabaseError; MissingCredential and NodeApiError (egress)."""

    def mysql(self, *, connect_seconds: float = 30.0, several: bool = True) -> AbstractAsyncContextManager[SqlSession]:
        """Connect by the `mySql` credential; `several`: a text may hold several statements. Raises like `postgres`."""

    def redis(self) -> AbstractAsyncContextManager[RedisSession]:
        """Connect by the `redis` credential. Raises like `postgres`."""

    def mongo(self) -> AbstractAsyncContextManager[MongoSession]:
        """Connect by the `mongoDb` credential. Raises like `postgres`."""
