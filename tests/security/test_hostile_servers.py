"""Servers that a tenant names say anything: a client of ours ends in time and in words, in little memory, and stops no loop."""

import asyncio
import contextlib
import gc
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any, Final

import psycopg
import pytest

from runtime.platform import database_limits, guarded_socket, mail, mysql_client, postgres_client, redis_client, ssh
from runtime.platform.egress import EgressRefused
from runtime.platform.mail import MailError
from runtime.platform.mysql_client import connect_mysql
from runtime.platform.postgres_client import connect_postgres
from runtime.platform.redis_client import connect_redis
from runtime.platform.ssh import SshError
from schemas.sql import DatabaseError
from tests.security.hostile_server import (
    MY_GREETING,
    MY_OK,
    PG_READY,
    HostileServer,
    LongestStep,
    Speech,
    drip,
    endless,
    my,
    pg,
    pg_statuses,
    read_line,
    read_my,
    read_pg,
    read_pg_startup,
)

pytestmark = pytest.mark.long

STEP_SECONDS: Final = 0.5
"""Processor time of the loop's thread, which one step of the loop may take."""
SECONDS: Final = 2.0
"""What a query may take in these tests."""
SPARE_SECONDS: Final = 10.0
"""What a call may take beyond that, on a machine that does other things."""
MEMORY: Final = 500 * 1024 * 1024
"""What a call may add to the memory of the process."""
ALLOW: Final = ("127.0.0.0/8",)

Client = Callable[[int], Awaitable[object]]


async def postgres(port: int) -> object:
    server = {"host": "127.0.0.1", "port": port, "user": "u", "password": "p", "ssl": "disable"}
    async with connect_postgres(ALLOW, server, connect_seconds=SECONDS) as session:
        return await session.query("select 1")


async def mysql(port: int) -> object:
    server = {"host": "127.0.0.1", "port": port, "user": "u", "password": "p"}
    async with connect_mysql(ALLOW, server, connect_seconds=SECONDS) as session:
        return await session.query("select 1")


async def redis(port: int) -> object:
    async with connect_redis(ALLOW, {"host": "127.0.0.1", "port": port}) as session:
        return await session.command("GET", "a")


async def imap(port: int) -> object:
    server = {"host": "127.0.0.1", "port": port, "user": "u", "password": "p", "secure": False}
    return await mail.receive(ALLOW, server, "INBOX", "ALL", after=None, mark=())


async def smtp(port: int) -> object:
    server = {"host": "127.0.0.1", "port": port, "secure": False, "user": "", "disableStartTls": True}
    return await mail.send(ALLOW, server, "a@a.example", ["b@b.example"], b"Subject: x\r\n\r\nx\r\n", verify=True)


async def shell(port: int) -> object:
    server = {"host": "127.0.0.1", "port": port, "username": "u", "password": "p"}
    return await ssh.execute((f"127.0.0.1:{port}",), server, "true")


def after_pg_startup(*said: Iterable[bytes]) -> Speech:
    def speech(connection: socket.socket) -> Iterator[bytes]:
        read_pg_startup(connection)
        yield from chain(*said)

    return speech


def after_pg_query(*said: Iterable[bytes]) -> Speech:
    def speech(connection: socket.socket) -> Iterator[bytes]:
        read_pg_startup(connection)
        yield PG_READY
        read_pg(connection)
        yield from chain(*said)

    return speech


def after_my_query(*said: Iterable[bytes]) -> Speech:
    def speech(connection: socket.socket) -> Iterator[bytes]:
        yield MY_GREETING
        read_my(connection)
        yield my(MY_OK, 2)
        for _ in range(2):  # the first may set the session up
            sent = read_my(connection)
            if sent.endswith(b"select 1"):
                break
            yield my(MY_OK, 1)
        yield from chain(*said)

    return speech


def after_line(*said: Iterable[bytes]) -> Speech:
    """For Redis: whatever it asks."""

    def speech(connection: socket.socket) -> Iterator[bytes]:
        connection.recv(65_536)
        yield from chain(*said)

    return speech


def in_imap(*said: Iterable[bytes], at: bytes) -> Speech:
    """Well-behaved until a command."""

    def speech(connection: socket.socket) -> Iterator[bytes]:
        yield b"* OK IMAP4rev1 ready\r\n"
        while True:
            tag, _, command = read_line(connection).partition(b" ")
            if at in command:
                yield from chain(*said)
                return
            if b"CAPABILITY" in command:
                yield b"* CAPABILITY IMAP4rev1\r\n"
            if b"SELECT" in command:
                yield b"* 1 EXISTS\r\n"
            if b"SEARCH" in command:
                yield b"* SEARCH 1 2 3\r\n"
            yield tag + b" OK done\r\n"

    return speech


