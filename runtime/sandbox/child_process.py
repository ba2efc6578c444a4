"""The parent's end of one child process (`child.py`): start it, exchange frames, kill it when it oversteps."""

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from runtime.sandbox.limits import CodeLimits

HEADER: Final = struct.Struct(">IB")
SCRIPT: Final = Path(__file__).with_name("child.py")
ENVIRONMENT: Final = {"TZ": "UTC", "LC_ALL": "en_US.UTF-8", "LANG": "en_US.UTF-8"}
"""All that a child sees of ours; n8n's sandbox runs in UTC and en-US, too."""
WATCH_SECONDS: Final = 0.05
CHUNK_BYTES: Final = 1 << 20
START_TIMEOUT_SECONDS: Final = 30.0
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class ChildLost(Exception):
    """Raised when the child is gone; `reason` is 'time', 'memory' or 'crash'."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class ChildProcess:
    """One child process. Used by one thread at a time; blocking."""

    def __init__(self, limits: CodeLimits, libraries: Sequence[str]) -> None:
        self.limits = limits
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", str(SCRIPT), str(limits.memory_mb), str(limits.output_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._write("L", json.dumps(libraries), time.monotonic() + START_TIMEOUT_SECONDS)

    def exchange(self, kind: str, text: str, seconds: float) -> tuple[str, str]:
        """Send a frame and wait for the answer. Raise ChildLost, with the child killed, when it does not come."""
        deadline = time.monotonic() + seconds
        try:
            self._write(kind, text, deadline)
            size, answer = HEADER.unpack(self._read(HEADER.size, deadline))
            return chr(answer), self._read(size, deadline).decode("utf-8", "surrogatepass")
        except ChildLost:
            self.kill()
            raise
        except OSError as error:
            self.kill()
            raise ChildLost("memory" if self._died_of_memory() else "crash", str(error)) from error

    def kill(self) -> None:
        """Kill the process now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()

    def _write(self, kind: str, text: str, deadline: float) -> None:
        body = text.encode("utf-8", "surrogatepass")
        view = memoryview(HEADER.pack(len(body), ord(kind)) + body)
        while view:
            self._wait(deadline, writing=True)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._in, view[:CHUNK_BYTES]) :]

    def _read(self, size: int, deadline: float) -> bytes:
        parts = []
        while size:
            self._wait(deadline, writing=False)
            part = os.read(self._out, min(size, CHUNK_BYTES))
            if not part:
                self._process.wait()
                raise ChildLost(
                    "memory" if self._died_of_memory() else "crash", f"exit code {self._process.returncode}"
                )
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, deadline: float, *, writing: bool) -> None:
        ours: tuple[list[Any], list[Any], list[Any]] = ([], [self._in], []) if writing else ([self._out], [], [])
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChildLost("time")
            readable, writable, _ = select.select(*ours, min(left, WATCH_SECONDS))
            if readable or writable:
                return
            if self._resident() > 2 * self.limits.memory_mb << 20:
                raise ChildLost("memory")

    def _resident(self) -> int:
        """Return the bytes of memory that it uses; 0 where the system does not say."""
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
        except (OSError, IndexError, ValueError):
            return 0

    def _died_of_memory(self) -> bool:
        """V8 aborts (SIGILL, SIGTRAP or SIGABRT) when the limit of written memory refuses it a page."""
        return (self._process.returncode or 0) < 0
