"""Capability: the tenant's folder."""

from typing import Protocol

from runtime.values.streams import LongBytes

__all__ = ["Files"]


class Files(Protocol):
    """The tenant's own folder, in place of the host's root. Every method raises ProblemError, also when there is no folder."""

    async def find(self, pattern: str, *, literal_brackets: bool = True) -> list[str]:
        """Return the paths of the files that match `*`, `?`, `**` and `{a,b}`, sorted."""

    async def read(self, path: str) -> bytes | LongBytes:
        """Return the bytes of a file; those of a long one piece by piece."""

    async def write(self, path: str, data: bytes | LongBytes, *, append: bool = False) -> None:
        """Write a file into a folder that exists."""