def plainly(*said: Iterable[bytes]) -> Speech:
    return lambda _: chain(*said)


TEXT: Final = b"x" * 1_000
MY_RESULTS: Final = b"".join(my(b"\x00\x00\x00\x0a\x00\x00\x00", number) for number in (*range(1, 256), 0))
"""Of statements without rows, each followed by another one."""
ROW: Final = pg(b"T", b"\x00\x01a\0" + b"\0" * 6 + b"\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0")
HOSTILE: Final[Mapping[str, tuple[Client, Speech]]] = {
    "postgres: nothing": (postgres, after_pg_startup()),
    "postgres: noise": (postgres, after_pg_startup([b"\xff" * 1_000])),
    "postgres: noise without end": (postgres, after_pg_startup(endless(b"\xff\x00"))),
    "postgres: a drip": (postgres, after_pg_startup(drip(PG_READY))),
    "postgres: settings without end": (postgres, after_pg_startup([pg(b"R", b"\0\0\0\0")], pg_statuses())),
    "postgres: settings without end after a query": (postgres, after_pg_query(pg_statuses())),
    "postgres: notices without end": (postgres, after_pg_query(endless(pg(b"N", b"SNOTICE\0C00000\0Mx\0\0")))),
    "postgres: a column without end": (postgres, after_pg_query([ROW, b"D\x7f\xff\xff\xf0\x00\x01\x7f\xff\xff\xf0"], endless(TEXT))),
    "postgres: rows without end": (postgres, after_pg_query([ROW], endless(pg(b"D", b"\0\x01\0\0\0\0")))),
    "postgres: results without end": (postgres, after_pg_query(endless(pg(b"C", b"SELECT 0\0")))),
    "postgres: notifications without end": (postgres, after_pg_query(endless(pg(b"A", b"\0\0\0\x01a\0b\0")))),
    "postgres: a wrong length": (postgres, after_pg_query([b"D\x00\x00\x00\x00"])),
    "postgres: nothing after a query": (postgres, after_pg_query()),
    "postgres: a drip after a query": (postgres, after_pg_query([ROW], drip(pg(b"D", b"\0\x01\0\0\xff\xff")))),
    "mysql: nothing": (mysql, plainly()),
    "mysql: noise": (mysql, plainly([b"\xff" * 1_000])),
    "mysql: a packet that drips": (mysql, plainly([b"\xff\xff\xff\x00"], drip(b"a"))),
    "mysql: a packet without end": (mysql, plainly(repeat(b"\xff\xff\xff\x00" + b"a" * 0xFFFFFF))),
    "mysql: an answer that drips": (mysql, after_my_query([b"\xff\xff\xff\x01"], drip(b"a"))),
    "mysql: an answer without end": (mysql, after_my_query(repeat(b"\xff\xff\xff\x01" + b"a" * 0xFFFFFF))),
    "mysql: a file is wanted": (mysql, after_my_query([my(b"\xfb/etc/passwd", 1)])),
    "mysql: results without end": (mysql, after_my_query(endless(MY_RESULTS))),
    "mysql: columns without end": (mysql, after_my_query([my(b"\xfe" + b"\xff" * 8, 1)], endless(my(b"\x03def", 2)))),
    "mysql: noise after a query": (mysql, after_my_query([my(b"\x01", 1), my(b"\xff\xfe\xfd", 2), b"\x00" * 1_000])),
    "mysql: an empty packet": (mysql, after_my_query([my(b"", 1)])),
    "redis: nothing": (redis, after_line()),
    "redis: noise": (redis, after_line([b"\xff\xfe\r\n" * 100])),
    "redis: a line without end": (redis, after_line([b"+"], endless(TEXT))),
    "redis: lists in lists": (redis, after_line(endless(b"*1\r\n"))),
    "redis: lists in lists, a few": (redis, after_line([b"*1\r\n" * 3_000 + b":1\r\n"])),
    "redis: a long list": (redis, after_line([b"*2147483647\r\n"], endless(b":1\r\n"))),
    "redis: a long text": (redis, after_line([b"$9999999999\r\n"], endless(TEXT))),
    "redis: a long number": (redis, after_line([b":" + b"9" * 100_000 + b"\r\n"])),
    "redis: a list of a negative length": (redis, after_line([b"*-5\r\n", b"$-7\r\n"])),
    "redis: a drip": (redis, after_line([b"+"], drip(b"a"))),
    "imap: nothing": (imap, plainly()),
    "imap: a greeting without end": (imap, plainly(endless(TEXT))),
    "imap: greetings without end": (imap, in_imap(endless(b"* OK hello\r\n"), at=b"LOGIN")),
    "imap: a drip": (imap, plainly([b"* OK "], drip(b"a"))),
    "imap: a message without end": (imap, in_imap([b"* 1 FETCH (BODY[] {9999999999}\r\n"], endless(TEXT), at=b"FETCH")),
    "imap: a message larger than any memory": (imap, in_imap([b"* 1 FETCH (BODY[] {999999999999999}\r\n"], at=b"FETCH")),
    "imap: a message that drips": (imap, in_imap([b"* 1 FETCH (BODY[] {9999}\r\n"], drip(b"a"), at=b"FETCH")),
    "imap: matches without end": (imap, in_imap(endless(b"* SEARCH " + b"1 " * 400 + b"\r\n"), at=b"SEARCH")),
    "imap: matches that are no numbers": (imap, in_imap([b"* SEARCH a b c\r\n", b"BAAA1 OK\r\n"], at=b"SEARCH")),
    "imap: a long number": (imap, in_imap([b"* 1 FETCH (BODY[] {" + b"9" * 5_000 + b"}\r\n"], at=b"FETCH")),
    "smtp: nothing": (smtp, plainly()),
    "smtp: a greeting without end": (smtp, plainly(endless(b"220-hello\r\n"))),
    "smtp: a line without end": (smtp, plainly(endless(TEXT))),
    "smtp: a drip": (smtp, plainly([b"220-"], drip(b"a"))),
    "smtp: noise": (smtp, plainly([b"\xff\xfe\r\n"])),
    "ssh: nothing": (shell, plainly()),
    "ssh: noise": (shell, plainly([b"\xff" * 100_000])),
    "ssh: a banner without end": (shell, plainly(endless(b"hello\r\n"))),
    "ssh: a packet without end": (shell, plainly([b"SSH-2.0-x\r\n", b"\x7f\xff\xff\xff"], endless(TEXT))),
    "ssh: a drip": (shell, plainly([b"SSH-2.0-"], drip(b"a"))),
}  # fmt: skip
WORDS: Final = (DatabaseError, MailError, SshError)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every limit of time is short."""
    for module in (database_limits, postgres_client, mysql_client, redis_client):
        monkeypatch.setattr(module, "QUERY_SECONDS", SECONDS)
    for module in (guarded_socket, redis_client):
        monkeypatch.setattr(module, "CONNECT_SECONDS", SECONDS)
    monkeypatch.setattr(mail, "_TIMEOUT_SECONDS", SECONDS)
    monkeypatch.setattr(mail, "RECEIVE_SECONDS", SECONDS, raising=False)
    monkeypatch.setattr(ssh, "SECONDS", SECONDS)
    monkeypatch.setattr(ssh, "_CONNECT_SECONDS", SECONDS)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_client_ends_in_words(name: str) -> None:
    """In time, in little memory, and without a step that keeps the loop."""
    client, speech = HOSTILE[name]
    await asyncio.gather(
        *(asyncio.to_thread(time.sleep, 0.05) for _ in range(40))
    )  # those that the loop shares are all there
    threads, memory, began = threading.active_count(), _memory(), time.monotonic()
    with HostileServer(speech) as server, LongestStep() as step:
        threads += 2  # the server's
        with contextlib.suppress(*WORDS):
            async with asyncio.timeout(60):
                await client(server.port)
        took = time.monotonic() - began
        while threading.active_count() > threads and time.monotonic() < began + took + 2:
            await asyncio.sleep(0.02)
        assert threading.active_count() <= threads, "a thread still waits for the server"
    assert took < SECONDS + SPARE_SECONDS
    assert step.seconds < STEP_SECONDS
    assert _memory() - memory < MEMORY


@pytest.mark.parametrize("name", ["postgres: results without end", "mysql: results without end"])
async def test_results_without_rows_are_bounded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are a few bytes each on the wire, and far more in memory, where the collection of garbage visits all of them."""
    for module in (database_limits, postgres_client, mysql_client):
        monkeypatch.setattr(module, "MAX_RESULTS", 200)
    client, speech = HOSTILE[name]
    with HostileServer(speech) as server, pytest.raises(DatabaseError, match="more than 200 results"):
        await client(server.port)


