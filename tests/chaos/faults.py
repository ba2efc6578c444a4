"""What can be wrong around processes that live on: they hang, a disk is full, a clock jumps."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psycopg

__all__ = ["Clock", "FullDisk", "hang"]

FAKETIME: Final = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
FULL: Final = """
    create or replace function disk_is_full() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert on payloads for each row execute function disk_is_full();
"""


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

    async def jump_around(self) -> None:
        """Two hours ahead, two hours back, and to the real time."""
        for seconds in (7200, -7200, 0):
            self.jump(seconds)
            await asyncio.sleep(2)


async def hang(pid: int, seconds: float) -> None:
    """Stop a process and its children for so long, as SIGSTOP does: connections stay open, and nobody answers."""
    tree = [pid]
    _signal([pid], signal.SIGSTOP)  # first, so that it gets no more children
    tree += _descendants(pid)
    _signal(tree, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        _signal(tree, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _descendants(pid: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                yield int(path.parent.name)
                yield from _descendants(int(path.parent.name))
