"""The queue between workflow threads and the table of ends: late, lost or refused ends cost nobody anything."""

import asyncio
from collections.abc import Sequence

import psycopg

from runtime.hosts.temporal.run_end_writer import MAX_WAITING, RunEndWriter
from schemas.run_end import RunEnd


def end(number: int) -> RunEnd:
    """The end of a run."""
    return RunEnd("acme", f"acme:t:{number}", "r", 3, b"{}", b"{}")


async def test_ends_of_any_thread_are_written_and_the_last_ones_when_it_closes() -> None:
    batches: list[list[str]] = []

    async def write(ends: Sequence[RunEnd]) -> None:
        batches.append([each.id for each in ends])

    writer = RunEndWriter(write)
    async with writer.open():
        for number in range(3):
            await asyncio.to_thread(writer.note, end(number))
        while not batches:
            await asyncio.sleep(0.01)
        writer.note(end(3))
    writer.note(end(4))  # closed: nobody would write it
    assert [each for batch in batches for each in batch] == ["acme:t:0", "acme:t:1", "acme:t:2", "acme:t:3"]


async def test_what_postgres_refuses_is_dropped_and_the_next_is_written() -> None:
    written: list[str] = []
    refused = asyncio.Event()

    async def write(ends: Sequence[RunEnd]) -> None:
        if ends[0].id == "acme:t:0":
            refused.set()
            raise psycopg.OperationalError("away")
        written.extend(each.id for each in ends)

    writer = RunEndWriter(write)
    async with writer.open():
        writer.note(end(0))
        await refused.wait()
        writer.note(end(1))
    assert written == ["acme:t:1"]


async def test_no_more_than_a_thousand_ends_wait() -> None:
    written: list[RunEnd] = []

    async def write(ends: Sequence[RunEnd]) -> None:
        written.extend(ends)

    writer = RunEndWriter(write)
    async with writer.open():
        for number in range(MAX_WAITING + 5):
            writer.note(end(number))
    assert len(written) == MAX_WAITING
