"""Capability: files on a server of the tenant, by FTP or SFTP."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from runtime.values.streams import LongBytes

__all__ = ["RemoteFiles", "RemoteFolder"]


class RemoteFolder(Protocol):
    """A session with a file server. Every method raises RemoteFileError."""

    async def entries(self, path: str) -> list[dict[str, Any]]:
        """Return the entries of a folder as JSON, each with `name` and `type` ("d": a folder), in the server's order."""

    async def read(self, path: str) -> bytes:
        """Return the bytes of a file."""

    async def write(self, path: str, data: bytes | LongBytes) -> None:
        """Write a file, in place of what is there."""

    async def rename(self, old: str, new: str) -> None:
        """Give a file or folder another path."""

    async def remove(self, path: str) -> None:
        """Delete a file."""

    async def remove_folder(self, path: str) -> None:
        """Delete a folder, which must be empty."""

    async def make_folders(self, path: str) -> None:
        """Make a folder with those above it, where they are not there."""


class RemoteFiles(Protocol):
    """File servers that the step's credentials name, reached through the tenant's egress guard. A session ends with its block."""

    def ftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Connect by the `ftp` credential; `seconds` to do so. Raises RemoteFileError; MissingCredential and NodeApiError (egress)."""

    def sftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Connect by the `sftp` credential. Raises like `ftp`."""
