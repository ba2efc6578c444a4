"""Local activities of a run, each within its workflow task.

One that outlives its task makes Temporal's core ask for further tasks that only wait. A replay then begins with what the *last* of them
brought: another time, a longer history, perhaps the news of another build, so that it sees or decides otherwise than the run did. So what
does not end within the task is done by an ordinary activity, and so is what fails: a try that is timed out can look like one that failed,
and core would begin it again without looking at the time that is left.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from runtime.contract import NodeError
from runtime.hosts.temporal.failures import cause_of
from runtime.hosts.temporal.hand_out import inline, raw
from runtime.hosts.temporal.timeouts import CRASH_RETRY, NO_RETRY, SHORT_ACTIVITY_TIMEOUT

__all__ = ["LocalActivities", "Unfinished"]

TASK_SECONDS: Final = 2.5
"""Seconds of a workflow task after which its local activities have ended. After 4 s, four fifths of a task's time-out, core asks for
another task.
"""
LEAST_SECONDS: Final = 0.001
"""What a local activity gets that begins later than that: too little, which the history records."""
WITHIN_TASK: Final = "local activities within a task"
"""The change from which on a step goes on as an ordinary activity; in runs of before, it was tried again, and failed after two minutes."""


class Unfinished(Exception):
    """A local activity did not come to its end: it takes longer than its workflow task may, or a server that it needs is away."""


class LocalActivities:
    """The local activities of one run.

    Args:
        monotonic: a clock outside workflow code. What it says decides about time-outs, whose outcome the history records.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._task, self._began = -1, 0.0
        """The length of the history at the workflow task, and when this was first seen."""

    async def run(self, name: str, args: Sequence[Any], **options: Any) -> Any:
        """Return the result of a local activity. Raise Unfinished; NodeError: it failed for good.

        Args:
            name: of the activity.
            args: its arguments, payloads that no history has.
            options: of `workflow.execute_local_activity`.
        """
        try:
            return await workflow.execute_local_activity(
                name, args=args, schedule_to_close_timeout=timedelta(seconds=self._seconds_left()),
                retry_policy=NO_RETRY, **options,
            )  # fmt: skip
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            if _is_final(error) or not workflow.patched(WITHIN_TASK):
                raise NodeError(cause_of(error)) from error
            raise Unfinished from error

    async def finish(self, name: str, data: bytes, result_type: type[Any] | None = None) -> Any:
        """Return the result of a local activity with one argument, JSON bytes; of an ordinary one where it did not come to its end.
        Raise NodeError, ActivityError: it failed for good.
        """
        try:
            return await self.run(name, [inline(data)], result_type=result_type)
        except Unfinished:
            return await workflow.execute_activity(
                name, raw(data), start_to_close_timeout=SHORT_ACTIVITY_TIMEOUT, retry_policy=CRASH_RETRY, result_type=result_type
            )  # fmt: skip

    def _seconds_left(self) -> float:
        """Return the seconds that a local activity has which begins now."""
        task, now = workflow.info().get_current_history_length(), self._monotonic()
        if task != self._task:
            self._task, self._began = task, now
        return max(LEAST_SECONDS, TASK_SECONDS - (now - self._began))


def _is_final(error: FailureError) -> bool:
    """Return whether another try would end in the same way. A failure is inside an ActivityError in the run, and bare on replay."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return isinstance(cause, ApplicationError) and cause.non_retryable
