"""Slots that tenants share: whoever holds many waits, so that there is one for whoever holds none."""

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator
from concurrent.futures import Future

from schemas.errors import InfrastructureError

__all__ = ["SlotsTaken", "TenantSlots"]


class SlotsTaken(InfrastructureError):
    """Raised where a tenant has waited long enough for a slot. The message says who holds them."""


class TenantSlots:
    """A fixed number of slots, handed out between tenants in turn. Threads and event loops may share one.

    A tenant alone gets `share` of them at most. Beside others it gets less: what it holds stays in one proportion to what is
    free (dynamic thresholds, Choudhury and Hahne 1998). So a few tenants cannot take all slots between them, and nothing
    need be known of how many tenants there are.

    Args:
        capacity: how many slots there are.
        share: what one tenant may hold, above 0; 1 is no limit. Every tenant may hold one slot, if one is free.
    """

    def __init__(self, capacity: int, share: float = 1.0) -> None:
        self.capacity, self.share = capacity, share
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[Future[None]]] = {}
        """By tenant, in the order of their turns."""

    @contextlib.asynccontextmanager
    async def hold(self, tenant: str, patience: float | None = None) -> AsyncIterator[None]:
        """Hold a slot while the body runs. Raises SlotsTaken when none came within `patience` seconds; None: wait for it."""
        place = self._join(tenant)
        try:
            async with asyncio.timeout(patience):
                await asyncio.wrap_future(place)
        except BaseException as error:
            self._leave(tenant, place)
            if isinstance(error, TimeoutError):
                raise SlotsTaken(self._taken(tenant)) from error
            raise
        try:
            yield
        finally:
            self._give_back(tenant)

    def _taken(self, tenant: str) -> str:
        held = self.held(tenant)
        if held:
            return f"the tenant's own work holds {held} of {self.capacity} slots, which is all that it may have now"
        return f"the work of other tenants holds all {self.capacity} slots"

    def held(self, tenant: str) -> int:
        """Return how many slots a tenant holds."""
        with self._lock:
            return self._held[tenant]

    def waiting(self, tenant: str) -> int:
        """Return how many times a tenant waits."""
        with self._lock:
            return len(self._waiting.get(tenant, ()))

    def _join(self, tenant: str) -> Future[None]:
        place: Future[None] = Future()
        with self._lock:
            self._waiting.setdefault(tenant, deque()).append(place)
            self._grant()
        return place

    def _leave(self, tenant: str, place: Future[None]) -> None:
        """Take back what was asked for, or what was granted in this very moment."""
        with self._lock:
            queue = self._waiting.get(tenant, deque())
            if place in queue:
                queue.remove(place)
                if not queue:
                    del self._waiting[tenant]
                return
        if not place.cancelled():
            self._give_back(tenant)

    def _give_back(self, tenant: str) -> None:
        with self._lock:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]  # thousands of tenants come by
            self._grant()

    def _grant(self) -> None:
        """Give free slots to whoever holds the fewest; among those, to whose turn it is."""
        while (eligible := [tenant for tenant in self._waiting if self._may(tenant)]) != []:
            tenant = min(eligible, key=lambda each: self._held[each])
            queue = self._waiting.pop(tenant)
            place = queue.popleft()
            if queue:
                self._waiting[tenant] = queue  # behind the others
            if place.set_running_or_notify_cancel():
                self._held[tenant] += 1
                place.set_result(None)

    def _may(self, tenant: str) -> bool:
        free = self.capacity - self._held.total()
        held = self._held[tenant]
        return free > 0 and (held == 0 or held * (1 - self.share) < self.share * free)
