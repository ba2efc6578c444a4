"""Binary data inline in its items."""

import base64

from runtime.contract.capabilities import Blobs
from runtime.hosts.local.offline import OfflineResources
from runtime.values.binary import binary_ref
from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef
from schemas.task import Task


class InlineBlobs(Blobs):
    """Nothing is stored."""

    async def read(self, ref: BinaryRef) -> bytes:
        """From the reference."""
        return base64.b64decode(ref["data"])

    async def open(self, ref: BinaryRef) -> bytes | LongBytes:
        """From the reference."""
        return await self.read(ref)

    async def write(
        self,
        data: bytes | LongBytes | StoredFile,
        *,
        mime_type: str | None = None,
        file_name: str | None = None,
        apart: bool = False,
    ) -> BinaryRef:
        """Into the reference, since there is no other place."""
        del apart
        if isinstance(data, LongBytes):
            data = b"".join([piece async for piece in data])
        assert isinstance(data, bytes)
        return binary_ref(data, mime_type, file_name)


def provide(resources: OfflineResources, task: Task) -> InlineBlobs:
    """Return the blobs of a task."""
    del resources, task
    return InlineBlobs()
