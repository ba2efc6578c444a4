"""What one tenant may hold of a worker, and what becomes of a step that has to wait: it goes back to Temporal for a while.

A step that waits inside a worker keeps a slot of the worker, and a local one keeps its workflow's as well. So it waits here for
seconds only, which is enough where steps are short. Later attempts are Temporal's, which offers them tenant by tenant.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from runtime.sandbox.tenant_slots import SlotsTaken, TenantSlots

__all__ = ["StepShares", "patience", "sent_back"]

PATIENCE_SECONDS: Final = 3.0
"""Seconds that a step waits inside the worker."""
BACK_SECONDS: Final = 4.0
"""Seconds at Temporal after the first attempt; each further one adds as many."""
MAX_BACK_SECONDS: Final = 30.0


class StepShares:
    """Slots of steps between tenants, with those of local activities apart: these are short, and hold up their workflows.

    Args:
        steps: how many activities the worker does at a time.
        local: how many local ones.
        share: of each, what one tenant may hold.
    """

    def __init__(self, steps: int, local: int, share: float) -> None:
        self.steps, self.local = TenantSlots(steps, share), TenantSlots(local, share)

    @contextlib.asynccontextmanager
    async def hold(self, tenant: str) -> AsyncIterator[None]:
        """Hold one of the tenant's slots while the running activity does its step. Raises SlotsTaken."""
        slots = self.local if activity.info().is_local else self.steps
        async with slots.hold(tenant, patience()):
            yield


def patience() -> float | None:
    """Return how many seconds the running activity may wait before it goes back to Temporal. None: it cannot go back, since it is
    delivered at most once, is a local one (which has seconds in all), or is none.
    """
    if not activity.in_activity():
        return None
    policy = activity.info().retry_policy
    return None if policy is not None and policy.maximum_attempts == 1 else PATIENCE_SECONDS


def sent_back(taken: SlotsTaken) -> ApplicationError:
    """Return what fails an attempt that has waited in vain, so that the next one comes later."""
    later = min(MAX_BACK_SECONDS, BACK_SECONDS * activity.info().attempt)
    return ApplicationError(str(taken), type="SlotsTaken", next_retry_delay=timedelta(seconds=later))
