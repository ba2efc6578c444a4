"""Sessions with MongoDB: only where the egress guard lets them, nothing without bounds, values that stay values."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, Final

import pytest
from bson import BSON, Code, DatetimeMS, Int64, MinKey, ObjectId, json_util
from pymongo import AsyncMongoClient

from runtime.platform import mongo_client
from runtime.platform.egress import EgressRefused
from runtime.platform.mongo_address import address_of
from runtime.platform.mongo_client import connect_mongo
from runtime.platform.mongo_values import to_bson, to_json
from schemas.documents import DocumentDate, DocumentId
from schemas.sql import DatabaseError
from tests.databases import LOOPBACK
from tests.mongo_server import MongoServer, mongo_server
from tests.patience import PATIENCE
from tests.security.hostile_server import HostileServer, Speech

FIND: Final = {"find": "c", "filter": {}}
ELSEWHERE: Final = "169.254.169.254:27017"


@pytest.fixture
def server() -> Iterator[MongoServer]:
    """Cursors of it have batches of two documents."""
    with mongo_server("secret", batch=2) as started:
        yield started


async def failure(server: dict[str, Any], command: dict[str, Any] = FIND) -> DatabaseError:
    """Return the error that a question ends in."""
    with pytest.raises(DatabaseError) as caught:
        async with asyncio.timeout(PATIENCE), connect_mongo(LOOPBACK, server) as session:
            await session.documents(command)
    return caught.value


async def test_documents_come_back_as_the_json_of_n8n(server: MongoServer) -> None:
    """Several batches; numbers of JavaScript are stored as its driver stores them."""
    dates = [DocumentDate(1_700_000_000_123), DocumentDate(None)]
    written = {"_id": DocumentId("65a000000000000000000001"), "n": [1, 1.0, 1.5, 2**31, -(2**31), 10**400], "at": dates}
    async with connect_mongo(LOOPBACK, server.credential("t8")) as session:
        await session.command({"insert": "c", "documents": [written, *({"_id": i} for i in range(4))]})
        found = await session.documents(FIND)
    assert [each["_id"] for each in found] == ["65a000000000000000000001", 0, 1, 2, 3]
    assert found[0]["n"] == [1, 1, 1.5, 2**31, -(2**31), None]
    assert found[0]["at"] == ["2023-11-14T22:13:20.123Z", "1970-01-01T00:00:00.000Z"]
    stored = BSON.encode(server.documents["t8"]["c"].find_one({"_id": {"$type": "objectId"}}) or {})
    assert [type(each) for each in json_util.loads(json_util.dumps(stored.decode()))["n"]][:2] == [int, int]
    assert server.wire.count("getMore") == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (DatetimeMS(9 * 10**15), None),
        (DatetimeMS(-62_135_596_800_000), "0001-01-01T00:00:00.000Z"),
        (Int64(2**53 + 1), {"low": 1, "high": 2097152, "unsigned": False}),
        (Int64(-(2**60)), {"low": 0, "high": -(2**28), "unsigned": False}),
        (
            Code("f()", {"a": ObjectId("65a000000000000000000001")}),
            {"code": "f()", "scope": {"a": "65a000000000000000000001"}},
        ),
        (MinKey(), {}),
        (float("nan"), None),
    ],
)
def test_a_type_that_json_has_not_is_shown_as_by_n8n(value: Any, shown: Any) -> None:
    assert to_json(value) == shown


def test_a_document_of_too_many_levels_is_refused_on_its_way_in_and_out() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": [deep]}
    for convert in (to_bson, to_json):
        with pytest.raises(DatabaseError, match="levels"):
            convert(deep)


async def test_a_refused_login_is_told_in_the_words_of_the_server(server: MongoServer) -> None:
    assert (await failure(server.credential("t8") | {"password": "no"})).message == "Authentication failed."


async def test_a_write_that_a_document_failed_is_an_error(server: MongoServer) -> None:
    async with connect_mongo(LOOPBACK, server.credential("t8")) as session:
        with pytest.raises(DatabaseError, match="E11000") as caught:
            await session.command({"insert": "c", "documents": [{"_id": 1}, {"_id": 1}]})
    assert caught.value.code == "11000"


async def test_the_egress_guard_stands_before_every_connection(server: MongoServer) -> None:
    """The address that is named, by both ways of naming it."""
    login = f"mongodb://ann:secret@127.0.0.1:{server.port}/"
    for credential in (
        server.credential("t8"),
        {"configurationType": "connectionString", "connectionString": login, "database": "t8"},
    ):
        with pytest.raises(EgressRefused):
            async with connect_mongo((), credential) as session:
                await session.documents(FIND)
    assert server.wire == []


async def test_a_member_that_a_server_names_passes_the_guard_too(
    server: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server says that it belongs to a replica set, whose primary is where the tenant may not go."""
    monkeypatch.setattr(mongo_client, "_SELECTION_SECONDS", 2.0)
    member = {
        "ok": 1.0,
        "setName": "rs",
        "hosts": [ELSEWHERE],
        "me": ELSEWHERE,
        "primary": ELSEWHERE,
        "secondary": True,
    }
    server.hello |= member | {"ismaster": False, "isWritablePrimary": False}
    address = f"mongodb://127.0.0.1:{server.port}/?replicaSet=rs"
    credential = {"configurationType": "connectionString", "connectionString": address, "database": "t8"}
    with pytest.raises(EgressRefused, match=r"169\.254\.169\.254"):
        async with asyncio.timeout(PATIENCE), connect_mongo(LOOPBACK, credential) as session:
            await session.documents(FIND)


