"""Bytes that are too large for a history, or binary data of items: sealed rows in Postgres, addressed by content."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

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
from runtime.platform.postgres import Database
from schemas.names import tenant_of

__all__ = ["BlobMissing", "BlobStore", "BlobTooLarge", "PostgresStorageDriver"]

RETENTION: Final = timedelta(days=30)


class BlobMissing(ApplicationError):
    """A blob that a run refers to is gone. Not retryable: trying again would hang the run for ever."""

    def __init__(self, tenant: str, address: str) -> None:
        super().__init__(
            f"stored payload {address} of tenant {tenant} is gone (collected, or another database)",
            type="BlobMissing",
            non_retryable=True,
        )


class BlobTooLarge(ApplicationError):
    """More bytes than TEMPOR8_PAYLOAD_LIMIT. Not retryable: the same step makes the same bytes again."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"a payload of {size:,} bytes is over the limit of {limit:,} bytes (TEMPOR8_PAYLOAD_LIMIT). "
            "Split the items into batches, or keep the data outside the run and pass its address.",
            type="BlobTooLarge",
            non_retryable=True,
        )


class BlobStore:
    """Sealed blobs of all tenants.

    Args:
        database: where the rows are.
        keyring: seals and addresses them.
        limit: bytes that one blob may have.
    """

    def __init__(self, database: Database, keyring: Keyring, *, limit: int = 64 * 1024 * 1024) -> None:
        self._database = database
        self._keyring = keyring
        self._limit = limit

    async def put(self, tenant: str, data: bytes, *, used_by: str) -> str:
        """Keep `data` for the run chain `used_by` (a workflow id) and return its address (hex). Idempotent.

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
                (tenant, address, sealed, len(data)),
            )
            await connection.execute(
                "insert into payload_uses (tenant_id, address, workflow_id) values (%s, %s, %s)"
                " on conflict (tenant_id, address, workflow_id) do update set used_at = now()",
                (tenant, address, used_by),
            )
        return address.hex()

    async def get(self, tenant: str, address: str) -> bytes:
        """The bytes at `address`.

        Raises:
            BlobMissing: this tenant has none there.
            DatabaseUnavailable: try again.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select sealed from payloads where tenant_id = %s and address = %s", (tenant, bytes.fromhex(address))
            )
            row = await cursor.fetchone()
        if row is None:
            raise BlobMissing(tenant, address)
        return await asyncio.to_thread(self._keyring.open, tenant, Purpose.BLOB, row["sealed"])

    async def collect(self, tenant: str, *, retention: timedelta = RETENTION) -> int:
        """Delete the blobs that only run chains closed for longer than `retention` hold; returns how many.

        A chain that the projection does not know yet counts as open.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "delete from payloads p where p.created_at < now() - %(retention)s and not exists ("
                " select from payload_uses u left join workflow_executions e"
                "  on e.tenant_id = u.tenant_id and e.id = u.workflow_id"
                " where u.tenant_id = p.tenant_id and u.address = p.address"
                "  and (e.closed_at is null or e.closed_at > now() - %(retention)s"
                "       or u.used_at > now() - %(retention)s))",
                {"retention": retention},
            )
            return cursor.rowcount

    def _seal(self, tenant: str, data: bytes) -> tuple[bytes, bytes]:
        return (
            self._keyring.fingerprint(tenant, Purpose.BLOB, data),
            self._keyring.seal(tenant, Purpose.BLOB, data, deterministic=True),
        )


class PostgresStorageDriver(StorageDriver):
    """The SDK's claim check on `BlobStore`: a history holds the tenant and the address, the table holds the bytes."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def name(self) -> str:
        """The name that histories carry: never change it."""
        return "tempor8-postgres"

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Keep each payload for the run that it is on its way to."""
        workflow_id = _workflow_id(context)
        tenant = tenant_of(workflow_id)
        data = [payload.SerializeToString(deterministic=True) for payload in payloads]
        addresses = [await self._blobs.put(tenant, blob, used_by=workflow_id) for blob in data]
        return [StorageDriverClaim({"tenant": tenant, "address": address}) for address in addresses]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Fetch what `store` kept."""
        del context
        blobs = [await self._blobs.get(claim.claim_data["tenant"], claim.claim_data["address"]) for claim in claims]
        return [Payload.FromString(blob) for blob in blobs]


def _workflow_id(context: StorageDriverStoreContext) -> str:
    target = context.target
    workflow_id = target.id if isinstance(target, StorageDriverWorkflowInfo | StorageDriverActivityInfo) else None
    if not workflow_id or ":" not in workflow_id:
        raise ApplicationError(
            "a payload outside any run of ours is too large for a history", type="BlobWithoutRun", non_retryable=True
        )
    return workflow_id
