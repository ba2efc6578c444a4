"""Seal every payload for its tenant before it leaves the process, and open it on the way back.

One worker serves all tenants. The SDK binds a codec to the workflow (or activity) whose payload it handles, and workflow
ids begin with the tenant, so each codec knows which tenant's key it needs, and of which run the payload is.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
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
from schemas.names import INLINE, tenant_of

__all__ = ["SealingCodec"]

ENCODING: Final = b"binary/tempor8-sealed"
RUN: Final = "run"
"""Metadata of a payload that opens in one run alone: a digest of the run's workflow id. Short, since Temporal takes summaries of
400 bytes only."""
DIGEST_BYTES: Final = 16
SCHEDULED: Final = re.compile(r"-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
"""What Temporal adds to the workflow id in a schedule, whose payloads were sealed before the run had an id."""
THREAD_BYTES: Final = 1 << 20
"""Size from which a payload is sealed in a thread; sealing a MiB takes about a millisecond."""


class SealingCodec(PayloadCodec, WithSerializationContext):
    """AES-256-GCM under the tenant's key, bound to the run.

    Args:
        keyring: the keys.
        share_from: payloads of this size (bytes) and more are sealed deterministically and for any run of the tenant, so that
            the claim-check storage behind this codec sees equal plaintexts of one tenant as one blob.
        workflow_id: of the run that the payloads belong to; '' outside any run.
    """

    def __init__(self, keyring: Keyring, *, share_from: int, workflow_id: str = "") -> None:
        self._keyring = keyring
        self._share_from = share_from
        self._workflow_id, self._tenant = workflow_id, tenant_of(workflow_id)

    def with_context(self, context: SerializationContext) -> Self:
        """Return this codec for the run that `context` names."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        workflow_id = context.workflow_id or ""
        if workflow_id == self._workflow_id:
            return self
        return type(self)(self._keyring, share_from=self._share_from, workflow_id=workflow_id)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads; one that is sealed already stays as it is.

        Raises:
            DatabaseUnavailable, CredentialsUnavailable: the tenant's data key cannot be had.
        """
        await self._keyring.load(self._tenant)
        return [await self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open payloads; one that was written without a codec stays as it is.

        Raises:
            SealError: sealed for another tenant or run, changed, or with a key that is gone.
            DatabaseUnavailable, CredentialsUnavailable: the tenant's data key cannot be had.
        """
        return [await self._open(payload) for payload in payloads]

    async def _seal(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") == ENCODING:
            return payload
        data = payload.SerializeToString(deterministic=True)
        share = len(data) >= self._share_from and INLINE not in payload.metadata
        metadata = {"encoding": ENCODING, "tenant": self._tenant.encode()}
        place = b""
        if not share and self._workflow_id and self._keyring.version(self._tenant):
            place = metadata[RUN] = _digest(self._workflow_id)
        if len(data) < THREAD_BYTES:
            sealed = self._keyring.seal(self._tenant, Purpose.PAYLOAD, data, deterministic=share, place=place)
        else:
            sealed = await asyncio.to_thread(
                self._keyring.seal, self._tenant, Purpose.PAYLOAD, data, deterministic=share, place=place
            )
        if INLINE in payload.metadata:
            metadata[INLINE] = payload.metadata[INLINE]
        return Payload(metadata=metadata, data=sealed)

    async def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        # Outside any run (an operator's tool, a memo in a list) the payload itself names tenant and run.
        tenant = self._tenant or payload.metadata["tenant"].decode()
        try:
            await self._keyring.load(tenant, payload.data)
            place = self._place(payload)
            if len(payload.data) < THREAD_BYTES:
                data = self._keyring.open(tenant, Purpose.PAYLOAD, payload.data, place=place)
            else:
                data = await asyncio.to_thread(self._keyring.open, tenant, Purpose.PAYLOAD, payload.data, place=place)
        except SealError as error:
            raise SealError(f"payload of tenant {payload.metadata['tenant'].decode()!r}: {error}") from error
        return Payload.FromString(data)

    def _place(self, payload: Payload) -> bytes:
        place = payload.metadata.get(RUN, b"")
        if place and self._workflow_id and place not in _digests(self._workflow_id):
            raise SealError("sealed for another run")
        return place


@lru_cache(maxsize=1024)
def _digest(workflow_id: str) -> bytes:
    return hashlib.blake2b(workflow_id.encode(), digest_size=DIGEST_BYTES).digest()


def _digests(workflow_id: str) -> tuple[bytes, ...]:
    return _digest(workflow_id), _digest(SCHEDULED.sub("", workflow_id))
