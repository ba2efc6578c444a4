"""One watch per run, however many listen; a listener that comes, goes or is slow changes nothing for the others."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from litestar.response.sse import ServerSentEventMessage
from temporalio.service import RPCError, RPCStatusCode

from api.runs import watcher
from api.runs.events import _events
from api.runs.watcher import RunWatchers
from runtime.platform.postgres import DatabaseUnavailable
from schemas.kinds import RunStatus
from schemas.run import Journal, RunResult, StepRecord
from service.run_reader import Outcome, RunDescription, TemporalRuns
from service.shutdown import Shutdown
from service.speaking import Speaking, SpeakingReader
from tests.patience import PATIENCE

RUN = RunDescription(
    "acme:t:1", "r", "acme", "t", "", "api", RunStatus.RUNNING, datetime(2026, 1, 1, tzinfo=UTC), None, None, None, history_length=3,
)  # fmt: skip


class Runs:
    """A run that the test moves on."""

    def __init__(self) -> None:
        self.run, self.journal_now, self.descriptions, self.queries, self.away = (
            RUN,
            Journal(status="running"),
            0,
            0,
            False,
        )
        self.sent = 0
        self.fault: Exception | None = None

    def step(self, node: str) -> None:
        """A step is done."""
        record = StepRecord(node=node, run=0, status="success", started=0, finished=1)
        self.journal_now = self.journal_now.model_copy(update={"steps": [*self.journal_now.steps, record]})
        self.run = replace(self.run, history_length=self.run.history_length + 3)

    async def is_asked(self) -> None:
        """Until the watch has seen what there is: it looks twice more, and has queried."""
        seen = self.descriptions + 2
        async with asyncio.timeout(PATIENCE):
            while self.descriptions < seen or self.sent < len(self.journal_now.steps):
                await asyncio.sleep(0.01)

    def end(self) -> None:
        """The run has ended."""
        self.run = replace(self.run, status=RunStatus.COMPLETED)

    async def describe(self, workflow_id: str) -> RunDescription | None:
        """As Temporal describes it."""
        assert workflow_id == RUN.id
        self.descriptions += 1
        if self.away:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        return self.run

    async def journal_since(self, workflow_id: str, run_id: str | None = None, place: int = 0) -> Journal:
        """As a worker answers."""
        assert (workflow_id, run_id) == (RUN.id, None)
        self.queries += 1
        placed = self.journal_now.since(place)
        self.sent += len(placed)
        steps = [step.model_copy(update={"place": at}) for at, step in placed]
        return self.journal_now.model_copy(update={"steps": steps})

    async def speaking(self, run: RunDescription, reader: SpeakingReader) -> Speaking:
        """As the heartbeats say; unreadable ones raise what the test put here."""
        del run, reader
        if self.fault is not None:
            raise self.fault
        return {}

    async def outcome(self, run: RunDescription) -> Outcome:
        """As its last event says."""
        return Outcome(run.status, RunResult(journal=self.journal_now), None)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A run, and watches that look often."""
    monkeypatch.setattr(watcher, "FAST_SECONDS", 0.01)
    monkeypatch.setattr(watcher, "SLOW_SECONDS", 0.02)
    monkeypatch.setattr(watcher, "AWAY_SECONDS", 0.02)
    return Runs()


@pytest.fixture
def watchers(runs: Runs) -> RunWatchers:
    """The watches of a process."""
    return RunWatchers(cast("TemporalRuns", runs), Shutdown())


async def types() -> dict[str, str]:
    """Of the nodes of the plan."""
    return {}


async def listen(watchers: RunWatchers, last: int = 0) -> list[Any]:
    """What a listener gets until the end: numbers of steps, and kinds of other events."""
    messages: AsyncIterator[ServerSentEventMessage] = _events(RUN, watchers, types, last)
    return [each.id if each.event == "step" else each.event or each.comment async for each in messages]


async def test_two_hundred_listeners_cost_one_watch(runs: Runs, watchers: RunWatchers) -> None:
    """Each gets every step once and the end; Temporal is asked as for one, and queried only when the history has grown."""
    listeners = [asyncio.create_task(listen(watchers)) for _ in range(200)]
    await runs.is_asked()
    for node in ("A", "B", "C"):
        runs.step(node)
        await runs.is_asked()
    assert len(watchers) == 1
    runs.end()
    heard = await asyncio.gather(*listeners)
    assert all([each for each in one if isinstance(each, int)] == [1, 2, 3] for one in heard)
    assert all(one[-1] == "end" for one in heard)
    assert runs.queries <= 5
    assert runs.sent == 3, "a step is asked for once"
    assert runs.descriptions < 200, "as for one"
    assert not len(watchers)


