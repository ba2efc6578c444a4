"""What a run does, as it does it: server-sent events, one per step, that go on where a listener left off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from api.runs.history import recorded
from api.runs.status import error_of
from schemas.kinds import RunStatus
from schemas.run import Journal
from service.run_reader import RunDescription, TemporalRuns

__all__ = ["events_of"]

PACE: Final = 0.3
"""Seconds between two looks at a run that goes on."""
SILENCE: Final = 15.0
"""Seconds after which a comment keeps the connection alive."""


def events_of(run: RunDescription, runs: TemporalRuns, types: dict[str, str], last: int) -> ServerSentEvent:
    """The events after number `last`: `step` (numbered from 1), `status` when it changes, and `end`.

    A listener that comes back sends the number of its last step as Last-Event-ID.
    """
    return ServerSentEvent(_events(run, runs, types, last), status_code=200)


async def _events(
    run: RunDescription, runs: TemporalRuns, types: dict[str, str], last: int
) -> AsyncIterator[ServerSentEventMessage]:
    clock = asyncio.get_running_loop().time
    told, spoken = None, clock()
    while True:
        journal = await _journal(run, runs)
        if journal is not None:
            for place, step in journal.since(last):
                number = place + 1
                yield _message("step", recorded(place, step, types.get(step.node)).model_dump(mode="json"), number)
                last, spoken = number, clock()
            status = {"status": run.status if not run.open else RunStatus.RUNNING, "active": journal.active}
            if status != told:
                told, spoken = status, clock()
                yield _message("status", status, last)
        if not run.open:
            outcome = await runs.outcome(run)
            error = error_of(outcome.error)
            yield _message("end", {"status": outcome.status, "error": error and error.model_dump(mode="json")}, last)
            return
        if clock() - spoken > SILENCE:
            spoken = clock()
            yield ServerSentEventMessage(comment="still running")
        await asyncio.sleep(PACE)
        run = await runs.describe(run.id) or run


async def _journal(run: RunDescription, runs: TemporalRuns) -> Journal | None:
    if run.open:
        return await runs.journal(run.id)
    outcome = await runs.outcome(run)
    return outcome.result.journal if outcome.result else None


def _message(kind: str, data: Any, number: int) -> ServerSentEventMessage:
    return ServerSentEventMessage(data=orjson.dumps(data, default=str).decode(), event=kind, id=number)
