"""Data tables and seen values in memory: gone with the process."""

import asyncio
import copy
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from runtime.contract.capabilities import Store
from runtime.values.tables import Column, Table

T = TypeVar("T")


class MemoryStore(Store):
    """The store of an offline run; a transaction is a copy that is put in place when its work is done."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._seen: dict[str, list[str]] = {}
        self._lock = asyncio.Lock()

    async def within(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """One transaction after the other."""
        async with self._lock:
            changed = MemoryStore()
            changed._tables, changed._seen = copy.deepcopy((self._tables, self._seen))
            result = await work(changed)
            self._tables, self._seen = changed._tables, changed._seen
            return result

    async def tables(self) -> Sequence[Table]:
        """See Store."""
        return list(self._tables.values())

    async def open(self, id_: str) -> Table:
        """See Store."""
        return self._tables[id_]

    async def create(self, name: str, columns: Sequence[Column], now: str) -> Table:
        """See Store."""
        table = Table(uuid.uuid4().hex[:16], name, columns, created_at=now, updated_at=now)
        self._tables[table.id] = table
        return table

    async def rename(self, id_: str, name: str, now: str) -> None:
        """See Store."""
        self._tables[id_].name, self._tables[id_].updated_at = name, now

    async def drop(self, id_: str) -> None:
        """See Store."""
        del self._tables[id_]

    async def seen(self, scope: str) -> list[str]:
        """See Store."""
        return list(self._seen.get(scope, ()))

    async def note(self, scope: str, values: Sequence[str]) -> None:
        """See Store."""
        self._seen[scope] = list(values)