async def test_a_listener_that_leaves_frees_its_watch(runs: Runs, watchers: RunWatchers) -> None:
    """Nobody listens, nobody asks."""
    messages = _events(RUN, watchers, types, 0)
    first = await anext(messages)
    assert first.event == "status"
    await messages.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert not len(watchers)
    asked = runs.descriptions
    await asyncio.sleep(0.1)
    assert runs.descriptions <= asked + 1


async def test_a_listener_gets_steps_that_the_run_has_forgotten_since(runs: Runs, watchers: RunWatchers) -> None:
    """A long run keeps what a step may still read; what the watch has seen it shows also to those who come later."""
    first = asyncio.create_task(listen(watchers))
    for node in "AB":
        runs.step(node)
        await runs.is_asked()
    kept = runs.journal_now.steps[1].model_copy(update={"place": 1})
    last = kept.model_copy(update={"node": "C", "place": 2})
    runs.journal_now = runs.journal_now.model_copy(update={"steps": [kept, last]})
    runs.run = replace(runs.run, history_length=30)
    second = asyncio.create_task(listen(watchers))
    await runs.is_asked()
    runs.end()
    for heard in await asyncio.gather(first, second):
        assert [each for each in heard if isinstance(each, int)] == [1, 2, 3]


async def test_a_slow_listener_misses_nothing_and_holds_up_nobody(runs: Runs, watchers: RunWatchers) -> None:
    """It has no queue: it reads on from the journal."""
    slow = _events(RUN, watchers, types, 0)
    await anext(slow)
    fast = asyncio.create_task(listen(watchers))
    for node in "ABCDE":
        runs.step(node)
        await asyncio.sleep(0.03)
    runs.end()
    assert [each for each in await fast if isinstance(each, int)] == [1, 2, 3, 4, 5]
    rest = [each.id async for each in slow if each.event == "step"]
    assert rest == [1, 2, 3, 4, 5]


async def test_a_listener_who_reads_too_slowly_is_told_so(
    runs: Runs, watchers: RunWatchers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream ends with a comment; it can come back with the number of its last step."""
    monkeypatch.setattr("api.runs.events.SLOW_SECONDS", 0.05)
    runs.step("A")
    messages = _events(RUN, watchers, types, 0)
    assert (await anext(messages)).id == 1
    await asyncio.sleep(0.1)
    heard = [each async for each in messages]
    assert "too slowly" in str(heard[-1].comment)
    monkeypatch.setattr("api.runs.events.SLOW_SECONDS", PATIENCE)
    runs.end()
    assert await listen(watchers, last=1) == ["status", "end"]


async def test_listeners_wait_while_temporal_is_away(runs: Runs, watchers: RunWatchers) -> None:
    """An outage ends no stream."""
    runs.away = True
    listener = asyncio.create_task(listen(watchers))
    await asyncio.sleep(0.1)
    runs.away = False
    runs.step("A")
    runs.end()
    assert (await asyncio.wait_for(listener, PATIENCE))[-1] == "end"


@pytest.mark.parametrize(
    "fault", [AttributeError("no such member"), DatabaseUnavailable("away"), ValueError("no JSON")]
)
async def test_listeners_hear_of_steps_and_the_end_when_what_models_say_cannot_be_read(
    runs: Runs, watchers: RunWatchers, fault: Exception
) -> None:
    """What is said is an extra: the steps are sent without it."""
    runs.fault = fault
    listener = asyncio.create_task(listen(watchers))
    await runs.is_asked()
    runs.step("A")
    await runs.is_asked()
    runs.end()
    heard = await asyncio.wait_for(listener, PATIENCE)
    assert [each for each in heard if isinstance(each, int)] == [1]
    assert heard[-1] == "end"


async def test_listeners_are_told_when_their_watch_ends_with_a_fault(
    runs: Runs, watchers: RunWatchers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the watch itself ends the streams; the next listener gets a watch of its own."""

    async def broken(workflow_id: str) -> RunDescription | None:
        raise LookupError(workflow_id)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "describe", broken)
        heard = await asyncio.wait_for(listen(watchers), PATIENCE)
    assert "Last-Event-ID" in heard[-1]
    runs.end()
    assert (await asyncio.wait_for(listen(watchers), PATIENCE))[-1] == "end"


async def test_streams_end_when_the_server_is_stopped(watchers: RunWatchers) -> None:
    """The listener is told to come back."""
    listener = asyncio.create_task(listen(watchers))
    await asyncio.sleep(0.05)
    watchers.shutdown.request(10)
    heard = await asyncio.wait_for(listener, PATIENCE)
    assert "Last-Event-ID" in heard[-1]
    assert not len(watchers)
