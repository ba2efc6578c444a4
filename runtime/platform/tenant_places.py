"""Places of which each tenant has so many, so that what one of them does at once leaves room for the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["TenantPlaces"]


class TenantPlaces:
    """A limit per tenant; nothing is left of a tenant that holds no place and waits for none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tenants: dict[str, _Places] = {}

    def __len__(self) -> int:
        return len(self._tenants)

    @asynccontextmanager
    async def hold(
        self, tenant: str, seconds: float | None = None, *, longest: float | None = None
    ) -> AsyncIterator[None]:
        """Hold one of the tenant's places, in the order of those who ask.

        Args:
            tenant: whose places they are.
            seconds: to wait for one; None: any time.
            longest: give the place back after so many seconds although the work goes on; None: at its end.

        Raises:
            TimeoutError: none became free in time.
        """
        places = self._tenants.setdefault(tenant, _Places(self._limit))
        places.users += 1
        try:
            await asyncio.wait_for(places.free.acquire(), seconds)
            place = _Place(places.free)
            timer = None if longest is None else asyncio.get_running_loop().call_later(longest, place.free)
            try:
                yield
            finally:
                if timer is not None:
                    timer.cancel()
                place.free()
        finally:
            places.users -= 1
            if not places.users:
                del self._tenants[tenant]


class _Places:
    """The places of one tenant."""

    def __init__(self, limit: int) -> None:
        self.free = asyncio.Semaphore(limit)
        self.users = 0
        """Who has one or waits for one."""


class _Place:
    """One place, given back once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places, self._held = places, True

    def free(self) -> None:
        """Give it back."""
        if self._held:
            self._held = False
            self._places.release()
