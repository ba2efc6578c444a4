"""A Redis server that a tenant names: redis-py on a socket that the egress guard checked, replies within bounds."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from redis.asyncio.client import Redis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError, ResponseError

from runtime.platform.database_limits import MAX_BYTES, QUERY_SECONDS, too_long, too_many_bytes
from runtime.platform.guarded_socket import CONNECT_SECONDS, ConnectError, connect, port_of
from schemas.sql import DatabaseError

__all__ = ["RedisClient", "connect_redis"]

_CODE: Final = re.compile(r"[A-Z]{3,} ")
_FAILURES: Final = (RedisError, OSError, ValueError, RecursionError)
"""What redis-py raises at answers of a server; the last two at those that are none of Redis' protocol, or have too many levels."""
_LIMIT: Final = 64 * 1024
"""Bytes that a connection reads ahead."""


class RedisClient:
    """A session."""

    def __init__(self, client: Any) -> None:  # redis-py leaves its commands untyped
        self._client = client

    async def command(self, *arguments: str | float) -> Any:
        """Return the reply. Raise DatabaseError."""
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                return await self._client.execute_command(*arguments)
        except TimeoutError:
            raise too_long() from None
        except _FAILURES as error:
            raise DatabaseError(_message(error)) from error


class _Reader(asyncio.StreamReader):
    """Counts what arrives, so that a reply of any length is not collected in memory."""

    received = 0

    def feed_data(self, data: Any) -> None:
        """Take what arrived, unless it is too much."""
        self.received += len(data)
        if self.received > MAX_BYTES:
            self.set_exception(too_many_bytes())
            return
        super().feed_data(data)


class _GuardedConnection(AbstractConnection):
    """A connection over a socket that the egress guard let through. It is made once: a session that is lost is over."""

    def __init__(self, *, sockets: list[socket.socket], server: Mapping[str, Any], **settings: Any) -> None:
        self._sockets, self._server = sockets, server
        super().__init__(**settings)

    async def _connect(self) -> None:
        if not self._sockets:
            raise LostError("the connection was lost")
        sock = self._sockets.pop()
        loop = asyncio.get_running_loop()
        reader = _Reader(limit=_LIMIT, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        context = _context(self._server)
        transport, _ = await loop.create_connection(
            lambda: protocol, sock=sock, ssl=context, server_hostname=self._host_error() if context else None
        )
        self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def _host_error(self) -> str:
        return str(self._server.get("host") or "localhost")

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """Return what a connection is shown by."""
        return [("host", self._server.get("host")), ("port", self._server.get("port"))]


@contextlib.asynccontextmanager
async def connect_redis(allow: Iterable[str], server: Mapping[str, Any]) -> AsyncIterator[RedisClient]:
    """Yield a session by a `redis` credential.

    Raises:
        DatabaseError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    try:
        host, port = str(server.get("host") or "localhost"), port_of(server, 6379)
    except ConnectError as error:
        raise DatabaseError(str(error)) from error
    try:
        database = _database(server)
        sockets = [await connect(allow, host, port)]
    except ConnectError as error:
        raise DatabaseError(str(error)) from error
    pool: Any = ConnectionPool(
        connection_class=_GuardedConnection,
        max_connections=1,
        sockets=sockets,
        server=server,
        username=str(server.get("user") or "") or None,
        password=str(server.get("password") or "") or None,
        db=database,
        decode_responses=True,
        encoding_errors="replace",
        protocol=2,
        retry=None,
        socket_timeout=QUERY_SECONDS,
    )
    client = Redis(connection_pool=pool)
    client.response_callbacks.clear()  # replies as the server gives them
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await pool.release(await pool.get_connection())
        yield RedisClient(client)
    except TimeoutError:
        raise DatabaseError(f"connect ETIMEDOUT {host}:{port}") from None
    except _FAILURES as error:
        raise DatabaseError(_message(error)) from error
    finally:
        await client.aclose()
        await pool.aclose()
        for sock in sockets:
            sock.close()


def _database(server: Mapping[str, Any]) -> int:
    try:
        return int(server.get("database") or 0)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise DatabaseError("The database number is no number") from error


def _message(error: Exception) -> str:
    """Return the server's words with their code, which redis-py takes from `ERR ...`."""
    if not isinstance(error, RedisError | OSError):
        return "The server's answer is none of Redis' protocol"
    text = str(error) or type(error).__name__
    return f"ERR {text}" if type(error) is ResponseError and not _CODE.match(text) else text


def _context(server: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not server.get("ssl"):
        return None
    context = ssl.create_default_context()
    if server.get("disableTlsVerification"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
