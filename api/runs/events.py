"""The steps of a run as server-sent events, which continue where a listener left off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import islice
from typing import Any, Final

from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from api.rates import Streams
from api.runs.heard import HeardAnswers, Piece
from api.runs.history import step_of_record, step_of_row
from api.runs.status import error_of
from api.runs.watcher import RunWatch, RunWatchers
from runtime.values.json_bytes import dumps
from schemas.run import Journal
from service.execution_store import ExecutionRow
from service.run_reader import RunDescription

__all__ = ["Messages", "events_of", "events_of_row"]

KEEP_ALIVE_SECONDS: Final = 15.0
"""Seconds without an event after which a comment is sent."""
SLOW_SECONDS: Final = 60.0
"""Seconds that a listener may take to read what it was sent before it is dropped."""
MAX_ENCODED: Final = 1_000
"""Steps that a watch keeps as they are sent."""
STEPS_PER_TURN: Final = 32
"""Steps that a listener is sent before others have their turn: a millisecond of work."""
STOPPED: Final = "this server is being stopped: listen again with Last-Event-ID"
FAILED: Final = "the run cannot be watched now: listen again with Last-Event-ID"
TOO_SLOW: Final = "you read too slowly: listen again with Last-Event-ID"


NodeTypes = Callable[[], Awaitable[dict[str, str]]]
"""Asks for the types of the nodes of the run's plan, by name."""


Messages = AsyncIterator[ServerSentEventMessage]


def events_of(
    run: RunDescription,
    watchers: RunWatchers,
    types: NodeTypes,
    last: int,
    streams: Streams,
    render: Callable[[Messages], Messages] = lambda messages: messages,
) -> ServerSentEvent:
    """Return the events after number `last`: `step` (numbered from 1), `answer` while a model speaks, `status` when it changes,
    and `end`.

    A listener that reconnects sends the number of its last step as Last-Event-ID. One that reads too slowly, and everybody
    when the server is stopped or the watch fails, gets a comment that says so, and the stream ends. `render` makes other messages of them.

    Raises:
        TooManyRequests: the tenant has as many streams open as it may.
    """
    with streams.hold(run.tenant) as keep:
        events = render(_events(run, watchers, types, last))
        keep(events)
    return ServerSentEvent(events, status_code=200)


def events_of_row(row: ExecutionRow, last: int) -> ServerSentEvent:
    """Return the events after number `last` of a run that has ended and that Temporal has no record of, from its stored rows."""

    async def events() -> Messages:
        number = last
        for step in row.steps or ():
            if step.place >= last:
                number = step.place + 1
                yield _message("step", step_of_row(step).model_dump(mode="json"), number)
        error = error_of(row.error)
        yield _message("status", {"status": row.status, "active": None}, number)
        yield _message("end", {"status": row.status, "error": error and error.model_dump(mode="json")}, number)

    return ServerSentEvent(events(), status_code=200)


async def _events(run: RunDescription, watchers: RunWatchers, types: NodeTypes, last: int) -> Messages:
    clock = asyncio.get_running_loop().time
    sent_status: dict[str, Any] | None = None
    heard = HeardAnswers()
    async with watchers.watch(run) as watch:
        version = 0
        await _know_types(watch, watchers, types)
        while True:
            if not await watch.wait(version, KEEP_ALIVE_SECONDS):
                yield ServerSentEventMessage(comment="still running")
                continue
            version, journal = watch.version, watch.journal
            await watchers.turns.wait()
            began = clock()
            speaking, recorded = watch.speaking, _recorded(journal, last)
            if journal is not None:
                steps = _steps(watch, journal, last)
                while batch := list(islice(steps, STEPS_PER_TURN)):
                    for number, text in batch:
                        yield ServerSentEventMessage(data=text, event="step", id=number)
                        last = number
                    began += await watchers.turns.wait()  # others were busy: that is no slowness of this listener
                status = {"status": watch.status, "active": journal.active}
                if status != sent_status:
                    sent_status = status
                    yield _message("status", status, last)
            for piece in heard.next_pieces(speaking, recorded):
                yield _message("answer", _answer(piece), last)
            if clock() - began > SLOW_SECONDS:
                yield ServerSentEventMessage(comment=TOO_SLOW)
                return
            if (ending := _ending(watch, watchers, version, last)) is not None:
                yield ending
                return


def _ending(watch: RunWatch, watchers: RunWatchers, version: int, last: int) -> ServerSentEventMessage | None:
    """Return the message after which a stream that has sent this version ends; None: it goes on."""
    if watch.outcome is not None and version == watch.version:
        return _message("end", _end(watch), last)
    if watch.failed or watchers.shutdown.requested:
        return ServerSentEventMessage(comment=FAILED if watch.failed else STOPPED)
    return None


async def _know_types(watch: RunWatch, watchers: RunWatchers, types: NodeTypes) -> None:
    if watch.types is None:
        watch.types = await watchers.flights.do(watch.run.id, types)


def _steps(watch: RunWatch, journal: Journal, last: int) -> Iterator[tuple[int, str]]:
    """Yield the steps after number `last`, each with its number, as JSON."""
    for place, step in journal.since(last):
        number = place + 1
        text = watch.encoded.get(number)
        if text is None:
            text = _encode(step_of_record(place, step, (watch.types or {}).get(step.node)).model_dump(mode="json"))
            if step.finished is not None and len(watch.encoded) < MAX_ENCODED:
                watch.encoded[number] = text
        yield number, text


def _recorded(journal: Journal | None, last: int) -> set[tuple[str, int]]:
    """Return node and run of the steps after number `last` that have ended."""
    return {(step.node, step.run) for _, step in journal.since(last) if step.finished is not None} if journal else set()


def _answer(piece: Piece) -> dict[str, Any]:
    node, run, item = piece.place
    return {"node": node, "run": run, "item": item, "at": piece.at, "again": piece.again, "text": piece.text}


def _end(watch: RunWatch) -> dict[str, Any]:
    assert watch.outcome is not None
    error = error_of(watch.outcome.error)
    return {"status": watch.outcome.status, "error": error and error.model_dump(mode="json")}


def _message(kind: str, data: Any, number: int) -> ServerSentEventMessage:
    return ServerSentEventMessage(data=_encode(data), event=kind, id=number)


def _encode(data: Any) -> str:
    return dumps(data).decode()
