"""Capability: the binary data of items."""

from typing import Protocol

from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef

__all__ = ["Blobs"]


class Blobs(Protocol):
    """Binary data, which an item carries as a reference; the bytes are in storage, or in the reference when they are few."""

    async def read(self, ref: BinaryRef) -> bytes:
        """Return the bytes behind a reference. Raises NodeError when they are gone, or too many for memory."""

    async def open(self, ref: BinaryRef) -> bytes | LongBytes:
        """Return the bytes behind a reference, piece by piece when they are many. Raises NodeError when they are gone."""

    async def write(
        self,
        data: bytes | LongBytes | StoredFile,
        *,
        mime_type: str | None = None,
        file_name: str | None = None,
        apart: bool = False,
    ) -> BinaryRef:
        """Store bytes and return their reference; the MIME type is guessed from the name, then from the bytes. `apart`: few bytes
        are stored, too, so that the reference stays short.

        Raises NodeError when they are more than a file may have.
        """
