"""Seal every payload for its tenant before it leaves the process, and open it on the way back.

One worker serves all tenants. The SDK binds a codec to the workflow (or activity) whose payload it handles, and workflow
ids begin with the tenant, so each codec knows which tenant's key it needs.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Self

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from runtime.platform.keys import Keyring, Purpose, SealError
from schemas.names import tenant_of

__all__ = ["SealingCodec"]

ENCODING: Final = b"binary/tempor8-sealed"
THREAD_BYTES: Final = 1 << 20
"""Size from which a payload is sealed in a thread; sealing a MiB takes about a millisecond."""


class SealingCodec(PayloadCodec, WithSerializationContext):
    """AES-256-GCM under the tenant's key.

    Args:
        keyring: the master keys.
        share_from: payloads of this size (bytes) and more are sealed deterministically, so that the claim-check
            storage behind this codec sees equal plaintexts of one tenant as one blob.
        tenant: the owner of the payloads; '' outside any run.
    """

    def __init__(self, keyring: Keyring, *, share_from: int, tenant: str = "") -> None:
        self._keyring = keyring
        self._share_from = share_from
        self._tenant = tenant

    def with_context(self, context: SerializationContext) -> Self:
        """Return this codec for the tenant of the run that `context` names."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        tenant = tenant_of(context.workflow_id or "")
        return self if tenant == self._tenant else type(self)(self._keyring, share_from=self._share_from, tenant=tenant)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads; one that is sealed already stays as it is."""
        return [await self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open payloads; one that was written without a codec stays as it is.

        Raises:
            SealError: sealed for another tenant, changed, or with a master key that is gone.
        """
        return [await self._open(payload) for payload in payloads]

    async def _seal(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") == ENCODING:
            return payload
        data = payload.SerializeToString(deterministic=True)
        share = len(data) >= self._share_from
        if len(data) < THREAD_BYTES:
            sealed = self._keyring.seal(self._tenant, Purpose.PAYLOAD, data, deterministic=share)
        else:
            sealed = await asyncio.to_thread(
                self._keyring.seal, self._tenant, Purpose.PAYLOAD, data, deterministic=share
            )
        return Payload(metadata={"encoding": ENCODING, "tenant": self._tenant.encode()}, data=sealed)

    async def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        # Outside any run (an operator's tool, a memo in a list) the payload itself names the tenant.
        tenant = self._tenant or payload.metadata["tenant"].decode()
        try:
            if len(payload.data) < THREAD_BYTES:
                data = self._keyring.open(tenant, Purpose.PAYLOAD, payload.data)
            else:
                data = await asyncio.to_thread(self._keyring.open, tenant, Purpose.PAYLOAD, payload.data)
        except SealError as error:
            raise SealError(f"payload of tenant {payload.metadata['tenant'].decode()!r}: {error}") from error
        return Payload.FromString(data)
