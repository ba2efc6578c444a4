"""Steps in which a worker has died before begin one at a time: if it dies again, it is known of which."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from runtime.sandbox.tenant_slots import TenantSlots

__all__ = ["SuspectWindow", "WorkerDied"]

ALONE_SECONDS: Final = 2.0
"""Seconds for which such a step is alone. One that has lived so long goes on beside others, and is not counted if it dies."""
_SUSPECTS: Final = TenantSlots(1)


class WorkerDied(Exception):
    """Workers died again and again while they ran the step. `deaths` says how often."""

    def __init__(self, deaths: int) -> None:
        super().__init__(f"{deaths} workers died")
        self.deaths = deaths


class SuspectWindow:
    """An asynchronous context manager: alone among such steps when it is entered, for ALONE_SECONDS or until it is left.

    Args:
        workflow_id: of the run; runs take turns.
        over: called once, when it is no longer alone; None: nobody wants to know.
        seconds: for which it is alone at most.
    """

    def __init__(
        self, workflow_id: str, over: Callable[[], Awaitable[None]] | None = None, seconds: float = ALONE_SECONDS
    ) -> None:
        self._workflow_id, self._over, self._seconds = workflow_id, over, seconds
        self._granted = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._window = asyncio.create_task(self._hold())
        granted = asyncio.create_task(self._granted.wait())
        try:
            await asyncio.wait({self._window, granted}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self._window.cancel()
            raise
        finally:
            granted.cancel()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._window.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._window

    async def _hold(self) -> None:
        async with _SUSPECTS.hold(self._workflow_id):
            self._granted.set()
            try:
                await asyncio.sleep(self._seconds)
            finally:
                if self._over is not None:
                    await self._over()
