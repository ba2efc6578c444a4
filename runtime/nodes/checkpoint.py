"""How far an activity has come, item by item: what its heartbeats keep for the next attempt."""

from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from runtime.contract import ActivityContext, Item

__all__ = ["Checkpoint"]

_PROGRESS_KEY: Final = "http_done"
_MAX_BYTES: Final = 128 * 1024
"""Bytes of results that a heartbeat carries."""


class Checkpoint:
    """Results per item of an activity's earlier attempts: their requests are not sent again after a worker died.

    Stored in the heartbeats of the activity, as long as they are small; an item beyond that is sent again, with the
    same Idempotency-Key.
    """

    def __init__(self, context: ActivityContext, count: int) -> None:
        self._context, self._count, self._size = context, count, 0
        details = context.progress.details() if count > 1 else ()
        previous = details[0] if details and isinstance(details[0], dict) else {}
        self._results: dict[str, list[Item]] = dict(previous.get(_PROGRESS_KEY) or {})

    async def run_once(self, i: int, work: Callable[[], Awaitable[list[Item]]]) -> list[Item]:
        """Return the items of input item `i`: from an earlier attempt, else by running `work`."""
        if (before := self._results.get(str(i))) is not None:
            return before
        result = await work()
        if self._count > 1 and self._size < _MAX_BYTES:
            self._size += len(orjson.dumps(result, default=str))
            if self._size < _MAX_BYTES:
                self._results[str(i)] = result
                self._context.progress.heartbeat({_PROGRESS_KEY: self._results})
        return result
