"""Capability: what a tenant keeps between runs, as data tables and as values that were seen."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from runtime.values.tables import Column, Table
from schemas.item import Json

__all__ = ["DataStore", "Store"]


class Store(Protocol):
    """What a tenant keeps between runs, within one transaction."""

    async def tables(self) -> Sequence[Table]:
        """Return all data tables without their rows, oldest first."""

    async def open(self, id_: str) -> Table:
        """Return a table of `tables` with its rows, locked; what changes in it is written when the transaction ends."""

    async def create(self, name: str, columns: Sequence[Column], now: str) -> Table:
        """Create a table and return it. The name is free."""

    async def rename(self, id_: str, name: str, now: str) -> None:
        """Give a table another name."""

    async def drop(self, id_: str) -> None:
        """Delete a table and its rows."""

    async def seen(self, scope: str) -> list[str]:
        """Return what was noted under a scope, oldest first, locked."""

    async def note(self, scope: str, values: Sequence[str]) -> None:
        """Replace what was noted under a scope by these values."""


class DataStore(Protocol):
    """The tenant's store, opened for one transaction."""

    async def run_once(self, work: Callable[[Store], Awaitable[Json]]) -> Json:
        """Run `work` at most once per task and return its result, which is stored in the same transaction: a later attempt
        of the task gets the result of the attempt that succeeded. When `work` raises, nothing is changed.
        """
