"""Steps that this process is at: an attempt joins an earlier one of the same activity that still works.

On a machine that is too busy, Temporal misses the heartbeats of a worker that lives, and hands the activity out again. What the first
attempt does goes on, and is not done a second time.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from temporalio import activity

from runtime.hosts.temporal.heartbeats import Beats, beats_of_attempt
from runtime.hosts.temporal.timeouts import HEARTBEAT_TIMEOUT

__all__ = ["UnderWay"]

T = TypeVar("T")

GRACE_SECONDS: Final = 15.0
"""For how long a step whose activity Temporal has given up goes on, and its result stays, without another attempt that joins it."""


@dataclass
class _Step(Generic[T]):
    """A step that is worked at, and how many attempts wait for it."""

    task: asyncio.Task[T]
    beats: Beats | None
    began: float
    attempts: int = 0


class UnderWay(Generic[T]):
    """The steps of this process, by run and activity."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], _Step[T]] = {}

    async def join(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what `work` returns; that of an earlier attempt of this activity where it is still at it.

        A cancellation ends the work, but for that of an attempt which Temporal has given up: another one may join it.
        """
        info = activity.info()
        if info.is_local:
            return await work()
        key = (info.workflow_run_id or "", info.activity_id)
        step, beats = self._steps.get(key), beats_of_attempt()
        if step is None:
            step = self._steps[key] = _Step(asyncio.create_task(work()), beats, asyncio.get_running_loop().time())
            step.task.add_done_callback(lambda _: self._note_end(key))
        elif step.beats is not None and beats is not None:
            step.beats.pass_on(beats)
        step.attempts += 1
        try:
            return await asyncio.shield(step.task)
        except asyncio.CancelledError:
            if not step.task.done():
                if _is_given_up():
                    asyncio.get_running_loop().call_later(GRACE_SECONDS, _end_unless_joined, step)
                else:
                    step.task.cancel()
                    await asyncio.wait([step.task])
            raise
        finally:
            step.attempts -= 1

    def _note_end(self, key: tuple[str, str]) -> None:
        """Forget a step; later, where it took so long that Temporal may have given it up just before its end."""
        step, loop = self._steps[key], asyncio.get_running_loop()
        failed = step.task.cancelled() or step.task.exception() is not None
        if failed or loop.time() - step.began < HEARTBEAT_TIMEOUT.total_seconds():
            del self._steps[key]
        else:
            loop.call_later(GRACE_SECONDS, self._steps.pop, key, None)


def _is_given_up() -> bool:
    """Return whether Temporal has given the running attempt up, and nobody asked for its end."""
    details = activity.cancellation_details()
    return details is not None and (details.not_found or details.timed_out) and not details.worker_shutdown


def _end_unless_joined(step: _Step[Any]) -> None:
    if not step.attempts:
        step.task.cancel()
