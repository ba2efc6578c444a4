"""Ends a process whose event loop stands still: what it serves would stand still with it, and nobody else would take it over."""

import asyncio
import contextlib
import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from runtime.platform.telemetry.logging import get_logger

__all__ = ["EXIT_CODE", "watched"]

log = get_logger("tempor8.watchdog")

EXIT_CODE: Final = 70
"""Of a process that its watchdog ends (EX_SOFTWARE)."""
LOOKS: Final = 20
"""Looks at the loop within the time that it may stand still. Looks are counted and not seconds, less what the loop's thread waited for a
processor, so that a busy machine, or a process that was stopped for a while, is no loop that stands still."""
LAST_RESORT: Final = 3
"""After so many times that time, without a look of the watchdog, the process ends all the same; see `watched`."""

Report = Callable[["asyncio.Task[Any] | None"], Mapping[str, Any]]
"""Takes the asyncio task that holds the loop. Makes a note of whose it is, and returns facts for the log."""


@contextlib.contextmanager
def watched(seconds: float, report: Report = lambda _: {}) -> Iterator[None]:
    """End the process when the running event loop stands still for `seconds` while the body runs; 0: never.

    A thread asks the loop for a sign of life. Without one it logs the Python stack of the loop's thread, calls `report` and ends the
    process with EXIT_CODE. A call into C that keeps the interpreter's lock stops this thread, too. Then `faulthandler`, which needs
    no lock, writes all stacks to standard error and ends the process after LAST_RESORT times as long; nothing else is noted.
    """
    if seconds <= 0:
        yield
        return
    watchdog = _Watchdog(asyncio.get_running_loop(), seconds, report)
    watchdog.arm()  # the thread may never come to it
    watchdog.start()
    try:
        yield
    finally:
        watchdog.stop()


class _Watchdog(threading.Thread):
    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, report: Report) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._loop, self._seconds, self._report = loop, seconds, report
        self._looped = threading.get_ident()
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last = (0.0, 0.0)
        self._stopped = threading.Event()
        self._alive = True

    def run(self) -> None:
        """Look until the loop stands still, or until it is stopped."""
        silent = 0.0
        while not self._stopped.wait(self._seconds / LOOKS):
            self.arm()
            given = 1 - self._starved()
            silent = 0.0 if self._alive else silent + given
            if silent >= LOOKS:
                self._end()
            elif self._alive:
                self._alive = False
                with contextlib.suppress(RuntimeError):  # closed
                    self._loop.call_soon_threadsafe(self._answer)

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        self.join()
        faulthandler.cancel_dump_traceback_later()

    def _answer(self) -> None:
        self._alive = True

    def _starved(self) -> float:
        """Return the part of the time since the last look in which the loop's thread had work and no processor; 0 where the system
        does not say.
        """
        now = time.monotonic()
        try:
            delayed = int(self._schedule.read_text(encoding="ascii").split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0
        (before, delayed_before), self._last = self._last, (now, delayed)
        return min(1.0, max(0.0, (delayed - delayed_before) / max(now - before, 1e-9)))

    def arm(self) -> None:
        """Put the last resort off."""
        if sys.__stderr__ is not None:
            with contextlib.suppress(ValueError, OSError):  # it is no file
                faulthandler.dump_traceback_later(LAST_RESORT * self._seconds, exit=True, file=sys.__stderr__)

    def _end(self) -> None:
        try:
            frame = sys._current_frames().get(self._looped)  # noqa: SLF001 - the one way to another thread's stack
            stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
            holder = asyncio.current_task(self._loop)
            log.critical("the event loop stands still: this process ends", seconds=self._seconds, stack=stack)
            log.critical("what held the event loop", **self._report(holder))
        except Exception as error:  # noqa: BLE001 - whatever it is, the process must end
            log.critical("the watchdog could not make its note", error=type(error).__name__)
        finally:
            sys.stderr.flush()
            os._exit(EXIT_CODE)
