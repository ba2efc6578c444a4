"""Slots for workflow tasks and activities: a worker takes as many at a time as its event loop can keep alive."""

import asyncio
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.worker import (
    CustomSlotSupplier,
    FixedSizeSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    WorkerTuner,
)

POLL_INTERVAL: Final = timedelta(milliseconds=20)
"""Between two attempts to get a slot while the event loop is busy."""
LATENESS: Final = timedelta(milliseconds=5)
"""How much later than scheduled the loop may come back before it counts as busy."""
FORCED_GRANT_EVERY: Final = 50
"""Attempts in a row after which a slot is granted although the loop is busy: a step that only waits must not be blocked."""
MAX_STEPS: Final = 200
MAX_LOCAL_STEPS: Final = 100


@dataclass(eq=False)
class EventLoopSlots(CustomSlotSupplier):
    """Grants up to `minimum` slots at once; more, up to `maximum`, only while the event loop is on time.

    All steps of a worker share one loop. Steps that wait for others hardly use it, so there may be many. Steps (or
    activations) that compute do, and a hundred of them let each wait so long that Temporal hears no heartbeat and has
    them done again, which makes it worse. How busy the machine is does not tell: one loop fills one processor of many.
    """

    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        """Core's threads give slots back, the loop's takes them."""
        self._lock = threading.Lock()
        self._held = 0

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """See base class."""
        del ctx
        clock = asyncio.get_running_loop().time
        attempts = 0
        while not self._take(self.minimum):
            before = clock()
            await asyncio.sleep(POLL_INTERVAL.total_seconds())
            attempts += 1
            on_time = clock() - before < (POLL_INTERVAL + LATENESS).total_seconds()
            if (on_time or attempts % FORCED_GRANT_EVERY == 0) and self._take(self.maximum):
                break
        return SlotPermit()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """See base class."""
        del ctx
        return SlotPermit() if self._take(self.minimum) else None

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """See base class."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """See base class."""
        del ctx
        with self._lock:
            self._held -= 1

    def _take(self, limit: int) -> bool:
        with self._lock:
            if self._held >= limit:
                return False
            self._held += 1
            return True


def tuner() -> WorkerTuner:
    """Few workflow tasks, since they compute; many steps, since they mostly wait. Each kind has slots of its own, or steps would
    keep their own workflows from going on.
    """
    return WorkerTuner.create_composite(
        workflow_supplier=EventLoopSlots(minimum=10, maximum=100),
        activity_supplier=EventLoopSlots(minimum=10, maximum=MAX_STEPS),
        local_activity_supplier=FixedSizeSlotSupplier(MAX_LOCAL_STEPS),
        nexus_supplier=FixedSizeSlotSupplier(10),
    )
