"""A MongoDB server that a tenant names: PyMongo, each of whose connections goes to an address that the egress guard checked."""

import asyncio
import contextlib
import logging
import re
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar

from bson import CodecOptions, DatetimeConversion, Int64, decode
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, pool_shared
from pymongo.asynchronous.pool import Pool
from pymongo.errors import PyMongoError
from pymongo.uri_parser import split_hosts

from runtime.platform.database_limits import (
    MAX_BYTES,
    MAX_ROWS,
    QUERY_SECONDS,
    too_long,
    too_many_bytes,
    too_many_rows,
)
from runtime.platform.egress import EgressRefused
from runtime.platform.guarded_socket import CONNECT_SECONDS, ConnectError, connect, resolve
from runtime.platform.mongo_address import address_of
from runtime.platform.mongo_values import to_bson, to_json
from schemas.sql import DatabaseError

__all__ = ["MongoClient", "connect_mongo"]

_FAILURES: Final = (PyMongoError, BSONError, OSError, ValueError, TypeError, LookupError, RecursionError, OverflowError)
"""What PyMongo raises at answers of a server, and at those that are none of MongoDB's protocol."""
T = TypeVar("T")
_PORT: Final = 27017
_HOSTS_END: Final = re.compile("[/?]")
_SELECTION_SECONDS: Final = 15.0
"""Seconds until a server must be there that takes what is asked."""
_CODEC: Final = CodecOptions[dict[str, Any]](
    datetime_conversion=DatetimeConversion.DATETIME_MS, unicode_decode_error_handler="replace"
)
_RAW: Final = CodecOptions[RawBSONDocument](document_class=RawBSONDocument)
_GUARD: Final[ContextVar["_Guard | None"]] = ContextVar("mongo_guard", default=None)

logging.getLogger("pymongo").setLevel(
    logging.CRITICAL
)  # what goes wrong is the step's error; commands hold data of tenants


class _Guard:
    """Where a session may go, and who refused it: PyMongo tries a refused server again until its time is up."""

    def __init__(self, allow: Iterable[str]) -> None:
        self.allow = tuple(allow)
        self.refused: EgressRefused | None = None


async def _connect_guarded(address: tuple[str, int | None], options: Any) -> socket.socket:
    """Return a connected socket, in place of PyMongo's own function, which looks a name up and connects unchecked."""
    guard = _GUARD.get()
    if guard is None:
        raise OSError("a connection outside of a session")
    host, port = address
    try:
        sock = await connect(guard.allow, host, port or _PORT, timeout=options.connect_timeout or CONNECT_SECONDS)
    except EgressRefused as error:
        guard.refused = error
        raise OSError(str(error)) from error
    except ConnectError as error:
        raise OSError(str(error)) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


pool_shared._async_create_connection = _connect_guarded  # noqa: SLF001  # no public way; test_mongo_client.py


def _pool_of(guard: _Guard) -> type[Pool]:
    """Return the class of pools of a session, its monitors' included."""

    class GuardedPool(Pool):
        """Connections of one session."""

        async def connect(self, handler: Any = None) -> Any:
            """Connect where the guard lets it. A server may say how long its messages are, up to a limit of ours."""
            token = _GUARD.set(guard)
            try:
                connection = await super().connect(handler)
            finally:
                _GUARD.reset(token)
            connection.max_message_size = min(connection.max_message_size, MAX_BYTES)
            return connection

    return GuardedPool


