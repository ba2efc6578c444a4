"""Documents are read in children of their own: what is told of one that died, and what is done about it."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any, Final

import pytest

from runtime.confinement import children
from runtime.confinement.children import ConfinedProcess
from runtime.contract import NodeError
from runtime.sandbox import documents
from runtime.sandbox.mail import read_mail
from tests.patience import PATIENCE
from tests.unit.sandbox.world import THREADS

MESSAGE: Final = b"From: a@x.io\nSubject: Hi\n\nHi\n"


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[ConfinedProcess]]:
    """Make the first so many children die before they read; return all that are started."""

    def make(deaths: int) -> list[ConfinedProcess]:
        started: list[ConfinedProcess] = []

        def start(*arguments: Any, **options: Any) -> ConfinedProcess:
            child = children.start(*arguments, **options)
            started.append(child)
            if len(started) <= deaths:
                child.send_signal(signal.SIGKILL)
                child.wait()
            return child

        monkeypatch.setattr(documents, "start", start)
        return started

    return make


async def test_a_child_that_the_system_killed_is_followed_by_another(
    dying: Callable[[int], list[ConfinedProcess]],
) -> None:
    started = dying(1)
    done = await read_mail(THREADS, MESSAGE, simple=True, attachments=False)
    assert done["json"]["subject"] == "Hi"
    assert len(started) == 2


async def test_after_a_second_death_the_step_fails_and_memory_is_not_blamed(
    dying: Callable[[int], list[ConfinedProcess]],
) -> None:
    started = dying(2)
    with pytest.raises(NodeError, match="The process that reads the message ended unexpectedly") as failed:
        await read_mail(THREADS, MESSAGE, simple=True, attachments=False)
    assert failed.value.description == "It died of SIGKILL."
    assert len(started) == 2


async def test_a_message_whose_time_is_up_is_not_read_again(
    dying: Callable[[int], list[ConfinedProcess]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = dying(0)
    monkeypatch.setattr("runtime.sandbox.mail._TIMEOUT_SECONDS", 0.01)
    with pytest.raises(NodeError, match="This message needs more time or memory than a step may use"):
        await read_mail(THREADS, MESSAGE, simple=True, attachments=False)
    assert len(started) == 1


async def test_a_read_that_is_cancelled_leaves_no_process(dying: Callable[[int], list[ConfinedProcess]]) -> None:
    """Whether its child had started or was about to."""
    started = dying(0)
    reading = [
        asyncio.create_task(read_mail(THREADS, MESSAGE * 100_000, simple=True, attachments=False)) for _ in range(3)
    ]
    await asyncio.sleep(0.05)
    for each in reading:
        each.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    async with asyncio.timeout(PATIENCE):
        while any(child.poll() is None for child in started):
            await asyncio.sleep(0.05)
