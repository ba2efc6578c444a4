"""Requests in flight: their results in the order of the items, their failures as n8n shows them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import orjson

from runtime.contract import ActivityContext, Context, Item, NodeError, error_item
from runtime.nodes.http_request.call import Failed


class Checkpoint:
    """What the items had that an attempt was done with before its worker died: their requests are not sent again.

    Kept in the heartbeats of the activity, as long as it is small; an item beyond that is sent again, with the same
    Idempotency-Key.
    """

    def __init__(self, context: ActivityContext, count: int) -> None:
        self._context, self._count, self._size = context, count, 0
        told = context.progress.details() if count > 1 else ()
        found = told[0] if told and isinstance(told[0], dict) else {}
        self._done: dict[str, list[Item]] = dict(found.get(_DONE) or {})

    async def kept(self, i: int, work: Callable[[], Awaitable[list[Item]]]) -> list[Item]:
        """The items of input item `i`: from the attempt before, or worked out now."""
        if (before := self._done.get(str(i))) is not None:
            return before
        made = await work()
        if self._count > 1 and self._size < _MOST:
            self._size += len(orjson.dumps(made, default=str))
            if self._size < _MOST:
                self._done[str(i)] = made
                self._context.progress.heartbeat({_DONE: self._done})
        return made


_DONE: Final = "http_done"
_MOST: Final = 128 * 1024
"""Bytes of results that a heartbeat carries."""


async def in_order(started: Sequence["asyncio.Task[list[Item]]"]) -> list[Item]:
    """The items of all tasks once every one has ended, in order. Raises the first error."""
    if started:
        await asyncio.wait(started)
    return [item for task in started for item in task.result()]


async def abandon(started: Sequence["asyncio.Task[list[Item]]"]) -> None:
    """Leave no task behind."""
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


def failed_item(context: Context, failed: Failed, i: int) -> list[Item]:
    """A request that failed: raised, or under continueOnFail the whole error object as n8n shows it."""
    failed.error.item = i if failed.error.item is None else failed.error.item
    if not context.continue_on_fail:
        raise failed.error from None
    return [{"json": {"error": failed.shown}, "pairedItem": {"item": i}}]


def refused_item(context: Context, error: NodeError, i: int) -> list[Item]:
    """A request that could not be made: raised, or its message under continueOnFail."""
    error.item = i if error.item is None else error.item
    if not context.continue_on_fail:
        raise error
    return [error_item(error, i)]
