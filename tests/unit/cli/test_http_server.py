"""What a connection may hold and for how long, on real sockets: whatever a caller sends or does not send is over early."""

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from cli.support.http_server import Limits, Server, http_server
from runtime.platform.settings import Settings
from tests.patience import PATIENCE

QUICK: Final = Limits(connections=400, head_seconds=0.5, body_seconds=0.5, write_seconds=0.5)
PATIENT: Final = Limits(head_seconds=600, body_seconds=600, write_seconds=600)
WAIT: Final = 60.0
"""Seconds for which a test waits for the end of a connection, which is there in one."""
PIECE: Final = b"a" * 65_536


class App:
    """Reads each body, and answers with its length; remembers the scopes, and how often a caller went away."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.gone = 0
        self.answer = b""
        self.waits = False
        """Whether the end of an answer waits for the end of the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.scopes.append(scope)
        size, more = 0, scope["path"] != "/unread"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            size += len(message["body"])
            more = message["more_body"]
        body = self.answer or b"%d" % size
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body, "more_body": self.waits})
        while self.waits and (await receive())["type"] != "http.disconnect":
            pass
        self.gone += self.waits


@contextlib.asynccontextmanager
async def serving(limits: Limits) -> AsyncIterator[tuple[App, Server, int]]:
    """The application, its server and its port."""
    app = App()
    server = http_server(app, Settings.load({"TEMPOR8_API_GRACE": "0"}), limits)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    serving_ = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield app, server, listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await serving_


