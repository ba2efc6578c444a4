"""Answers that many callers want at once: one asks, all get what it got."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["SingleFlight"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Questions that are under way, by key. Nothing is remembered once they are answered."""

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[V]] = {}

    async def do(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """Return what `ask` returns, or what another caller's question with this key does. Raises what it raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(_run(ask))
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)


async def _run(ask: Callable[[], Awaitable[V]]) -> V:
    return await ask()
