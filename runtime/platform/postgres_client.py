"""A Postgres server that a tenant names: libpq on an address that the egress guard checked, results page by page."""

import asyncio
import contextlib
import fcntl
import os
import ssl
import struct
import termios
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

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
from runtime.platform.guarded_socket import ConnectError, port_of, resolve
from schemas.sql import DatabaseError, SqlColumn, SqlResult

__all__ = ["PostgresClient", "connect_postgres"]

_PAGE: Final = (ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_OK)
_ENDS: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_COPY: Final = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)
_CANCEL_SECONDS: Final = 5.0


class PostgresClient:
    """A session; statements run in autocommit as n8n's do, a text of several in one implicit transaction."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection, self._pgconn = connection, connection.pgconn

    async def query(self, text: str) -> list[SqlResult]:
        """Return what each statement gave.

        Raises:
            DatabaseError: the server refuses, or the result is too large or takes too long. After these two, and after a
                COPY, the session is over.
        """
        if "\0" in text:
            raise DatabaseError("invalid message format")
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                return await self._query(text.encode("utf-8", "replace"))
        except TimeoutError:
            await self._cancel()
            raise too_long() from None
        except psycopg.Error as error:
            raise DatabaseError(_sentence(error)) from error

    async def _query(self, text: bytes) -> list[SqlResult]:
        self._pgconn.send_query(text)
        self._pgconn.set_chunked_rows_mode(PAGE_ROWS)
        reader = _Reader(self._pgconn)
        results: list[SqlResult] = []
        rows: list[tuple[str | None, ...]] = []
        failure: DatabaseError | None = None
        total = size = 0
        while (result := await reader.result()) is not None:
            if result.status in _COPY:
                await self._cancel()
                raise DatabaseError("COPY is not supported", hint="Use INSERT or SELECT")
            if result.status in _PAGE:
                page = _rows(result)
                rows += page
                total += len(page)
                size += sum(len(cell) for row in page for cell in row if cell is not None)
            if total > MAX_ROWS or size > MAX_BYTES:
                await self._cancel()
                raise too_many_rows() if total > MAX_ROWS else too_many_bytes()
            if result.status in _ENDS:
                if len(results) == MAX_RESULTS:
                    await self._cancel()
                    raise too_many_results()
                results.append(SqlResult(_columns(result), rows, result.command_tuples or 0))
                rows = []
            elif result.status == ExecStatus.FATAL_ERROR:
                failure = failure or _failure(result)
        if failure is not None:
            raise failure
        return results

    async def _cancel(self) -> None:
        """Stop what the server does, and end the session, whose answer nobody reads any more."""
        with contextlib.suppress(psycopg.Error, OSError):
            await self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
        self._pgconn.finish()


class _Reader:
    """Reads results from a connection without blocking, and counts what arrives: at least, since libpq may read more in one go, so
    that also pages are measured.
    """

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn, self._loop = pgconn, asyncio.get_running_loop()
        self.received = 0

    async def result(self) -> PGresult | None:
        """Return the next result; None: there are no more. Raise psycopg.Error when the connection is lost."""
        while self._pgconn.flush():
            await self._ready(self._loop.add_writer, self._loop.remove_writer)
        while self._pgconn.is_busy():
            await self._ready(self._loop.add_reader, self._loop.remove_reader)
            self.received += _waiting(self._pgconn.socket)
            if self.received > MAX_BYTES:
                raise too_many_bytes()
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    async def _ready(self, add: Any, remove: Any) -> None:
        done, number = asyncio.Event(), self._pgconn.socket
        add(number, done.set)
        try:
            await done.wait()
        finally:
            remove(number)


@contextlib.asynccontextmanager
async def connect_postgres(
    allow: Iterable[str], server: Mapping[str, Any], *, connect_seconds: float
) -> AsyncIterator[PostgresClient]:
    """Yield a session by a `postgres` credential.

    Raises:
        DatabaseError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    if server.get("sshTunnel"):
        raise DatabaseError(
            "SSH tunnels are not supported", hint="Open the database to this service, or run a tunnel beside it"
        )
    try:
        host, port = str(server.get("host") or "localhost"), port_of(server, 5432)
    except ConnectError as error:
        raise DatabaseError(str(error)) from error
    try:
        addresses = await resolve(allow, host, port)
        connection = await psycopg.AsyncConnection.connect(
            "",
            host=",".join([host] * len(addresses)),
            hostaddr=",".join(addresses),
            port=str(port),
            dbname=str(server.get("database") or "postgres"),
            user=str(server.get("user") or ""),
            password=str(server.get("password") or ""),
            connect_timeout=max(1, int(min(connect_seconds, QUERY_SECONDS))),
            autocommit=True,
            client_encoding="UTF8",
            application_name="tempor8",
            passfile=os.devnull,  # nothing of this machine's user: no password file
            sslcertmode="disable",  # and no certificate: without this word libpq presents the one in the user's home
            gssencmode="disable",
            **_tls(server),
        )
    except ConnectError as error:
        raise DatabaseError(str(error)) from error
    except psycopg.Error as error:
        raise DatabaseError(_sentence(error, host, port)) from error
    except ValueError as error:  # a NUL, or half an emoji
        raise DatabaseError("A field of the credential has characters that no Postgres server knows") from error
    try:
        yield PostgresClient(connection)
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.close()


def _tls(server: Mapping[str, Any]) -> dict[str, Any]:
    """Return libpq's settings for n8n's SSL modes: whatever is not `disable` is checked, unless the credential says not to."""
    if server.get("allowUnauthorizedCerts"):
        return {"sslmode": "require", "sslrootcert": os.devnull}
    if server.get("ssl") in (None, "", "disable"):
        return {"sslmode": "disable"}
    return {"sslmode": "verify-full", "sslrootcert": ssl.get_default_verify_paths().cafile or "system"}


def _waiting(number: int) -> int:
    """Return the bytes that have arrived at a socket."""
    size: int = struct.unpack("i", fcntl.ioctl(number, termios.FIONREAD, b"\0\0\0\0"))[0]
    return size


def _columns(result: PGresult) -> tuple[SqlColumn, ...]:
    return tuple(SqlColumn(_text(result.fname(i)) or "", result.ftype(i)) for i in range(result.nfields))


def _rows(result: PGresult) -> list[tuple[str | None, ...]]:
    columns = range(result.nfields)
    return [tuple(_text(result.get_value(row, i)) for i in columns) for row in range(result.ntuples)]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _failure(result: PGresult) -> DatabaseError:
    def field(name: DiagnosticField) -> str | None:
        return _text(result.error_field(name))

    return DatabaseError(
        field(DiagnosticField.MESSAGE_PRIMARY) or _text(result.error_message) or "the server refuses",
        code=field(DiagnosticField.SQLSTATE),
        detail=field(DiagnosticField.MESSAGE_DETAIL),
        hint=field(DiagnosticField.MESSAGE_HINT),
    )


def _sentence(error: psycopg.Error, host: str = "", port: int = 0) -> str:
    """Return what libpq says, without the address before it; of a connection that nobody accepts, what Node says."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0]
    if "Connection refused" in text:
        return f"connect ECONNREFUSED {host}:{port}"
    for mark in ("FATAL:  ", "failed: "):
        text = text.rpartition(mark)[2]
    return text
