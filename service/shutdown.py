"""The end of an API process: asked for by a signal, and then a grace for the callers that still wait."""

import asyncio
from typing import Any

__all__ = ["Shutdown"]


class Shutdown:
    """Tells those who wait in this process that it ends.

    `request` is the signal: streams end at once, since their listeners go on elsewhere. After the grace, callers that wait for
    the reply of a run are told where its status is.
    """

    def __init__(self) -> None:
        self._requested, self._expired = asyncio.Event(), asyncio.Event()
        self._expiry: asyncio.Future[Any] | None = None

    @property
    def requested(self) -> bool:
        """Return whether the process ends."""
        return self._requested.is_set()

    @property
    def expired(self) -> bool:
        """Return whether the grace is over."""
        return self._expired.is_set()

    @property
    def expiry(self) -> "asyncio.Future[Any]":
        """Return a future, one for all, that is done when the grace is over."""
        if self._expiry is None:
            self._expiry = asyncio.create_task(self._expired.wait())
        return self._expiry

    def request(self, grace: float) -> None:
        """Begin to end; the grace, in seconds, is over by itself. A second request ends it at once."""
        if self.requested:
            self._expired.set()
            return
        self._requested.set()
        asyncio.get_running_loop().call_later(grace, self._expired.set)

    async def wait(self, seconds: float) -> bool:
        """Sleep so long, or until the process ends; return whether it does."""
        try:
            await asyncio.wait_for(self._requested.wait(), seconds)
        except TimeoutError:
            return False
        return True
