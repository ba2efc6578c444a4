"""A MySQL or MariaDB server that a tenant names: PyMySQL on a thread of its own, on a socket that the egress guard checked."""

import contextlib
import ssl
import struct
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CLIENT, ER, FIELD_TYPE
from pymysql.cursors import SSCursor

from runtime.platform.database_limits import (
    MAX_BYTES,
    MAX_RESULTS,
    MAX_ROWS,
    PAGE_ROWS,
    QUERY_SECONDS,
    too_long,
    too_many_bytes,
    too_many_results,
    too_many_rows,
)
from runtime.platform.guarded_socket import ConnectError, connect, port_of
from runtime.platform.own_thread import OwnThread
from schemas.sql import DatabaseError, SqlColumn, SqlResult

__all__ = ["MySqlClient", "connect_mysql"]

_NAMES: Final[dict[int, str]] = {number: f"ER_{name}" for name, number in vars(ER).items() if isinstance(number, int)}
"""Names of the server's errors."""
_BINARY_CHARSET: Final = 63
_FAILURES: Final = (
    pymysql.Error, OSError, ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
    struct.error,
)  # fmt: skip
"""What PyMySQL raises at answers of a server, and at those that are none of MySQL's protocol."""
_TEXT_TYPES: Final = {
    FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB, FIELD_TYPE.BLOB, FIELD_TYPE.GEOMETRY, FIELD_TYPE.BIT,
}  # fmt: skip


class _Connection(Connection):
    """Counts what arrives, and reads no longer than it may."""

    received = 0
    ends = 0.0

    def _read_bytes(self, num_bytes: int) -> bytes:
        self.received += num_bytes
        if self.received > MAX_BYTES:
            raise too_many_bytes()
        left = self.ends - time.monotonic()
        if left <= 0:
            raise too_long()
        self._read_timeout = left
        data: bytes = super()._read_bytes(num_bytes)  # type: ignore[misc]  # the stubs have public names only
        return data


class MySqlClient:
    """A session; statements run in autocommit."""

    def __init__(self, connection: _Connection, thread: OwnThread) -> None:
        self._connection: Any = connection
        self._thread = thread

    async def query(self, text: str) -> list[SqlResult]:
        """Return what each statement gave.

        Raises:
            DatabaseError: the server refuses, or the result is too large or takes too long. The session is over then.
        """
        self._connection.received, self._connection.ends = 0, time.monotonic() + QUERY_SECONDS
        try:
            return await self._thread.call(QUERY_SECONDS, self._query, text)
        except TimeoutError as error:
            raise too_long() from error
        except _FAILURES as error:
            if self._connection.ends <= time.monotonic():
                raise too_long() from error
            raise _failure(error) from error

    def _query(self, text: str) -> list[SqlResult]:
        results: list[SqlResult] = []
        total = 0
        cursor: Any = self._connection.cursor()
        try:
            cursor.execute(text)
            while True:
                rows: list[tuple[Any, ...]] = []
                while cursor.description and (page := cursor.fetchmany(PAGE_ROWS)):
                    rows += page
                    total += len(page)
                    if total > MAX_ROWS:
                        raise too_many_rows()
                if len(results) == MAX_RESULTS:
                    raise too_many_results()
                results.append(_result(cursor, rows))
                if not cursor.nextset():
                    return results
        except DatabaseError:
            self._abandon(cursor)
            raise
        finally:
            with contextlib.suppress(pymysql.Error):
                cursor.close()

    def _abandon(self, cursor: Any) -> None:
        """End the session without reading the rest of the result, as PyMySQL would wherever it is let go."""
        result = cursor._result  # noqa: SLF001  # no public way
        if result is not None:
            result.unbuffered_active, result.connection = False, None
        cursor.connection = None
        self._connection._force_close()  # noqa: SLF001  # `close` sends and may wait


@contextlib.asynccontextmanager
async def connect_mysql(
    allow: Iterable[str], server: Mapping[str, Any], *, connect_seconds: float, several: bool = True
) -> AsyncIterator[MySqlClient]:
    """Yield a session by a `mySql` credential; `several`: a text may hold several statements.

    Raises:
        DatabaseError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    if server.get("sshTunnel"):
        raise DatabaseError(
            "SSH tunnels are not supported", hint="Open the database to this service, or run a tunnel beside it"
        )
    try:
        host, port = str(server.get("host") or "localhost"), port_of(server, 3306)
    except ConnectError as error:
        raise DatabaseError(str(error)) from error
    seconds = max(1.0, min(connect_seconds, QUERY_SECONDS))
    try:
        sock = await connect(allow, host, port, timeout=seconds)
    except ConnectError as error:
        raise DatabaseError(str(error)) from error
    sock.setblocking(True)
    try:
        connection = _unconnected(server, host, several=several)
    except (DatabaseError, UnicodeEncodeError) as error:
        sock.close()
        raise (error if isinstance(error, DatabaseError) else _failure(error)) from error
    connection.ends = time.monotonic() + seconds
    thread = OwnThread(sock)
    try:
        try:
            await thread.call(seconds, connection.connect, sock)
        except TimeoutError as error:
            raise DatabaseError(f"connect ETIMEDOUT {host}:{port}") from error
        except _FAILURES as error:
            raise _failure(error) from error
        yield MySqlClient(connection, thread)
    finally:
        thread.close()
        connection._force_close()  # noqa: SLF001  # the public way sends and may wait
        sock.close()


def _unconnected(server: Mapping[str, Any], host: str, *, several: bool) -> Any:
    return _Connection(
        host=host,
        user=str(server.get("user") or ""),
        password=str(server.get("password") or ""),
        database=str(server.get("database") or "") or None,
        charset="utf8mb4",
        autocommit=True,
        conv={},
        cursorclass=SSCursor,
        client_flag=CLIENT.FOUND_ROWS | (CLIENT.MULTI_STATEMENTS if several else 0),
        ssl=_context(server),
        local_infile=False,
        defer_connect=True,
        write_timeout=QUERY_SECONDS,
    )


def _context(server: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not server.get("ssl"):
        return None
    try:
        context = ssl.create_default_context(cadata=str(server.get("caCertificate") or "") or None)
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise DatabaseError("The CA certificate of the credential cannot be read") from error
    if server.get("clientCertificate") or server.get("clientPrivateKey"):
        raise DatabaseError("Client certificates for MySQL are not supported", hint="Log in by user and password")
    return context


def _result(cursor: Any, rows: list[tuple[Any, ...]]) -> SqlResult:
    raw = cursor._result  # noqa: SLF001  # flags of columns, warnings and the message have no public name
    columns = tuple(
        SqlColumn(
            field.name,
            field.type_code,
            field.type_code in _TEXT_TYPES and field.charsetnr == _BINARY_CHARSET,
            field.length,
        )
        for field in (raw.fields if raw is not None and cursor.description else ())
    )
    return SqlResult(
        columns,
        rows,
        0 if columns else int(cursor.rowcount),
        int(cursor.lastrowid or 0),
        int(getattr(raw, "warning_count", 0) or 0),
        (getattr(raw, "message", b"") or b"").decode("utf-8", "replace"),
    )


def _failure(error: Exception) -> DatabaseError:
    if isinstance(error, UnicodeEncodeError):
        return DatabaseError("A text has characters that no MySQL server knows")
    if not isinstance(error, pymysql.Error | OSError):
        return DatabaseError("The server's answer is none of MySQL's protocol")
    if not error.args:
        return DatabaseError(type(error).__name__)
    number = error.args[0]
    return DatabaseError(str(error.args[-1]), code=_NAMES.get(number) if isinstance(number, int) else None)
