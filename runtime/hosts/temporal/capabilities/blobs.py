"""Binary data in items when it is small, else in the tenant's storage."""

import base64
from collections.abc import AsyncIterable, AsyncIterator

from temporalio import activity

from runtime.contract import NodeError
from runtime.contract.capabilities import Blobs
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.storage.blobs import PIECES, RETRY_SECONDS, BlobMissing, BlobTooLarge
from runtime.values.binary import INLINE_BYTES, binary_ref
from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef
from schemas.task import Task


class WorkerBlobs(Blobs):
    """The blobs of the task's tenant."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._task, self._tenant = resources, task, task["meta"]["tenant"]

    async def read(self, ref: BinaryRef) -> bytes:
        """Inline bytes, or those of a blob of the tenant."""
        if "id" not in ref:
            return base64.b64decode(ref.get("data", ""))
        try:
            return await self._resources.blobs.read(self._tenant, ref["id"])
        except BlobTooLarge as error:
            raise NodeError(
                f"The file {ref.get('fileName') or ref['id']} of {ref.get('fileSize')} is too large to be worked on: a step "
                f"may hold {self._resources.settings.payload_limit:,} bytes (TEMPOR8_PAYLOAD_LIMIT)",
                description="HTTP Request and the file nodes move longer files, and the first rows of a CSV file can be taken; "
                "all else reads them whole.",
            ) from error
        except (BlobMissing, ValueError) as error:
            raise _gone(ref) from error

    async def open(self, ref: BinaryRef) -> bytes | LongBytes:
        """Long files piece by piece."""
        if not ref.get("id", "").startswith(PIECES):
            return await self.read(ref)

        async def pieces() -> AsyncIterator[bytes]:
            try:
                async for piece in self._resources.blobs.stream(self._tenant, ref["id"]):
                    yield piece
            except BlobMissing as error:
                raise _gone(ref) from error

        return LongBytes(int(ref.get("bytes") or 0), pieces, ref["id"])

    async def write(
        self,
        data: bytes | LongBytes | StoredFile,
        *,
        mime_type: str | None = None,
        file_name: str | None = None,
        apart: bool = False,
    ) -> BinaryRef:
        """Small files ride in the item, larger ones are stored."""
        if isinstance(data, bytes) and len(data) <= INLINE_BYTES and not apart:
            return binary_ref(data, mime_type, file_name)
        stored = data if isinstance(data, StoredFile) else await store_file(self._resources, self._task, data)
        head = data if isinstance(data, bytes) else stored.head
        ref = binary_ref(head, mime_type, file_name, stored.size)
        ref["id"] = stored.id
        return ref


async def store_file(resources: WorkerResources, task: Task, data: bytes | AsyncIterable[bytes]) -> StoredFile:
    """Store bytes of the task's run. Raises NodeError when they are more than a file may have."""
    meta = task["meta"]
    heartbeats = activity.in_activity() and not activity.info().is_local
    seconds = None if heartbeats else RETRY_SECONDS
    try:
        return await resources.blobs.keep(meta["tenant"], data, used_by=meta["execution_id"], seconds=seconds)
    except BlobTooLarge as error:
        raise NodeError(error.message) from error


def _gone(ref: BinaryRef) -> NodeError:
    return NodeError(f"The file {ref.get('fileName') or ref['id']} is gone from storage")


def provide(resources: WorkerResources, task: Task) -> WorkerBlobs:
    """Return the blobs of a task."""
    return WorkerBlobs(resources, task)
