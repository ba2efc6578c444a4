"""Store payloads that are too large for a history, and binary data of items: sealed, addressed by content, in Postgres or
a bucket.
"""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

import psycopg
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

from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.settings import Settings
from runtime.platform.storage.objects import Objects
from runtime.values.streams import StoredFile
from schemas.names import tenant_of

__all__ = ["PIECES", "BlobMissing", "BlobStore", "BlobTooLarge", "PostgresStorageDriver"]

RETENTION: Final = timedelta(days=30)
PIECE_BYTES: Final = 4 * 1024 * 1024
"""Size of a piece of a long file."""
RETRY_SECONDS: Final = 2.5
"""How long an unavailable store is tried again. A result that waits longer has lost its activity, which has missed its
heartbeat by then."""
RETRY_INTERVAL_SECONDS: Final = 0.1
HEAD_BYTES: Final = 4100
"""Size of the beginning of a file that determines its MIME type."""
WHOLE: Final = "blob:"
PIECES: Final = "pieces:"
"""Prefixes of a file's id: the address after it has the bytes, or the list of the addresses of the pieces."""


class BlobMissing(ApplicationError):
    """A blob that a run refers to is gone. Not retryable: a retry would block the run for ever."""

    def __init__(self, tenant: str, address: str) -> None:
        super().__init__(
            f"stored payload {address} of tenant {tenant} is gone (collected, or another database)",
            type="BlobMissing",
            non_retryable=True,
        )


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
        limits = {"limit": settings.payload_limit, "file_limit": settings.file_limit}
        return cls(database, keyring, **limits, objects=Objects.of(settings))

    async def put(self, tenant: str, data: bytes, *, used_by: str) -> str:
        """Store `data` for the run chain `used_by` (a workflow id) and return its address (hex). Idempotent.

        Raises:
            BlobTooLarge: over the limit.
            DatabaseUnavailable: try again.
        """
        if len(data) > self._limit:
            raise BlobTooLarge(len(data), self._limit)
        address, sealed = await asyncio.to_thread(self._seal, tenant, data)
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                # the update locks a row that is there already, so that no collection takes it before its use is noted
                "insert into payloads (tenant_id, address, sealed, size) values (%s, %s, %s, %s)"
                " on conflict (tenant_id, address) do update set created_at = now()",
                (tenant, address, None if self._objects else sealed, len(data)),
            )
            await connection.execute(
                "insert into payload_uses (tenant_id, address, workflow_id) values (%s, %s, %s)"
                " on conflict (tenant_id, address, workflow_id) do update set used_at = now()",
                (tenant, address, used_by),
            )
            if self._objects:  # while the row is locked: a collection deletes the object under the same lock
                await self._objects.put(tenant, address.hex(), sealed)
        return address.hex()

    async def get(self, tenant: str, address: str) -> bytes:
        """Return the bytes at `address`, from the table or the bucket.

        Raises:
            BlobMissing: this tenant has none there.
            DatabaseUnavailable: try again.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select sealed from payloads where tenant_id = %s and address = %s", (tenant, bytes.fromhex(address))
            )
            row = await cursor.fetchone()
        sealed = row["sealed"] if row else None
        if row and sealed is None and self._objects:
            sealed = await self._objects.get(tenant, address)
        if sealed is None:
            raise BlobMissing(tenant, address)
        return await asyncio.to_thread(self._keyring.open, tenant, Purpose.BLOB, sealed)

    # --- files: one blob, or a list of them --------------------------------------------------------------------------

    async def keep(self, tenant: str, data: bytes | AsyncIterable[bytes], *, used_by: str) -> StoredFile:
        """Store a file for the run chain `used_by`. A long one is stored in pieces and is never in memory as a whole.

        Raises:
            BlobTooLarge: over the limit of files.
            DatabaseUnavailable: try again.
        """
        pieces, size, head = [], 0, b""
        async for piece in _pieces(data):
            size, head = size + len(piece), head or piece[:HEAD_BYTES]
            if size > self._file_limit:
                raise BlobTooLarge(size, self._file_limit, "TEMPOR8_FILE_LIMIT")
            pieces.append(await self.put(tenant, piece, used_by=used_by))
        if len(pieces) == 1:
            return StoredFile(f"{WHOLE}{pieces[0]}", size, head)
        index = json.dumps({"size": size, "pieces": pieces}).encode()
        return StoredFile(f"{PIECES}{await self.put(tenant, index, used_by=used_by)}", size, head)

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

    async def collect(self, tenant: str, *, retention: timedelta = RETENTION) -> int:
        """Delete the blobs that only run chains closed for longer than `retention` use; return their number.

        A chain that the projection does not know yet counts as open.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "delete from payloads p where p.created_at < now() - %(retention)s and not exists ("
                " select from payload_uses u left join workflow_executions e"
                "  on e.tenant_id = u.tenant_id and e.id = u.workflow_id"
                " where u.tenant_id = p.tenant_id and u.address = p.address"
                "  and (e.closed_at is null or e.closed_at > now() - %(retention)s"
                "       or u.used_at > now() - %(retention)s)) returning encode(address, 'hex') as address, sealed is null as away",
                {"retention": retention},
            )
            rows = await cursor.fetchall()
            if self._objects:  # before the rows are gone for others, see `put`
                await self._objects.delete(tenant, [row["address"] for row in rows if row["away"]])
            return len(rows)

    def _seal(self, tenant: str, data: bytes) -> tuple[bytes, bytes]:
        return (
            self._keyring.fingerprint(tenant, Purpose.BLOB, data),
            self._keyring.seal(tenant, Purpose.BLOB, data, deterministic=True),
        )


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

    def name(self) -> str:
        """Return the driver's name. Histories carry it: never change it."""
        return "tempor8-postgres"

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Store each payload for the run that it is sent to."""
        workflow_id = _workflow_id(context)
        tenant = tenant_of(workflow_id)
        data = [payload.SerializeToString(deterministic=True) for payload in payloads]
        addresses = [await self._put(tenant, blob, workflow_id) for blob in data]
        return [StorageDriverClaim({"tenant": tenant, "address": address}) for address in addresses]

    async def _put(self, tenant: str, blob: bytes, workflow_id: str) -> str:
        """Store a blob, and retry while the store is unavailable for a moment: an activity whose result is lost runs again,
        with all its effects.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + RETRY_SECONDS
        while True:
            try:
                return await self._blobs.put(tenant, blob, used_by=workflow_id)
            except (DatabaseUnavailable, psycopg.OperationalError):
                if clock() > until:
                    raise
                await asyncio.sleep(RETRY_INTERVAL_SECONDS)

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Return the payloads of claims from `store`."""
        del context
        blobs = [await self._blobs.get(claim.claim_data["tenant"], claim.claim_data["address"]) for claim in claims]
        return [Payload.FromString(blob) for blob in blobs]


def _workflow_id(context: StorageDriverStoreContext) -> str:
    target = context.target
    workflow_id = target.id if isinstance(target, StorageDriverWorkflowInfo | StorageDriverActivityInfo) else None
    if not workflow_id or ":" not in workflow_id:
        raise ApplicationError(
            "a payload that belongs to no run of this service is too large for a history",
            type="BlobWithoutRun",
            non_retryable=True,
        )
    return workflow_id
