"""Requests in flight: their results in the order of the items, their failures as n8n shows them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from runtime.contract import ActivityContext, Context, Item, NodeError, error_item
from runtime.nodes.http_request.call import RequestFailed, Uncaught
from schemas.item import NoJson

_DETAILS_SINCE: Final = 4.5


def check_json(output: list[Item], *, error_output: bool) -> None:
    """Raise Uncaught where n8n reads a member of the JSON that an item does not have: of the only one, or to sort out errors."""
    lacking = [i for i, item in enumerate(output) if isinstance(item["json"], NoJson)]
    if lacking and len(output) == 1:
        raise Uncaught("Cannot read properties of undefined (reading 'data')", item=0)
    if lacking and error_output:
        raise Uncaught("Cannot read properties of undefined (reading 'error')", item=lacking[0])


async def begin(
    started: list["asyncio.Task[list[Item]]"], work: Callable[[asyncio.Event], Coroutine[Any, Any, list[Item]]]
) -> None:
    """Start `work` for an item and return once it has built its request, which it tells by the event.

    Raise the error of a request that could not be built when those under way have ended: no later one is sent then.
    """
    built = asyncio.Event()
    task = asyncio.create_task(work(built))
    started.append(task)
    ready = asyncio.create_task(built.wait())
    try:
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ready.cancel()
    if task.done() and not built.is_set() and (error := task.exception()) is not None:
        await asyncio.wait(started)
        raise error


async def gather_in_order(started: Sequence["asyncio.Task[list[Item]]"]) -> list[Item]:
    """Return the items of all tasks once every one has ended, in order. Raise the first error."""
    if started:
        await asyncio.wait(started)
    return [item for task in started for item in task.result()]


async def cancel_all(started: Sequence["asyncio.Task[list[Item]]"]) -> None:
    """Cancel all tasks and wait for their end."""
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


def failed_item(context: ActivityContext, failure: RequestFailed, i: int) -> list[Item]:
    """Raise the error of a failed request, or return under continueOnFail the whole error object as n8n shows it."""
    failure.error.item = i if failure.error.item is None else failure.error.item
    if not context.continue_on_fail:
        raise failure.error from None
    json: dict[str, Any] = {"error": failure.error_object}
    if context.version >= _DETAILS_SINCE:
        json["details"] = failure.details(i)
    item: Item = {"json": json, "pairedItem": {"item": i}}
    if not failure.error_object and context.error_output:
        item["failed"] = True
    return [item]


def refused_item(context: Context, error: NodeError, i: int) -> list[Item]:
    """Raise the error of a request that could not be built, or return its message under continueOnFail."""
    error.item = i if error.item is None else error.item
    if not context.continue_on_fail:
        raise error
    return [error_item(error, i)]
