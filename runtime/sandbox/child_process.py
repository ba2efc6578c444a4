"""The parent's end of one child process (`child.py`): start it, exchange frames, kill it when it oversteps."""

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from runtime.confinement.children import START_SECONDS, resident_bytes, start
from runtime.confinement.limits import ChildLimits
from runtime.confinement.priority import FROM_THE_START, lower_priority
from runtime.sandbox.child import HEADER
from runtime.sandbox.limits import CodeLimits

MODULE: Final = "runtime.sandbox.child"
WATCH_SECONDS: Final = 0.05
CHUNK_BYTES: Final = 1 << 20
END_SECONDS: Final = 5.0
"""Seconds that a process gets to end after it has closed its pipes, before it is ended."""
OPEN_FILES: Final = 40
"""The pipes, and the event loop of V8's binding."""


ABORTS: Final = frozenset({signal.SIGABRT, signal.SIGILL, signal.SIGTRAP})
"""How V8 ends its process, above all when the limit of written memory refuses it a page."""


class ChildLost(Exception):
    """Raised when the child is gone.

    Its `reason` is one of these:

    * 'time': it was killed, since its time was over.
    * 'memory': it had used up its memory.
    * 'abort': V8 ended its process and did not say why; out of memory, if it happens again.
    * 'failure': the engine failed, and the child said how.
    * 'crash': anything else: the system killed it, or it broke the protocol.

    `asked`: its code had asked for something outside before.
    """

    asked = False

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ChildProcess:
    """One child process. Used by one thread at a time, which blocks; any thread may kill it meanwhile."""

    def __init__(self, limits: CodeLimits, libraries: Sequence[str]) -> None:
        self.limits = limits
        self._frame_bytes = max(limits.memory_mb, 4 * limits.output_mb) << 20
        """Of the longest frame that a child can mean: what its heap holds, or its output in UTF-8."""
        self._most_resident = 0
        self._using = threading.Lock()
        self._ended = False
        self._process = start(
            MODULE,
            [str(limits.memory_mb), str(limits.output_mb)],
            limits=ChildLimits(memory_bytes=2 * limits.memory_mb << 20, open_files=OPEN_FILES),
        )
        lower_priority(self._process.pid, FROM_THE_START)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        try:
            os.set_blocking(self._in, False)
            self._write("L", json.dumps(libraries), time.monotonic() + START_SECONDS)
        except BaseException as error:
            try:
                lost = self._lost(error) if isinstance(error, OSError) else None
            finally:
                self.kill()
            if lost is not None:
                raise lost from error
            raise

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def exchange(self, kind: str, text: str, seconds: float) -> tuple[str, str]:
        """Send a frame and wait for the answer. Raise ChildLost, with the child killed, when it does not come."""
        deadline = time.monotonic() + seconds
        with self._using:
            if self._ended:
                raise ChildLost("crash", "it was killed before it had work")
            try:
                self._write(kind, text, deadline)
                size, answer = HEADER.unpack(self._read(HEADER.size, deadline))
                return chr(answer), self._read(self._bounded(size), deadline).decode("utf-8", "surrogatepass")
            except (ChildLost, OSError, ValueError) as error:
                try:
                    lost = error if isinstance(error, ChildLost) else self._lost(error)
                finally:
                    self._end()
                raise lost from error

    def _bounded(self, size: int) -> int:
        """Return the announced length of a frame. Raise ChildLost for one that no child can mean."""
        if size > self._frame_bytes:
            raise ChildLost("crash", f"it announced a frame of {size:,} bytes")
        return size

    def kill(self) -> None:
        """Kill the process now. Its pipes are closed when no thread uses them: their numbers would be another child's."""
        self._process.kill()
        with self._using:
            self._end()

    def _end(self) -> None:
        self._ended = True  # the numbers of its pipes may be another child's from here on
        self._process.end()

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
                raise self._lost(EOFError())
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
            self._most_resident = max(self._most_resident, resident_bytes(self._process.inner_pid))
            if self._most_resident > 2 * self.limits.memory_mb << 20:
                raise ChildLost("memory")

    def _lost(self, error: Exception) -> ChildLost:
        """Return how a child ended that answers no more."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        code = self._process.poll()
        if code is None or code >= 0:
            return ChildLost("crash", type(error).__name__ if code is None else f"it ended with code {code}")
        name = signal.Signals(-code).name
        if -code not in ABORTS:
            return ChildLost("crash", f"it died of {name}")
        return ChildLost(
            "memory" if self._most_resident > self.limits.memory_mb << 20 else "abort", f"it died of {name}"
        )
