"""Background loops of a process: an error never ends one, and each says how old its last complete round is."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final

import psycopg
from temporalio.service import RPCError

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.telemetry.logging import get_logger
from runtime.platform.temporal import TemporalUnavailable

__all__ = ["BackgroundLoop", "BackgroundLoops", "first_error"]

log = get_logger("tempor8.background")

OUTAGES: Final = (
    DatabaseUnavailable, CredentialsUnavailable, TemporalUnavailable, psycopg.OperationalError, RPCError, RuntimeError,
)  # fmt: skip
"""A server is away: a reason to wait, without a traceback."""
MIN_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 30.0


class BackgroundLoop:
    """One loop: its work calls `complete_round` after each round.

    Args:
        name: in logs, `/health` and metrics.
        run: the work, which does not return by itself.
        late_after: seconds without a complete round after which the loop counts as late.
    """

    def __init__(self, name: str, run: Callable[["BackgroundLoop"], Awaitable[None]], *, late_after: float) -> None:
        self.name, self._run, self.late_after = name, run, late_after
        self.standby = False
        """Another process does this work; this one takes over when that one goes away."""
        self.errors_in_a_row = 0
        self.last_error: str | None = None
        self._last_round = time.monotonic()

    def complete_round(self) -> None:
        """Note that a round is complete."""
        self._last_round = time.monotonic()
        self.errors_in_a_row, self.last_error = 0, None

    @property
    def age(self) -> float:
        """Seconds since the last complete round, or since the loop was made."""
        return time.monotonic() - self._last_round

    @property
    def late(self) -> bool:
        """Whether no round was complete for too long."""
        return self.age > self.late_after

    async def run(self) -> None:
        """Do the work until cancelled; after an error, pause and do it again."""
        while True:
            try:
                await self._run(self)
            except asyncio.CancelledError as error:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self._note(error)  # something that the work waited for was cancelled, not the loop
                log.exception("background loop failed", loop=self.name)
            except OUTAGES as error:
                self._note(error)
                log.warning("background loop waits", loop=self.name, error=self.last_error)
            except Exception as error:  # nobody awaits the loop: what ended it would never be seen
                self._note(error)
                log.exception("background loop failed", loop=self.name)
            await asyncio.sleep(
                min(MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS * 2 ** min(max(self.errors_in_a_row - 1, 0), 10))
            )

    def _note(self, error: BaseException) -> None:
        self.errors_in_a_row += 1
        self.last_error = type(error).__name__


class BackgroundLoops:
    """The loops of a process, by name."""

    def __init__(self) -> None:
        self._loops: dict[str, BackgroundLoop] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def __iter__(self) -> Iterator[BackgroundLoop]:
        return iter(self._loops.values())

    def start(self, loop: BackgroundLoop) -> None:
        """Start a loop as a task."""
        self._loops[loop.name] = loop
        self._tasks.append(asyncio.create_task(loop.run(), name=loop.name))

    async def stop(self) -> None:
        """Cancel every loop and wait until all have ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


async def first_error(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things at once, none of which returns; when one fails, cancel the others and raise its error."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
