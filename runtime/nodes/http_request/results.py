"""Requests in flight: their results in the order of the items, their failures as n8n shows them."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from runtime.contract import Context, Item, NodeError, error_item
from runtime.nodes.http_request.call import Failed

_DETAILS_SINCE: Final = 4.5


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
    shown: dict[str, Any] = {"error": failed.shown}
    if context.version >= _DETAILS_SINCE:
        shown["details"] = failed.details(i)
    return [{"json": shown, "pairedItem": {"item": i}}]


def refused_item(context: Context, error: NodeError, i: int) -> list[Item]:
    """A request that could not be made: raised, or its message under continueOnFail."""
    error.item = i if error.item is None else error.item
    if not context.continue_on_fail:
        raise error
    return [error_item(error, i)]
