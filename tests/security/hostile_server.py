"""A server on the loopback interface that says what it likes, on threads of its own: the loop that is measured is the client's."""

import asyncio
import contextlib
import gc
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

from tests.patience import PATIENCE

Speech = Callable[[socket.socket], Iterable[bytes]]
"""What a server says to a connection; it may read from it meanwhile."""

SILENCE: Final = 0.05
"""Seconds between two bytes of a server that drips."""


class HostileServer:
    """Listens on a free port, and says to each connection the same."""

    def __init__(self, speech: Speech) -> None:
        self._speech, self._going = speech, True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._going = False
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join(PATIENCE)  # what it is just taking is among the open ones then
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while self._going:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._say, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _say(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            for each in self._speech(connection):
                connection.sendall(each)
                if not self._going:
                    return
            while connection.recv(65_536):
                continue


class LongestStep:
    """The most processor time that one step of the running loop took while the body ran.

    Without the collection of garbage: it takes the longer the more objects all tests before have left.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._collecting = 0.0
        """Processor time that this thread has spent collecting."""
        self._collection_began = 0.0
        self._thread = 0

    def __enter__(self) -> Self:
        self._run = asyncio.Handle._run
        run = self._run

        def timed(handle: asyncio.Handle) -> None:
            before = time.thread_time() - self._collecting
            run(handle)
            self.seconds = max(self.seconds, time.thread_time() - self._collecting - before)

        asyncio.Handle._run = timed  # type: ignore[method-assign,assignment]
        self._thread = threading.get_ident()
        gc.callbacks.append(self._collect)
        return self

    def _collect(self, phase: str, _: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if phase == "start":
            self._collection_began = time.thread_time()
        else:
            self._collecting += time.thread_time() - self._collection_began

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._collect)
        asyncio.Handle._run = self._run  # type: ignore[method-assign]


def endless(piece: bytes, *, block: int = 64 * 1024) -> Iterator[bytes]:
    """The same without end, in blocks."""
    return itertools.repeat(piece * max(1, block // len(piece)))


def drip(piece: bytes, times: int = 10_000) -> Iterator[bytes]:
    """One byte at a time, with pauses."""
    for each in itertools.islice(itertools.cycle(piece), times):
        time.sleep(SILENCE)
        yield bytes([each])


# --- Postgres


def pg(kind: bytes, body: bytes = b"") -> bytes:
    """A message of Postgres."""
    return kind + struct.pack("!i", len(body) + 4) + body


PG_READY: Final = pg(b"R", struct.pack("!i", 0)) + pg(b"Z", b"I")


def pg_statuses() -> Iterator[bytes]:
    """Parameters of a session, each with another name, without end."""
    for block in itertools.count():
        yield b"".join(pg(b"S", b"%x\0\0" % (block * 4_000 + each)) for each in range(4_000))


# --- MySQL


def my(body: bytes, number: int) -> bytes:
    """A packet of MySQL."""
    return struct.pack("<I", len(body))[:3] + bytes([number % 256]) + body


MY_GREETING: Final = my(
    b"\x0a5.7.0\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<H", 0xF7FF) + b"\x21" + struct.pack("<H", 2)
    + struct.pack("<H", 0x81FF) + b"\x15" + b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0", 0,
)  # fmt: skip
MY_OK: Final = b"\x00\x00\x00\x02\x00\x00\x00"


def read_my(connection: socket.socket) -> bytes:
    """The next packet of a client."""
    head = _exactly(connection, 4)
    return _exactly(connection, int.from_bytes(head[:3], "little"))


def read_pg_startup(connection: socket.socket) -> bytes:
    """The first message of a client."""
    return _exactly(connection, struct.unpack("!i", _exactly(connection, 4))[0] - 4)


def read_pg(connection: socket.socket) -> bytes:
    """A further message of a client."""
    head = _exactly(connection, 5)
    return _exactly(connection, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        piece = connection.recv(size - len(parts))
        if not piece:
            raise ValueError("the client is gone")
        parts += piece
    return parts


def read_line(connection: socket.socket) -> bytes:
    """A line of a client."""
    line = b""
    while not line.endswith(b"\n"):
        line += _exactly(connection, 1)
    return line
