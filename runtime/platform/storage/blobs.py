"""Store payloads that are too large for a history, and binary data of items: sealed, addressed by content, in Postgres or
a bucket.
"""

import asyncio
import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Final

import psycopg
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverActivityInfo,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)
from temporalio.exceptions import ApplicationError

from runtime.platform.keys import Keyring, Purpose, SealError
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.settings import Settings
from runtime.platform.storage.objects import Objects, PayloadStoreUnavailable
from runtime.platform.storage.uses import BlobCollector, RunEnd, delete_any, delete_unused, note_uses, release_runs
from runtime.values.streams import StoredFile
from schemas.names import tenant_of

__all__ = [
    "PIECES",
    "UNREADABLE",
    "BlobMissing",
    "BlobStore",
    "BlobTooLarge",
    "PostgresStorageDriver",
]

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Size of a piece of a long file."""
BACKSTOP: Final = 2
"""How many times TEMPOR8_PAYLOAD_LIMIT a blob may have. Runs measure what they hand out (`runtime.interpreter.border`); this
is for those of older builds, and for a limit that was lowered while they run."""
RETRY_SECONDS: Final = 2.5
"""How long an unavailable store is tried again where nobody heartbeats: a result that waits longer has lost its activity."""
RETRY_INTERVAL_SECONDS: Final = 0.1
MAX_RETRY_INTERVAL_SECONDS: Final = 2.0
MAX_STAGED: Final = 1_000
"""Payloads that were stored ahead and not asked for yet; those of steps that were cancelled just then stay."""
HEAD_BYTES: Final = 4100
"""Size of the beginning of a file that determines its MIME type."""
WHOLE: Final = "blob:"
PIECES: Final = "pieces:"
"""Prefixes of a file's id: the address after it has the bytes, or the list of the addresses of the pieces."""


class BlobMissing(ApplicationError):
    """A blob that a run refers to is gone.

    Retryable as far as Temporal is concerned: the run waits, with this message as the failure of its workflow task or of its
    activity's attempt, until the row is back. To fail the run instead would be a command that its history does not have.
    """

    def __init__(self, tenant: str, address: str) -> None:
        super().__init__(
            f"stored payload {address} of tenant {tenant} is gone: it was collected, or this is another database than the "
            "one that the run began with. Restore the row, or terminate the run.",
            type="BlobMissing",
        )


UNREADABLE: Final = (BlobMissing, SealError)
"""What reading a stored or sealed payload raises when trying again does not help; the message names the payload."""


class BlobTooLarge(ApplicationError):
    """More bytes than the limit. Not retryable: the same step produces the same bytes again."""

    def __init__(self, size: int, limit: int, setting: str = "TEMPOR8_PAYLOAD_LIMIT") -> None:
        super().__init__(
            f"a payload of {size:,} bytes is over the limit of {limit:,} bytes ({setting}). "
            "Split the items into batches, or keep the data outside the run and pass its address.",
            type="BlobTooLarge",
            non_retryable=True,
        )


