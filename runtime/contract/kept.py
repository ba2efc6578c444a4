"""What a tenant keeps outside its runs, as nodes see it: tables and values between runs, and files."""

from collections.abc import Sequence
from typing import Protocol

from runtime.values.streams import LongBytes
from runtime.values.tables import Column, Table

__all__ = ["Files", "Store"]


class Files(Protocol):
    """The tenant's own folder, in place of the host's root. Everything raises ProblemError, also when there is none."""

    async def find(self, pattern: str, *, literal_brackets: bool = True) -> list[str]:
        """Paths of the files that match `*`, `?`, `**` and `{a,b}`, sorted."""

    async def read(self, path: str) -> bytes | LongBytes:
        """The bytes of a file; those of a long one piece by piece."""

    async def write(self, path: str, data: bytes | LongBytes, *, append: bool = False) -> None:
        """Write a file in a folder that is there."""


class Store(Protocol):
    """What a tenant keeps between runs, within one transaction."""

    async def tables(self) -> Sequence[Table]:
        """All data tables without their rows, oldest first."""

    async def open(self, id_: str) -> Table:
        """A table of `tables` with its rows, locked; what changes in it is written when the transaction ends."""

    async def create(self, name: str, columns: Sequence[Column], now: str) -> Table:
        """A new table. The name is free."""

    async def rename(self, id_: str, name: str, now: str) -> None:
        """Give a table another name."""

    async def drop(self, id_: str) -> None:
        """Delete a table and its rows."""

    async def seen(self, scope: str) -> list[str]:
        """What was noted under a scope, oldest first, locked."""

    async def note(self, scope: str, values: Sequence[str]) -> None:
        """Put these values in place of what was noted under a scope."""