def test_a_collection_of_garbage_is_no_step_of_a_loop() -> None:
    """What it visits is the other tests'; what a step itself takes is measured.

    Theirs are frozen meanwhile: with millions of objects, collecting them over and over would take this test a minute.
    """
    kept: list[list[int]] = []

    async def collect() -> None:
        for _ in range(20):
            gc.collect()

    async def compute() -> None:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass

    with contextlib.ExitStack() as stack:
        step = stack.enter_context(LongestStep())
        stack.callback(gc.unfreeze)
        gc.freeze()
        kept += [[] for _ in range(200_000)]
        before = time.thread_time()
        asyncio.run(collect())
        took = time.thread_time() - before
        assert step.seconds < took / 2
        asyncio.run(compute())
        assert step.seconds >= 0.1


def _memory() -> int:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


VALUES: Final[tuple[Any, ...]] = (
    "abc",
    -1,
    0,
    65_536,
    1e999,
    float("nan"),
    "9" * 5_000,
    [1],
    {"a": 1},
    True,
    "5432; x",
    "\0",
    "\ud800",
)
TEXTS: Final = ("9" * 5_000, [1], "\0", "\ud800", "a\r\nb")
HOSTS: Final[tuple[Any, ...]] = (
    "a\0b",
    "\ud800",
    "a b",
    "x" * 5_000,
    "a,b",
    "/run",
    "@abstract",
    "::1%lo",
    [1],
    "127.0.0.1\r\nx",
    "..",
    "[::1]",
    5,
)
REFUSALS: Final = {
    "mysql": my(b"\xff\x10\x04#08004no", 0), "postgres": b"Eno\0", "redis": b"-ERR no\r\n" * 3, "imap": b"* BYE no\r\n", "smtp": b"554 no\r\n",
}  # fmt: skip
"""What a server says that has had enough, so that no value takes long."""
PLACES: Final[Mapping[str, tuple[Any, ...]]] = {
    "port": VALUES, "host": HOSTS, "database": VALUES, "user": TEXTS, "password": TEXTS, "username": TEXTS, "privateKey": TEXTS,
    "caCertificate": VALUES[-2:],
}  # fmt: skip


