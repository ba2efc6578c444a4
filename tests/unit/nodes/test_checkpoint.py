"""HTTP Request after a crash: items that were done are not sent again."""

from collections.abc import Sequence
from typing import Any, cast

from runtime.contract import ActivityContext
from runtime.nodes.checkpoint import Checkpoint
from schemas.item import Item


class Beats:
    """What a step tells Temporal, and is told by it."""

    def __init__(self, before: Sequence[Any] = ()) -> None:
        self.before = before
        self.told: list[Any] = []

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
    cut = {key: {i: items for i, items in value.items() if int(i) < 3} for key, value in progress.items()}
    again, sent = await _run(Beats([cut]), 5)
    assert again == whole
    assert sent == [3, 4]


async def test_results_that_are_large_are_not_carried() -> None:
    beats = Beats()
    await _run(beats, 10, size=50_000)
    assert len(beats.told[0]["http_done"]) == 2


async def test_a_single_item_costs_no_heartbeat() -> None:
    beats = Beats()
    await _run(beats, 1)
    assert beats.told == []
