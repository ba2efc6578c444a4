"""Streams that open at once take turns, so that other requests go in between."""

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any, cast

import pytest
from litestar.types import Scope

from api.runs.events import STEPS_PER_TURN, _events
from api.runs.turns import StreamTurns, Turns
from api.runs.watcher import RunWatchers
from tests.patience import PATIENCE
from tests.unit.api.test_watcher import RUN, Runs, runs, types, watchers

__all__ = ["runs", "watchers"]

LISTENERS, STEPS = 20, 10 * STEPS_PER_TURN


async def test_turns_come_in_order_and_others_go_in_between() -> None:
    """Each round of the event loop has one turn, whoever else waits."""
    turns, seen, rounds = Turns(), list[int](), list[int]()

    async def work(name: int) -> None:
        for _ in range(2):
            await turns.wait()
            seen.append(name)

    async def other() -> None:
        while len(seen) < 6:
            rounds.append(len(seen))
            await asyncio.sleep(0)

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for name in range(3):
            group.create_task(work(name))
        group.create_task(other())
    assert seen == [0, 1, 2, 0, 1, 2]
    assert max(two - one for one, two in itertools.pairwise(rounds)) == 1


async def test_a_stream_that_is_closed_while_it_waits_gives_its_turn_to_the_next() -> None:
    turns = Turns()
    waiting = [asyncio.create_task(turns.wait()) for _ in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[2].cancel()
    ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert [isinstance(each, asyncio.CancelledError) for each in ended] == [True, False, True, False]
    await asyncio.wait_for(turns.wait(), PATIENCE)


async def test_a_request_is_served_between_the_steps_that_many_listeners_are_sent(
    runs: Runs, watchers: RunWatchers
) -> None:
    """Between two rounds of the event loop no more than one batch of steps is sent, however many listen."""
    for number in range(STEPS):
        runs.step(f"S{number}")
    sent, most = 0, 0

    async def listen() -> None:
        nonlocal sent
        async for message in _events(RUN, watchers, types, 0):
            sent += message.event == "step"

    async def other() -> None:
        nonlocal most
        while sent < LISTENERS * STEPS:
            before = sent
            await asyncio.sleep(0)
            most = max(most, sent - before)
        runs.end()

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for _ in range(LISTENERS):
            group.create_task(listen())
        group.create_task(other())
    assert sent == LISTENERS * STEPS
    assert most <= 2 * STEPS_PER_TURN, "the round in which one turn ends may begin the next"


async def test_temporal_is_asked_once_for_a_run_that_many_want_to_hear(runs: Runs, watchers: RunWatchers) -> None:
    """Who comes while somebody asks waits for that answer; who comes later gets what the watch saw last."""
    found = await asyncio.gather(*(watchers.describe(RUN.id) for _ in range(50)))
    assert found == [RUN] * 50
    assert runs.descriptions == 1
    async with watchers.watch(RUN):
        assert await watchers.describe(RUN.id) == RUN
        assert runs.descriptions == 1
    runs.end()
    after = await watchers.describe(RUN.id)
    assert after is not None
    assert not after.open, "without a watch Temporal is asked again"


@pytest.mark.parametrize(("media_type", "turns_taken"), [("text/event-stream", 1), ("application/json", 0)])
async def test_only_requests_for_streams_wait_for_a_turn(media_type: str, turns_taken: int) -> None:
    """Every other request goes straight on."""
    taken, passed = list[str](), list[Any]()

    async def wait() -> float:
        taken.append(media_type)
        return 0.0

    async def app(*arguments: Any) -> None:
        passed.append(arguments)

    turns = cast("Turns", SimpleNamespace(wait=wait))
    scope = cast("Scope", {"type": "http", "route_handler": SimpleNamespace(media_type=media_type)})
    await StreamTurns(turns).handle(scope, cast("Any", None), cast("Any", None), app)
    assert len(taken) == turns_taken
    assert len(passed) == 1