class MongoClient:
    """A session."""

    def __init__(self, client: AsyncMongoClient[Any], database: str | None, guard: _Guard) -> None:
        self._client, self._database, self._guard = client, database, guard

    async def command(self, command: Mapping[str, Any], *, database: str | None = None) -> dict[str, Any]:
        """Return the answer to a command. Raises DatabaseError for a refusal, and for one that a document of a write met."""
        answer = await self._run(self._answer(command, database))
        for each in answer.get("writeErrors") or ():
            raise DatabaseError(str(each.get("errmsg")), code=str(each.get("code")))
        return answer

    async def documents(self, command: Mapping[str, Any], *, database: str | None = None) -> list[dict[str, Any]]:
        """Return the documents that a command with a cursor gives. Raises DatabaseError."""
        return await self._run(self._documents(command, database))

    async def _answer(self, command: Mapping[str, Any], database: str | None) -> dict[str, Any]:
        chosen = self._chosen(database)
        answer: dict[str, Any] = to_json(await chosen.command(to_bson(dict(command)), codec_options=_CODEC))
        return answer

    async def _documents(self, command: Mapping[str, Any], database: str | None) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = []
        chosen, size = self._chosen(database), 0
        async with self._client.start_session() as session:  # a cursor belongs to one
            question: dict[str, Any] = to_bson({**command, "cursor": {}} if "aggregate" in command else dict(command))
            while True:
                answer = await chosen.command(question, codec_options=_RAW, session=session)
                size += len(answer.raw)
                if size > MAX_BYTES:
                    raise too_many_bytes()
                cursor = decode(answer.raw, codec_options=_CODEC)["cursor"]
                batch = cursor["firstBatch"] if "firstBatch" in cursor else cursor["nextBatch"]
                if len(documents) + len(batch) > MAX_ROWS:
                    raise too_many_rows()
                documents += map(to_json, batch)
                if not cursor["id"]:
                    return documents
                collection = str(cursor["ns"]).partition(".")[2]
                question = {"getMore": Int64(cursor["id"]), "collection": collection}

    def _chosen(self, database: str | None) -> Any:
        name = database or self._database
        return self._client[name] if name else self._client.get_default_database("test")

    async def _run(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                return await work
        except TimeoutError:
            raise too_long() from None
        except _FAILURES as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        if self._guard.refused is not None:
            return self._guard.refused
        return failure(error)


@contextlib.asynccontextmanager
async def connect_mongo(allow: Iterable[str], server: Mapping[str, Any]) -> AsyncIterator[MongoClient]:
    """Yield a session by a `mongoDb` credential.

    Raises:
        DatabaseError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    guard = _Guard(allow)
    address = address_of(server)
    await _check_seeds(guard, address)
    try:
        client = _client(address, server, guard)
    except _FAILURES as error:
        raise failure(error) from error
    try:
        yield MongoClient(client, str(server.get("database") or "") or None, guard)
    finally:
        with contextlib.suppress(*_FAILURES):
            await client.close()


async def _check_seeds(guard: _Guard, address: str) -> None:
    """Fail at once where no server of the address may or can be reached: PyMongo would try until its time is up.

    Raises:
        DatabaseError: none has an address.
        EgressRefused: the tenant may not go to one of them.
    """
    if address.startswith("mongodb+srv:"):
        return  # the names of its servers are looked up by PyMongo
    failed: Exception | None = None
    try:
        seeds = split_hosts(_HOSTS_END.split(address.partition("://")[2], maxsplit=1)[0].rpartition("@")[2])
    except _FAILURES as error:
        raise failure(error) from error
    for host, port in seeds:
        try:
            await resolve(guard.allow, host, port or _PORT)
        except ConnectError as error:
            failed = error
        else:
            return
    raise DatabaseError(str(failed))


def _client(address: str, server: Mapping[str, Any], guard: _Guard) -> AsyncMongoClient[Any]:
    settings: dict[str, Any] = {
        "maxPoolSize": 1, "minPoolSize": 0, "connect": False, "_pool_class": _pool_of(guard), "retryReads": True,
        "serverSelectionTimeoutMS": int(_SELECTION_SECONDS * 1000), "connectTimeoutMS": int(CONNECT_SECONDS * 1000),
        "socketTimeoutMS": int(QUERY_SECONDS * 1000),
    }  # fmt: skip
    if not server.get("tls"):
        return AsyncMongoClient(address, **settings)
    if server.get("cert") or server.get("key"):
        raise DatabaseError("Client certificates for MongoDB are not supported", hint="Log in by user and password")
    if not server.get("ca"):
        return AsyncMongoClient(address, tls=True, **settings)
    with tempfile.TemporaryDirectory() as folder:  # PyMongo takes a file, which it reads while it is made
        path = Path(folder) / "ca.pem"
        path.write_text(str(server["ca"]), encoding="utf-8")
        return AsyncMongoClient(address, tls=True, tlsCAFile=str(path), **settings)


def failure(error: Exception) -> DatabaseError:
    """Return the error of a step: the server's words where it has some."""
    if isinstance(error, DatabaseError):
        return error
    details = getattr(error, "details", None)
    words = details.get("errmsg") if isinstance(details, Mapping) else None
    if not isinstance(error, PyMongoError | OSError):
        return DatabaseError("The server's answer is none of MongoDB's protocol")
    return DatabaseError(str(words or error), code=str(getattr(error, "code", None) or "") or None)