async def test_a_connection_outside_of_a_session_is_refused(server: MongoServer) -> None:
    """This fails when a release of PyMongo connects in another way than by the function that is ours."""
    client: AsyncMongoClient[Any] = AsyncMongoClient("127.0.0.1", server.port, serverSelectionTimeoutMS=500)
    try:
        with pytest.raises(Exception, match="outside of a session"):
            await client["t8"].command("ping")
    finally:
        await client.close()
    assert server.wire == []


@pytest.mark.parametrize(
    "option",
    ["tlsCAFile=/etc/passwd", "TLSCertificateKeyFile=/x", "authMechanism=MONGODB-AWS", "authMechanism=MONGODB-OIDC",
     "authMechanismProperties=ENVIRONMENT:k8s", "compressors=zlib", "tls=true&proxyHost=x", "w=1;tlsCRLFile=/x"],
)  # fmt: skip
def test_an_option_that_reaches_files_or_keys_of_the_worker_is_refused(option: str) -> None:
    address = f"mongodb://u:p@db.example/?{option}"
    with pytest.raises(DatabaseError, match="not supported"):
        address_of({"configurationType": "connectionString", "connectionString": address})


@pytest.mark.parametrize("host", ["a/b", "a?tlsCAFile=/x", "u@evil", "a,b", "a b"])
def test_a_host_is_a_host_and_nothing_more(host: str) -> None:
    with pytest.raises(DatabaseError, match="no host name"):
        address_of({"host": host, "port": 27017, "user": "u", "password": "p"})


def test_a_user_and_a_password_stay_what_they_are() -> None:
    address = address_of({"host": "db.example", "port": 1, "user": "a@b:/", "password": "?x=1&@evil/"})
    assert address == "mongodb://a%40b%3A%2F:%3Fx%3D1%26%40evil%2F@db.example:1"
    assert address_of({"host": "db.example", "user": "", "port": ""}) == "mongodb+srv://db.example"


async def test_a_result_has_bounds(server: MongoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fill("t8", {"c": [{"_id": i, "text": "x" * 100} for i in range(20)]})
    monkeypatch.setattr(mongo_client, "MAX_ROWS", 10)
    assert "rows" in (await failure(server.credential("t8"))).message
    monkeypatch.setattr(mongo_client, "MAX_BYTES", 500)
    assert "MB" in (await failure(server.credential("t8"))).message


def _silence(connection: socket.socket) -> Iterator[bytes]:
    connection.recv(1)
    connection.recv(1 << 20)
    yield b""
    connection.recv(1)


def _noise(connection: socket.socket) -> Iterator[bytes]:
    del connection
    yield b"HTTP/1.1 200 OK\r\n\r\n" * 100


def _giant(connection: socket.socket) -> Iterator[bytes]:
    """The head of an answer that has nearly two gigabytes."""
    connection.recv(1 << 16)
    yield Int64(0x7FFFFFFF).to_bytes(4, "little") + bytes(8) + (2013).to_bytes(4, "little")


@pytest.mark.parametrize("speech", [_silence, _noise, _giant])
async def test_a_server_that_is_none_ends_a_session_in_words(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_client, "_SELECTION_SECONDS", 1.0)
    monkeypatch.setattr(mongo_client, "CONNECT_SECONDS", 1.0)
    with HostileServer(speech) as hostile:
        error = await failure({"host": "127.0.0.1", "port": hostile.port, "database": "t8"})
    assert error.message


async def test_a_server_that_is_not_there_is_told_with_its_name() -> None:
    error = await failure({"host": "nowhere.invalid", "port": 27017, "database": "t8"})
    assert error.message == "getaddrinfo ENOTFOUND nowhere.invalid"
