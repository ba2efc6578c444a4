"""What can be wrong around processes that live on: a network that is cut, a disk that is full, a clock that jumps."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg

__all__ = ["Clock", "FullDisk", "Wire"]

FAKETIME: Final = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
FULL: Final = """
    create or replace function disk_is_full() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert on payloads for each row execute function disk_is_full();
"""


class Wire:
    """A TCP connection between a process and a server that can be cut: open connections break, new ones are refused."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._target = ("", 0)
        self._open: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.address = ""

    async def start(self) -> None:
        """Listen; `to` says where it leads."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    def to(self, address: str) -> str:
        """Lead to this server; gives the address to use instead of its own."""
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        return self.address

    async def cut(self, seconds: float) -> None:
        """Nothing comes through for so long."""
        self._cut = True
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(seconds)
        self._cut = False

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._open -= {writer, back}

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


class FullDisk:
    """Postgres finds no room for payloads, with the error code that it has for that."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url

    async def fill(self, seconds: float) -> None:
        """For so long."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(FULL)
            await asyncio.sleep(seconds)
            await connection.execute("drop trigger full_disk on payloads; drop function disk_is_full()")


class Clock:
    """The wall clock of child processes, by libfaketime; what measures durations goes on undisturbed."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_text("+0")

    @staticmethod
    def library() -> str | None:
        """Where libfaketime is; None: nowhere."""
        found = (str(path) for pattern in FAKETIME for path in Path("/").glob(pattern.lstrip("/")))
        return next(found, None)

    def environment(self) -> Mapping[str, str]:
        """For a process whose clock may jump."""
        return {
            "LD_PRELOAD": self.library() or "", "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds: read at every look at the clock, the file would cost more than all else
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def jump(self, seconds: int) -> None:
        """So far from the real time."""
        self._file.write_text(f"{seconds:+d}")
