"""Hand the ends of runs from workflow code, which may not write, to Postgres."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from runtime.platform.telemetry.logging import get_logger
from schemas.run_end import RunEnd

__all__ = ["RunEndWriter"]

log = get_logger("tempor8.worker")

MAX_WAITING: Final = 1_000
"""Ends that wait to be written; further ones are dropped, and the projector reads those runs from Temporal."""
GATHER_SECONDS: Final = 0.1
"""How long an end waits for others, which are written with it: a transaction per run costs the worker a fifth of its time. Less than
`END_DELAY` of `service.projection.writer`, for which the projector leaves a run whose end is not written yet."""


class RunEndWriter:
    """A queue between workflow threads and Postgres. Whatever goes wrong costs nothing but a read of Temporal.

    Args:
        write: writes ends.
    """

    def __init__(self, write: Callable[[Sequence[RunEnd]], Awaitable[None]]) -> None:
        self._write, self._waiting = write, list[RunEnd]()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def note(self, end: RunEnd) -> None:
        """Take an end, from any thread."""
        if self._loop is None or len(self._waiting) >= MAX_WAITING:
            return
        self._waiting.append(end)
        if len(self._waiting) == 1:
            self._loop.call_soon_threadsafe(self._wake.set)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Write while the body runs."""
        self._loop = asyncio.get_running_loop()
        task = asyncio.create_task(self._run(), name="run ends")
        try:
            yield
        finally:
            self._loop = None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._flush()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(GATHER_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        ends, self._waiting = self._waiting, []
        if not ends:
            return
        try:
            await self._write(ends)
        except asyncio.CancelledError:
            self._waiting[:0] = ends  # the last flush writes them
            raise
        except Exception as error:  # noqa: BLE001 - nothing depends on it, and the next ends are to be written
            log.info(
                "ends of runs are not written: the projector reads them", error=type(error).__name__, runs=len(ends)
            )
