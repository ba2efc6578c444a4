"""How far an activity has come, item by item: what its heartbeats keep for the next attempt."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from runtime.contract import ActivityContext, BinaryRef, Item, ServiceBusy

__all__ = ["DONE_KEY", "Checkpoint"]

_PROGRESS_KEY: Final = "http_done"
_FILE_KEY: Final = "http_done_file"
DONE_KEY: Final = "http_done_items"
"""Of a heartbeat: the items that no later attempt does again, as texts."""
_MAX_BYTES: Final = 48 * 1024
"""Bytes of results that a heartbeat carries: a larger one would go into the store of payloads, several times a second."""


class Checkpoint:
    """Results per item of an activity's earlier attempts: their requests are not sent again.

    Stored in the heartbeats of the activity, as long as they are small; an item beyond that is sent again after a worker has died, with
    the same Idempotency-Key. When a service asks for a pause, the others go into a file, so that each attempt comes further.
    """

    def __init__(self, context: ActivityContext, count: int) -> None:
        self._context, self._count = context, count
        details = context.progress.details() if count > 1 else ()
        previous = details[0] if details and isinstance(details[0], dict) else {}
        self._results: dict[str, list[Item]] = dict(previous.get(_PROGRESS_KEY) or {})
        self._size = len(orjson.dumps(self._results, default=str)) if self._results else 0
        self._file: BinaryRef | None = previous.get(_FILE_KEY)
        self._others: dict[str, list[Item]] = {}
        """Results that no heartbeat carries."""
        self._loading: asyncio.Task[None] | None = None
        self._loaded = self._file is None
        self._running, self._stopped = 0, False

    async def run_once(self, i: int, work: Callable[[], Awaitable[list[Item]]]) -> list[Item]:
        """Return the items of input item `i`: from an earlier attempt, else by running `work`."""
        await self._load()
        for done in (self._results, self._others):
            if str(i) in done:
                return done[str(i)]
        self._running += 1
        try:
            result = await work()
            self._keep(i, result)
        except ServiceBusy:
            self._stopped = True
            raise
        finally:
            self._running -= 1
            if self._stopped and not self._running:  # what was under way is done
                await self._store()
        return result

    def _keep(self, i: int, result: list[Item]) -> None:
        if self._count == 1:
            return
        size = len(orjson.dumps(result, default=str)) if self._size < _MAX_BYTES else _MAX_BYTES
        if self._size + size >= _MAX_BYTES:
            self._size = _MAX_BYTES
            self._others[str(i)] = result
            self._report()
            return
        self._size += size
        self._results[str(i)] = result
        self._report()

    def _report(self) -> None:
        more = {DONE_KEY: [*self._results, *self._others], **({_FILE_KEY: self._file} if self._file else {})}
        self._context.progress.heartbeat({_PROGRESS_KEY: self._results} | more)

    async def _load(self) -> None:
        if not self._loaded:
            self._loading = self._loading or asyncio.create_task(self._read())
            await self._loading

    async def _read(self) -> None:
        if self._file is not None:
            self._others = orjson.loads(await self._context.blobs.read(self._file))
        self._loaded = True

    async def _store(self) -> None:
        if self._others:
            self._file = await self._context.blobs.write(
                orjson.dumps(self._others), mime_type="application/json", file_name="checkpoint.json"
            )
            self._report()
