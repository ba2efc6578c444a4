"""Threads for what steps compute, apart from those that the process needs for everything else."""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from runtime.sandbox.tenant_slots import TenantSlots

__all__ = ["STEP_THREADS", "TenantThreads"]

STEP_THREADS: Final = max(16, 8 * (os.cpu_count() or 2))
"""More than processors, since most of them wait for a child process."""
T = TypeVar("T")


class TenantThreads:
    """Threads that tenants share: a call waits for its tenant's turn first, and holds no thread while it does.

    Args:
        size: how many there are.
        share: what one tenant may hold of them (see `TenantSlots`).
    """

    def __init__(self, size: int = STEP_THREADS, share: float = 0.5) -> None:
        self._slots = TenantSlots(size, share)
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="step")
        self._calls: set[asyncio.Task[Any]] = set()
        """Kept while they run: an event loop keeps no task."""

    async def call(self, tenant: str, function: Callable[..., T], *args: Any) -> T:
        """Return what a function returns on a thread, in the context of the caller. A caller that is cancelled is free at once; the
        slot is given back when the thread is.
        """
        context, begun = contextvars.copy_context(), asyncio.Event()

        async def hold() -> T:
            async with self._slots.hold(tenant):
                begun.set()
                return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, function, *args)

        task = asyncio.create_task(hold())
        self._calls.add(task)
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not begun.is_set():
                task.cancel()
            raise

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # of a call that nobody waits for any more