async def talk(port: int, *pieces: bytes, end: bytes = b"", times: int = 0) -> tuple[bytes, int]:
    """Send pieces, the last one again and again; return what comes until the connection is closed, and the bytes that went out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reading = asyncio.create_task(reader.read())
    sent = 0
    with contextlib.suppress(ConnectionError):
        for piece in (*pieces, *([pieces[-1]] * times), end):
            if reading.done():
                break
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    try:
        answer = await asyncio.wait_for(reading, WAIT)
    except ConnectionError:
        answer = b""
    writer.close()
    return answer, sent


HEAD: Final = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED: Final = HEAD + b"transfer-encoding: chunked\r\n\r\n"
ENDLESS: Final = {
    "a header": (HEAD + b"x: ", PIECE), "a header's name": (HEAD, PIECE), "headers": (HEAD, b"x: a\r\n" * 8_000),
    "a target": (b"GET /", PIECE), "trailers": (CHUNKED + b"1\r\na\r\n0\r\n", b"x: a\r\n" * 8_000),
    "a trailer": (CHUNKED + b"1\r\na\r\n0\r\nx: ", PIECE), "an extension of a chunk": (CHUNKED + b"1;x=", PIECE),
    "empty lines": (b"\r\n" * 30_000,),
}  # fmt: skip
HUNDRED_MEGABYTES: Final = 1_600
"""Pieces of 64 KiB."""


@pytest.mark.parametrize("kind", ENDLESS)
async def test_what_never_ends_is_refused_after_a_few_pieces(kind: str) -> None:
    """No time is up here: bytes are counted."""
    async with serving(PATIENT) as (_, _, port):
        answer, sent = await talk(port, *ENDLESS[kind], times=HUNDRED_MEGABYTES)
    assert sent < 16 * 1024 * 1024  # what the kernel's buffers take while the answer is on its way
    assert not answer or answer.split()[1] in (b"400", b"414", b"431"), answer[:100]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"x: y\r\n" * 201 + b"\r\n", b"431"), (HEAD + b"x: " + b"y" * 65_536 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * 66_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"414"), (b"nonsense\r\n\r\n", b"400"),
        (HEAD + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", b"400"),
    ],
    ids=["many headers", "a long header", "a long target", "nonsense", "two lengths"],
)  # fmt: skip
async def test_one_request_over_a_limit_reaches_no_application(request_: bytes, status: bytes) -> None:
    async with serving(PATIENT) as (app, _, port):
        answer, _ = await talk(port, request_)
    assert answer.split()[1] == status
    assert app.scopes == []


async def test_a_request_within_the_limits_is_served() -> None:
    """150 headers, and a target and a header of thousands of bytes; a body in chunks; a second request on the connection."""
    many = b"".join(b"x-%d: y\r\n" % number for number in range(150)) + b"x: " + b"y" * 20_000 + b"\r\n"
    first = b"POST /" + b"x" * 8_000 + b" HTTP/1.1\r\nhost: x\r\n" + many + b"transfer-encoding: chunked\r\n\r\n"
    second = b"GET /again HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    async with serving(PATIENT) as (app, _, port):
        answer, _ = await talk(port, first, b"5\r\nhello\r\n0\r\n\r\n" + second)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert [len(scope["headers"]) for scope in app.scopes] == [153, 2]


async def test_a_header_after_the_body_is_no_header() -> None:
    """A proxy that looked at the headers has not seen it."""
    async with serving(PATIENT) as (app, _, port):
        await talk(
            port, HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-api-key: b\r\n\r\n"
        )
    assert b"x-api-key" not in dict(app.scopes[0]["headers"])


WAITING: Final = {
    "nothing": b"", "half a line": b"GET /", "half of the headers": HEAD, "no body": HEAD + b"content-length: 10\r\n\r\n",
    "half a body": HEAD + b"content-length: 10\r\n\r\nhello", "half a chunk": CHUNKED + b"5\r\nhe", "an empty line": b"\r\n",
    "a second request": b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /aga",
    "a body that nobody reads": b"POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhello",
}  # fmt: skip


@pytest.mark.parametrize("kind", WAITING)
async def test_a_caller_that_sends_no_more_is_let_go(kind: str) -> None:
    async with serving(QUICK) as (app, server, port):
        answer, _ = await talk(port, WAITING[kind])
        await asyncio.sleep(0)
        assert not server.server_state.connections
    if kind in ("half a line", "half of the headers", "no body", "half a body", "half a chunk"):
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    elif kind in ("a second request", "a body that nobody reads"):
        assert answer.startswith(b"HTTP/1.1 200 OK")
    else:  # nothing was asked
        assert answer == b""
    assert app.gone == (kind in ("no body", "half a body", "half a chunk"))


async def test_three_hundred_callers_that_never_send_their_bodies_are_let_go() -> None:
    async with serving(QUICK) as (app, server, port):
        answers = await asyncio.gather(*(talk(port, HEAD + b"content-length: 10\r\n\r\n") for _ in range(300)))
        assert not server.server_state.connections
    assert all(answer.startswith(b"HTTP/1.1 408") for answer, _ in answers)
    assert app.gone == 300


PACES: Final = [("as fast as the rate", 2.0, b"200"), ("half as fast", 0.5, b"408")]
"""How fast a body comes, as parts of the rate that is not counted -> the status."""


@pytest.mark.parametrize(("pace", "status"), [each[1:] for each in PACES], ids=[each[0] for each in PACES])
async def test_a_body_has_the_time_that_its_size_needs(pace: float, status: bytes) -> None:
    """Two seconds of it, where half a second is allowed to one that does not come."""
    rate, pieces = 1_000, 20
    async with serving(dataclasses.replace(QUICK, body_rate=rate)) as (_, _, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        piece = b"x" * int(rate * pace / 10)
        writer.write(HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % (len(piece) * pieces))
        reading = asyncio.create_task(reader.read())
        for _ in range(pieces):
            if not reading.done():
                writer.write(piece)
                await asyncio.sleep(0.1)
        answer = await asyncio.wait_for(reading, WAIT)
        writer.close()
    assert answer.split()[1] == status


async def test_an_answer_that_nobody_reads_ends_its_connection() -> None:
    async with serving(QUICK) as (app, server, port):
        app.answer = b"x" * 64 * 1024 * 1024
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            while not app.scopes or server.server_state.connections:
                await asyncio.sleep(0.05)  # pytest's time-out is the limit


UNREAD: Final = {
    "a body goes on and on": (b"POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n", b"x" * 1_000),
    "further requests": (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNREAD)
async def test_who_reads_nothing_gains_no_time_by_sending(kind: str) -> None:
    """Reading and writing have a time of their own each: what comes moves the first alone."""
    first, more = UNREAD[kind]
    async with serving(dataclasses.replace(QUICK, body_rate=100)) as (app, server, port):
        app.answer = b"x" * 64 * 1024 * 1024
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setblocking(False)
            connection.sendall(first)
            began = asyncio.get_running_loop().time()
            while not app.scopes or server.server_state.connections:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    connection.send(more)
                await asyncio.sleep(0.05)
                assert asyncio.get_running_loop().time() - began < PATIENCE


async def test_who_reads_an_answer_still_has_to_send_its_body() -> None:
    """An application that answers before it has the body, and then waits: what was read of the answer moves no time for the body."""
    async with serving(QUICK) as (app, server, port):
        app.answer, app.waits = b"x" * 4 * 1024 * 1024, True
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhello")
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        assert answer.endswith(b"x" * 1_000)
        assert not server.server_state.connections
        assert app.gone == 1
        writer.close()


async def test_one_connection_too_many_is_told() -> None:
    async with serving(Limits(connections=2)) as (_, _, port):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        answer, _ = await talk(port, b"")
        assert answer.startswith(b"HTTP/1.1 503")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        answer, _ = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