class BlobStore:
    """Sealed blobs of all tenants.

    Args:
        database: has the rows, and the bytes unless `objects` has them.
        keyring: seals and addresses them.
        limit: maximum size of one blob, and of the data that a step may read into memory, in bytes.
        file_limit: maximum size of a file in pieces, in bytes.
        objects: a bucket for the bytes.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        limit: int = 64 * 1024 * 1024,
        file_limit: int = 1024 * 1024 * 1024,
        objects: Objects | None = None,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._limit, self._file_limit = limit, file_limit
        self._objects = objects

    @classmethod
    def of(cls, settings: Settings, database: Database, keyring: Keyring) -> "BlobStore":
        """Return the store that the settings describe."""
        limits = {"limit": BACKSTOP * settings.payload_limit, "file_limit": settings.file_limit}
        return cls(database, keyring, **limits, objects=Objects.of(settings))

    async def put(self, tenant: str, data: bytes, *, used_by: str) -> str:
        """Store `data` for the run chain `used_by` (a workflow id) and return its address (hex). Idempotent.

        Raises:
            BlobTooLarge: over the limit.
            DatabaseUnavailable: try again.
        """
        if len(data) > self._limit:
            raise BlobTooLarge(len(data), self._limit)
        address = await asyncio.to_thread(self._keyring.fingerprint, tenant, Purpose.BLOB, data)
        if await self._is_stored(tenant, address, used_by):
            return address.hex()
        await self._keyring.load(tenant)
        sealed = await asyncio.to_thread(
            self._keyring.seal, tenant, Purpose.BLOB, data, deterministic=True, place=address
        )
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                # the update locks a row that is there already, so that no collection takes it before its use is noted
                "insert into payloads (tenant_id, address, sealed, size) values (%s, %s, %s, %s)"
                " on conflict (tenant_id, address) do update set created_at = now()",
                (tenant, address, None if self._objects else sealed, len(data)),
            )
            await note_uses(connection, tenant, [address], used_by)
            if self._objects:  # while the row is locked: a collection deletes the object under the same lock
                await self._objects.put(tenant, address.hex(), sealed)
        return address.hex()

    async def _is_stored(self, tenant: str, address: bytes, used_by: str) -> bool:
        """Note one more use of a blob and return whether it is there already, so that its bytes need not be sent again: a
        workflow task that ran out of time while it stored comes further with each attempt.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select from payloads where tenant_id = %s and address = %s and (sealed is null) = %s",
                (tenant, address, self._objects is not None),
            )
            return bool(cursor.rowcount) and bool(await note_uses(connection, tenant, [address], used_by))

    async def put_when_available(
        self, tenant: str, data: bytes, *, used_by: str, seconds: float | None = RETRY_SECONDS
    ) -> str:
        """Store as `put` does, and try again for so many seconds while the store is unavailable; None: without end.

        Who gives up loses the effect that the data came from: the step runs again. So a step that heartbeats waits without end.
        """
        clock = asyncio.get_running_loop().time
        begun, pause = clock(), RETRY_INTERVAL_SECONDS
        while True:
            try:
                return await self.put(tenant, data, used_by=used_by)
            except (DatabaseUnavailable, psycopg.OperationalError):
                if seconds is not None and clock() - begun > seconds:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, MAX_RETRY_INTERVAL_SECONDS)

    async def get(self, tenant: str, address: str) -> bytes:
        """Return the bytes at `address`, from the table or the bucket.

        Raises:
            BlobMissing: this tenant has none there.
            SealError: this process does not have the key that sealed it.
            DatabaseUnavailable: try again.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select sealed from payloads where tenant_id = %s and address = %s", (tenant, bytes.fromhex(address))
            )
            row = await cursor.fetchone()
        sealed = row["sealed"] if row else None
        if row and sealed is None:
            if self._objects is None:
                raise PayloadStoreUnavailable(
                    f"stored payload {address} of tenant {tenant} is in a bucket, and none is set here (TEMPOR8_S3_BUCKET)"
                )
            sealed = await self._objects.get(tenant, address)
        if sealed is None:
            raise BlobMissing(tenant, address)
        try:
            await self._keyring.load(tenant, sealed)
            place = bytes.fromhex(address)
            return await asyncio.to_thread(self._keyring.open, tenant, Purpose.BLOB, sealed, place=place)
        except SealError as error:
            raise SealError(f"stored payload {address} of tenant {tenant}: {error}") from error

    # --- files: one blob, or a list of them --------------------------------------------------------------------------

    async def keep(
        self, tenant: str, data: bytes | AsyncIterable[bytes], *, used_by: str, seconds: float | None = RETRY_SECONDS
    ) -> StoredFile:
        """Store a file for the run chain `used_by`. A long one is stored in pieces and is never in memory as a whole.
        `seconds`: see `put_when_available`.

        Raises:
            BlobTooLarge: over the limit of files.
            DatabaseUnavailable: try again.
        """
        pieces, size, head = [], 0, b""
        async for piece in _pieces(data):
            size, head = size + len(piece), head or piece[:HEAD_BYTES]
            if size > self._file_limit:
                raise BlobTooLarge(size, self._file_limit, "TEMPOR8_FILE_LIMIT")
            pieces.append(await self.put_when_available(tenant, piece, used_by=used_by, seconds=seconds))
        if len(pieces) == 1:
            return StoredFile(f"{WHOLE}{pieces[0]}", size, head)
        index = json.dumps({"size": size, "pieces": pieces}).encode()
        address = await self.put_when_available(tenant, index, used_by=used_by, seconds=seconds)
        return StoredFile(f"{PIECES}{address}", size, head)

    async def stream(self, tenant: str, id_: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file, piece by piece. Raise as `get` does, and ValueError for an id that is malformed."""
        if id_.startswith(PIECES):
            for address in json.loads(await self.get(tenant, id_.removeprefix(PIECES)))["pieces"]:
                yield await self.get(tenant, address)
        else:
            yield await self.get(tenant, id_.removeprefix(WHOLE))

    async def read(self, tenant: str, id_: str) -> bytes:
        """Return the bytes of a file. Raise as `stream` does, and BlobTooLarge for one over the limit of memory."""
        if id_.startswith(PIECES):
            size = json.loads(await self.get(tenant, id_.removeprefix(PIECES)))["size"]
            if size > self._limit:
                raise BlobTooLarge(size, self._limit)
        return b"".join([piece async for piece in self.stream(tenant, id_)])

    async def hold(self, tenant: str, references: Iterable[str], *, used_by: str) -> None:
        """Note that the run chain `used_by` uses files that are stored already; those that are gone are ignored.

        Args:
            tenant: whose files.
            references: ids of files, see `references_in`.
            used_by: a workflow id.

        Raises:
            DatabaseUnavailable: try again.
        """
        addresses: set[bytes] = set()
        for each in references:
            kind, _, address = each.rpartition(":")
            addresses.add(bytes.fromhex(address))
            if f"{kind}:" == PIECES:
                with contextlib.suppress(BlobMissing):
                    addresses |= set(map(bytes.fromhex, json.loads(await self.get(tenant, address))["pieces"]))
        if addresses:
            async with self._database.tenant_transaction(tenant) as connection:
                await note_uses(connection, tenant, addresses, used_by)

    def collector(self, run_end: RunEnd) -> BlobCollector:
        """Return what deletes the blobs of this store. `run_end` is asked after runs that are in no table."""
        return BlobCollector(self._database, self._objects, run_end)

    async def forget_runs(self, tenant: str, workflow_ids: Sequence[str]) -> int:
        """Delete the blobs that only these run chains use; return their number. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            return await delete_unused(
                connection, self._objects, tenant, await release_runs(connection, tenant, workflow_ids)
            )

    async def delete_all(self, tenant: str) -> int:
        """Delete a batch of a tenant's blobs; return their number. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            return await delete_any(connection, self._objects, tenant)


