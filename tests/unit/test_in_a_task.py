"""What fixtures hold open in a task of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.service import in_a_task


async def test_a_start_that_fails_is_raised() -> None:
    """Nobody waits until the time-out of pytest for a server that has not come up."""

    @contextlib.asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise ConnectionError("Postgres does not answer")
        yield

    with pytest.raises(ConnectionError, match="does not answer"):
        async with in_a_task(broken()):
            pass


async def test_what_is_opened_in_a_task_is_closed_in_it() -> None:
    """And its value is handed out."""
    tasks: list[asyncio.Task[None] | None] = []

    @contextlib.asynccontextmanager
    async def whole() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        yield "open"
        tasks.append(asyncio.current_task())

    async with in_a_task(whole()) as held:
        assert held == "open"
    assert tasks[0] is tasks[1] is not asyncio.current_task()
