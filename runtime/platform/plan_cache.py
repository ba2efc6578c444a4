"""Plans by hash in a worker's memory, and the codec that loads them before workflow code asks for one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from runtime.platform.codec import SealingCodec
from runtime.platform.storage.payloads import PLAN_METADATA
from schemas.errors import InfrastructureError
from schemas.names import tenant_of

__all__ = ["PlanCache", "PlanCodec", "PlanEntry", "PlanMissing"]

IN_USE_SECONDS: Final = 60.0
"""A plan is not evicted for so long after its last use: an activation that begins when its payloads are decoded is over by then."""

Loader = Callable[[str, str], Awaitable[bytes | None]]
"""Called with tenant and hash; returns the plan as JSON, or None."""


class PlanMissing(InfrastructureError):
    """A run refers to a plan that is not stored. It fails the workflow task, which Temporal tries again, and never the run."""

    def __init__(self, tenant: str, plan_hash: str) -> None:
        super().__init__(
            f"plan {plan_hash} of tenant {tenant} is not in Postgres (table plans): the run waits for it. Publish the export "
            "that it was compiled from again with the same version of tempor8, restore the row from a backup, or terminate "
            "the run."
        )


@dataclass(slots=True)
class PlanEntry:
    """A plan as JSON; `parsed` is for who reads it, so that the runs of a process share one object."""

    text: bytes
    used_at: float
    parsed: Any = None


class PlanCache:
    """The plans that a worker has used last, by tenant and hash. Plans never change, so an entry has no age.

    Args:
        load: reads a plan.
        prepare: called in a thread with each plan that was read, before anybody gets it; it may take a while.
        max_bytes: size of all entries as JSON. Entries of the last minute stay beyond it.
    """

    def __init__(
        self, load: Loader, *, prepare: Callable[[bytes], None] | None = None, max_bytes: int = 64 * 1024 * 1024
    ) -> None:
        self._load, self._prepare, self._max_bytes = load, prepare, max_bytes
        self._entries: OrderedDict[tuple[str, str], PlanEntry] = OrderedDict()
        self._loading: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._size = 0

    async def fetch(self, tenant: str, plan_hash: str) -> None:
        """Have the plan in memory when this returns. Calls for the same plan load it once.

        Raises:
            PlanMissing: it is not stored.
            DatabaseUnavailable: Postgres does not answer.
        """
        key = (tenant, plan_hash)
        if (entry := self._entries.get(key)) is not None:
            self._use(key, entry)
            return
        if (loading := self._loading.get(key)) is None:
            loading = self._loading[key] = asyncio.ensure_future(self._read(key))
            loading.add_done_callback(lambda _: self._loading.pop(key, None))
        await asyncio.shield(loading)

    async def _read(self, key: tuple[str, str]) -> None:
        text = await self._load(*key)
        if text is None:
            raise PlanMissing(*key)
        if self._prepare is not None:
            await asyncio.to_thread(self._prepare, text)
        self._size += len(text)
        entry = self._entries[key] = PlanEntry(text, 0.0)
        self._use(key, entry)
        self._evict()

    def get(self, tenant: str, plan_hash: str) -> PlanEntry | None:
        """Return a plan that was fetched, or None. Without I/O, so that workflow code may call it."""
        return self._entries.get((tenant, plan_hash))

    def _use(self, key: tuple[str, str], entry: PlanEntry) -> None:
        entry.used_at = time.monotonic()
        self._entries.move_to_end(key)

    def _evict(self) -> None:
        oldest_in_use = time.monotonic() - IN_USE_SECONDS
        while self._size > self._max_bytes:
            key, entry = next(iter(self._entries.items()))
            if entry.used_at >= oldest_in_use:
                return
            del self._entries[key]
            self._size -= len(entry.text)


class PlanCodec(PayloadCodec, WithSerializationContext):
    """Loads the plan that a decoded payload refers to. Encoding is the inner codec's.

    Args:
        plans: where the plans are put.
        inner: seals; None: payloads are in clear.
        tenant: the owner of the payloads; '' outside any run.
    """

    def __init__(self, plans: PlanCache, inner: SealingCodec | None, *, tenant: str = "") -> None:
        self._plans, self._inner, self._tenant = plans, inner, tenant

    def with_context(self, context: SerializationContext) -> Self:
        """Return this codec for the tenant of the run that `context` names."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        inner = self._inner.with_context(context) if self._inner is not None else None
        return type(self)(self._plans, inner, tenant=tenant_of(context.workflow_id or ""))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See the inner codec."""
        return list(payloads) if self._inner is None else await self._inner.encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decode with the inner codec, then fetch the plans. Raise as the inner codec and `PlanCache.fetch` do."""
        decoded = list(payloads) if self._inner is None else await self._inner.decode(payloads)
        for payload in decoded:
            if self._tenant and (plan_hash := payload.metadata.get(PLAN_METADATA)):
                await self._plans.fetch(self._tenant, plan_hash.decode())
        return decoded
