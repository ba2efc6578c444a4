"""HTTP Request after a crash: items that were done are not sent again."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

from runtime.contract import ActivityContext, BinaryRef, ServiceBusy
from runtime.nodes.checkpoint import Checkpoint
from schemas.item import Item


class Beats:
    """What a step tells Temporal, and is told by it."""

    def __init__(self, before: Sequence[Any] = ()) -> None:
        self.before = before
        self.told: list[Any] = []
        self.files: dict[str, bytes] = {}

    async def write(self, data: bytes, **_: Any) -> BinaryRef:
        self.files[str(len(self.files))] = data
        return {"mimeType": "application/json", "id": str(len(self.files) - 1)}

    async def read(self, ref: BinaryRef) -> bytes:
        return self.files[ref["id"]]

    @property
    def blobs(self) -> "Beats":
        return self

    @property
    def progress(self) -> "Beats":
        return self

    def details(self) -> Sequence[Any]:
        return self.before

    def heartbeat(self, *details: Any) -> None:
        self.told = list(details)


async def _run(beats: Beats, count: int, size: int = 1) -> tuple[list[list[Item]], list[int]]:
    """(results, items that were sent)."""
    checkpoint, sent = Checkpoint(cast("ActivityContext", beats), count), []

    async def one(i: int) -> list[Item]:
        async def work() -> list[Item]:
            sent.append(i)
            return [{"json": {"i": i, "text": "x" * size}}]

        return await checkpoint.run_once(i, work)

    return [await one(i) for i in range(count)], sent


async def test_the_next_attempt_sends_what_the_last_one_was_not_done_with() -> None:
    first = Beats()
    whole, _ = await _run(first, 5)
    progress = first.told[0]
    cut = progress | {"http_done": {i: items for i, items in progress["http_done"].items() if int(i) < 3}}
    again, sent = await _run(Beats([cut]), 5)
    assert again == whole
    assert sent == [3, 4]


async def test_results_that_are_large_are_not_carried() -> None:
    beats = Beats()
    await _run(beats, 10, size=20_000)
    assert len(beats.told[0]["http_done"]) == 2
    assert len(json.dumps(beats.told)) < 64 * 1024


async def test_when_a_service_asks_for_a_pause_every_answer_is_kept() -> None:
    """Large ones in a file: else no attempt would come further than the one before. What is under way comes to its end first."""
    beats, sent = Beats(), list[int]()

    async def attempt(before: Sequence[Any], busy: frozenset[int]) -> list[Any]:
        beats.before, beats.told = before, []
        checkpoint = Checkpoint(cast("ActivityContext", beats), 8)

        async def one(i: int) -> list[Item]:
            async def work() -> list[Item]:
                await asyncio.sleep(0.02 if i == 5 else 0)
                if i in busy:
                    raise ServiceBusy(6)
                sent.append(i)
                return [{"json": {"i": i, "text": "x" * 20_000}}]

            return await checkpoint.run_once(i, work)

        results: list[Any] = await asyncio.gather(*map(one, range(8)), return_exceptions=True)
        return results

    first = await attempt([], frozenset({2, 6, 7}))
    assert [each for each in first if isinstance(each, ServiceBusy)] == [first[2], first[6], first[7]]
    assert sorted(sent) == [0, 1, 3, 4, 5]
    sent.clear()
    await attempt(beats.told, frozenset({7}))
    assert sorted(sent) == [2, 6]
    sent.clear()
    assert [each[0]["json"]["i"] for each in await attempt(beats.told, frozenset())] == list(range(8))
    assert sent == [7]


async def test_a_single_item_costs_no_heartbeat() -> None:
    beats = Beats()
    await _run(beats, 1)
    assert beats.told == []