SQL: Final = ("postgres", "mysql", "redis")
READ_BY: Final = {
    "port": (*SQL, "imap", "smtp", "ssh"), "host": (*SQL, "imap", "smtp", "ssh"), "database": SQL, "user": (*SQL, "imap", "smtp"),
    "password": (*SQL, "imap", "smtp"), "username": ("ssh",), "privateKey": ("ssh",), "caCertificate": ("mysql",),
}  # fmt: skip


@pytest.mark.parametrize(("place", "type_"), [(place, each) for place, types in READ_BY.items() for each in types])
async def test_a_credential_with_foreign_values_fails_in_words(place: str, type_: str) -> None:
    """An entry of a credential is text of its owner, or of whoever imported it."""
    wrong = []
    with HostileServer(plainly([REFUSALS.get(type_, b"no\r\n")])) as server:
        for value in PLACES[place]:
            fields = {
                "host": "127.0.0.1",
                "port": server.port,
                "user": "u",
                "password": "p",
                "secure": False,
                "username": "u",
            }
            try:
                await _connect(type_, {**fields, "ssl": place == "caCertificate", place: value})
            except (*WORDS, EgressRefused):
                continue
            except Exception as error:
                wrong.append((value, repr(error)[:200]))
    assert wrong == []


async def _connect(type_: str, server: Mapping[str, Any]) -> None:
    if type_ in ("postgres", "mysql"):
        connect = connect_postgres if type_ == "postgres" else connect_mysql
        async with connect(ALLOW, server, connect_seconds=SECONDS) as session:
            await session.query("select 1")
    elif type_ == "redis":
        async with connect_redis(ALLOW, server) as redis_session:
            await redis_session.command("GET", "a")
    elif type_ == "ssh":
        await ssh.execute((f"127.0.0.1:{server['port']}",), server, "true")
    else:
        await (mail.check_imap if type_ == "imap" else mail.check_smtp)(ALLOW, server)


async def test_servers_that_say_nothing_hold_no_thread_that_others_need() -> None:
    """Payloads are sealed on the threads that a process shares."""
    with HostileServer(plainly()) as server:
        waiting = [
            asyncio.create_task(_connect(type_, {"host": "127.0.0.1", "port": server.port}))
            for type_ in ("mysql", "imap") * 20
        ]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await asyncio.to_thread(time.sleep, 0)
        took = time.monotonic() - began
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert took < SECONDS / 4
    assert all(isinstance(each, WORDS) for each in ended)


async def test_libpq_takes_no_certificate_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would present the one in the home of whoever started the worker to any server that wants one."""
    given: dict[str, Any] = {}

    async def connect(_: str, **settings: Any) -> Any:
        given.update(settings)
        raise psycopg.OperationalError("stop here")

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect)
    with pytest.raises(DatabaseError):
        await _connect("postgres", {"host": "127.0.0.1", "port": 5432})
    assert given["sslcertmode"] == "disable"
    assert given["passfile"] == os.devnull
    assert psycopg.pq.version() >= 160_000  # older ones do not know the word
