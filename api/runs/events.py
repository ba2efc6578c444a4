"""The steps of a run as server-sent events, which continue where a listener left off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from api.runs.history import step_of_record
from api.runs.status import error_of
from schemas.kinds import RunStatus
from schemas.run import Journal
from service.run_reader import RunDescription, TemporalRuns

__all__ = ["events_of"]

POLL_SECONDS: Final = 0.3
"""Seconds between two queries of an open run."""
KEEP_ALIVE_SECONDS: Final = 15.0
"""Seconds without an event after which a comment is sent."""


def events_of(run: RunDescription, runs: TemporalRuns, types: dict[str, str], last: int) -> ServerSentEvent:
    """Return the events after number `last`: `step` (numbered from 1), `status` when it changes, and `end`.

    A listener that reconnects sends the number of its last step as Last-Event-ID.
    """
    return ServerSentEvent(_events(run, runs, types, last), status_code=200)


async def _events(
    run: RunDescription, runs: TemporalRuns, types: dict[str, str], last: int
) -> AsyncIterator[ServerSentEventMessage]:
    clock = asyncio.get_running_loop().time
    sent_status, last_sent_at = None, clock()
    while True:
        journal = await _journal(run, runs)
        if journal is not None:
            for place, step in journal.since(last):
                number = place + 1
                yield _message(
                    "step", step_of_record(place, step, types.get(step.node)).model_dump(mode="json"), number
                )
                last, last_sent_at = number, clock()
            status = {"status": run.status if not run.open else RunStatus.RUNNING, "active": journal.active}
            if status != sent_status:
                sent_status, last_sent_at = status, clock()
                yield _message("status", status, last)
        if not run.open:
            outcome = await runs.outcome(run)
            error = error_of(outcome.error)
            yield _message("end", {"status": outcome.status, "error": error and error.model_dump(mode="json")}, last)
            return
        if clock() - last_sent_at > KEEP_ALIVE_SECONDS:
            last_sent_at = clock()
            yield ServerSentEventMessage(comment="still running")
        await asyncio.sleep(POLL_SECONDS)
        run = await runs.describe(run.id) or run


async def _journal(run: RunDescription, runs: TemporalRuns) -> Journal | None:
    if run.open:
        return await runs.journal(run.id)
    outcome = await runs.outcome(run)
    return outcome.result.journal if outcome.result else None


def _message(kind: str, data: Any, number: int) -> ServerSentEventMessage:
    return ServerSentEventMessage(data=orjson.dumps(data, default=str).decode(), event=kind, id=number)
