"""Heartbeats of the running activity, and what they tell the next attempt: how far this one came, and whether its worker died."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextvars import ContextVar, copy_context
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from temporalio import activity

from runtime.hosts.temporal.suspect_window import SuspectWindow, WorkerDied

__all__ = ["MAX_DEATHS", "Beats", "beating", "beats_of_attempt", "heartbeat", "progress"]

PULSE_SECONDS: Final = 1.0
"""Between heartbeats while a step works."""
QUIET_SECONDS: Final = 0.3
"""How long a first attempt works before its first heartbeat: most steps have ended by then, and cost Temporal no heartbeat."""
MAX_DEATHS: Final = 10
"""Workers that may die during one try of a step before it fails, whatever they died of."""
FIRST_BEAT_SECONDS: Final = 0.05
"""How long a repeated attempt waits for its first heartbeat to be sent: a step may kill its worker at once."""
PROCESS: Final = secrets.token_hex(8)
"""This process, among all workers."""
_KEY: Final = "tempor8"


@dataclass(frozen=True)
class _Attempts:
    """What an attempt leaves for the next one, in its last heartbeat."""

    process: str = PROCESS
    deaths: int = 0
    """Attempts before that were cut off by the end of their worker."""
    guilty: int = 1
    """Those of them of which this step is the cause, the first and each in which it was alone; see `suspect_window`."""
    alone: bool = False
    open: bool = True
    """The attempt still runs. One that ended by an exception, or by its end, has said so."""


class Beats:
    """The details of the running activity's heartbeats."""

    def __init__(self) -> None:
        *details, last = [*activity.info().heartbeat_details] or [None]
        if isinstance(last, dict) and _KEY in last:
            before = _Attempts(**last[_KEY])
            died = before.open and before.process != PROCESS  # this process lives: it merely missed beats
            self.attempts = _Attempts(deaths=before.deaths + died, guilty=before.guilty + (died and before.alone))
        else:
            details = [*activity.info().heartbeat_details]
            # a first attempt without a word died early: one that ended by an exception has said so
            self.attempts = _Attempts(deaths=int(activity.info().attempt > 1 and not details))
        self.details: list[Any] = details
        self.sent = False
        self._successor: Beats | None = None
        self._context = copy_context()

    def send(self) -> None:
        """Repeat the last details that the step gave, so that a retry still finds them."""
        self.sent = True
        self._context.run(activity.heartbeat, *self.details, {_KEY: asdict(self.attempts)})

    def newest(self) -> "Beats":
        """Return those of the attempt that waits now for what this one began."""
        beats = self
        while beats._successor is not None:
            beats = beats._successor
        return beats

    def pass_on(self, to: "Beats") -> None:
        """Let another attempt tell from now on how far the step has come."""
        last = self.newest()
        if last is not to:
            to.details, last._successor = last.details, to  # noqa: SLF001

    def close(self) -> None:
        """Say that this attempt did not die."""
        self.say(open=False, alone=False)

    def say(self, *, open: bool, alone: bool) -> None:  # noqa: A002 - the field's name
        """Change what the next attempt is told, and send it."""
        self.attempts = replace(self.attempts, open=open, alone=alone)
        self.send()

    async def not_alone(self) -> None:
        """Say that from now on other steps may be the cause."""
        if self.attempts.open:
            self.say(open=True, alone=False)


@contextlib.asynccontextmanager
async def beating(limit: int = MAX_DEATHS) -> AsyncIterator[None]:
    """Heartbeat while the body runs, so that a worker's death is noticed in seconds and cancellation arrives.

    Raises WorkerDied instead of running the body when `limit` workers have died of it, or MAX_DEATHS in it. An attempt that ends
    by an exception is no death, nor is one that missed its beats in this very process.
    """
    info = activity.info()
    if info.is_local:
        yield
        return
    beats = Beats()
    attempts = beats.attempts
    if attempts.deaths >= MAX_DEATHS or (attempts.deaths and attempts.guilty >= limit):
        raise WorkerDied(attempts.deaths)
    token = _BEATS.set(beats)
    again = info.attempt > 1
    if again:
        beats.say(open=not attempts.deaths, alone=False)
    beat = asyncio.create_task(_beat(beats, PULSE_SECONDS if again else QUIET_SECONDS))
    try:
        async with _apart(beats, info.workflow_id or ""):
            if again:
                await asyncio.sleep(FIRST_BEAT_SECONDS)
            yield
    except BaseException:
        beats.close()
        raise
    else:
        if beats.sent:
            beats.close()
    finally:
        beat.cancel()
        _BEATS.reset(token)


@contextlib.asynccontextmanager
async def _apart(beats: Beats, workflow_id: str) -> AsyncIterator[None]:
    """Begin the body alone when a worker has died in it."""
    if not beats.attempts.deaths:
        yield
        return
    async with SuspectWindow(workflow_id, beats.not_alone):
        beats.say(open=True, alone=True)
        yield


async def _beat(beats: Beats, first: float) -> None:
    await asyncio.sleep(first)
    while True:
        beats.send()
        await asyncio.sleep(PULSE_SECONDS)


_BEATS: ContextVar[Beats | None] = ContextVar("beats", default=None)


def beats_of_attempt() -> Beats | None:
    """Return the heartbeats of the running attempt; None in a local activity."""
    return _BEATS.get()


def heartbeat(*details: Any) -> None:
    """Tell Temporal how far the step has come; nothing in a local activity, which is short."""
    if (first := _BEATS.get()) is not None:
        beats = first.newest()
        beats.details = list(details)
        beats.send()


def progress() -> list[Any]:
    """Return how far an attempt had come that was cut off."""
    beats = _BEATS.get()
    return list(beats.details) if beats is not None else []