async def _pieces(data: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield bytes in pieces of PIECE_BYTES; one empty piece when there are no bytes."""
    if isinstance(data, bytes):
        for start in range(0, max(len(data), 1), PIECE_BYTES):
            yield data[start : start + PIECE_BYTES]
        return
    buffer, any_piece = bytearray(), False
    async for each in data:
        buffer += each
        while len(buffer) >= PIECE_BYTES:
            any_piece = True
            yield bytes(buffer[:PIECE_BYTES])
            del buffer[:PIECE_BYTES]
    if buffer or not any_piece:
        yield bytes(buffer)


class PostgresStorageDriver(StorageDriver):
    """The SDK's claim check on `BlobStore`: a history has the tenant and the address, the store has the bytes."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._staged: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def name(self) -> str:
        """Return the driver's name. Histories carry it: never change it."""
        return "tempor8-postgres"

    async def stage(self, workflow_id: str, payload: Payload) -> None:
        """Store a payload for a run ahead of `store`, for as long as it takes: whoever waits for it heartbeats."""
        blob = payload.SerializeToString(deterministic=True)
        address = await self._blobs.put_when_available(tenant_of(workflow_id), blob, used_by=workflow_id, seconds=None)
        self._staged[workflow_id, _digest(blob)] = address
        while len(self._staged) > MAX_STAGED:
            self._staged.popitem(last=False)

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Store each payload for the run that it is sent to."""
        workflow_id = _workflow_id(context)
        tenant = tenant_of(workflow_id)
        data = [payload.SerializeToString(deterministic=True) for payload in payloads]
        addresses = [await self._put(tenant, blob, workflow_id) for blob in data]
        return [StorageDriverClaim({"tenant": tenant, "address": address}) for address in addresses]

    async def _put(self, tenant: str, blob: bytes, workflow_id: str) -> str:
        staged = self._staged.pop((workflow_id, _digest(blob)), None) if self._staged else None
        return staged or await self._blobs.put_when_available(tenant, blob, used_by=workflow_id)

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Return the payloads of claims from `store`."""
        del context
        blobs = [await self._blobs.get(claim.claim_data["tenant"], claim.claim_data["address"]) for claim in claims]
        return [Payload.FromString(blob) for blob in blobs]


def _digest(blob: bytes) -> bytes:
    return hashlib.blake2b(blob, digest_size=32).digest()


def _workflow_id(context: StorageDriverStoreContext) -> str:
    """Return the run that a payload is for. Of a heartbeat the SDK names the activity alone, whose id begins with an author's text."""
    target, workflow_id = context.target, None
    if isinstance(target, StorageDriverWorkflowInfo):
        workflow_id = target.id
    elif isinstance(target, StorageDriverActivityInfo) and activity.in_activity():
        workflow_id = activity.info().workflow_id
    if not workflow_id or ":" not in workflow_id:
        raise ApplicationError(
            "a payload that belongs to no run of this service is too large for a history",
            type="BlobWithoutRun",
            non_retryable=True,
        )
    return workflow_id
