"""Make the problem of each kind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingActivityInfo

from schemas.names import PROBLEMS
from service.run_problems.causes import CAUSES, STEP_DIED, STEP_FAILS, STEP_TIMED_OUT, TASK_FAILS, UNREADABLE, cause_of
from service.run_problems.failures import cause_name, first_line, telling
from service.run_problems.problem import RunProblem
from service.worker_presence import Missing

__all__ = ["activity_problem", "moment_of", "reported_problem", "task_problem", "unreadable", "worker_problem"]

CAUSE: Final = "cause="
TASK: Final = "The run's workflow task fails again and again"
NONDETERMINISM: Final = "[TMPRL1100]"
"""The SDK's mark in the message of such an error."""
NODE_PARTS: Final = 3
"""An activity's id is `node#run#attempt#number`."""


def task_problem(
    cause: str, failure: Failure | None, since: datetime | None = None, attempt: int | None = None
) -> RunProblem:
    """Return the problem of a workflow task that fails.

    Args:
        cause: Temporal's, see `cause_name`.
        failure: of the last attempt, where known.
        since: when the task was first scheduled.
        attempt: how often it was tried.
    """
    name, detail = cause, ""
    if failure is not None:
        inner = telling(failure)
        detail = first_line(inner.message)
        # an error that we know says more than "the worker failed"
        type_ = inner.application_failure_info.type
        name = type_ if type_ in CAUSES else "NonDeterministicError" if NONDETERMINISM in inner.message else cause
    words = cause_of(name, TASK_FAILS)
    message = words.message or (f"{TASK}: {detail}" if detail else f"{TASK}.")
    return RunProblem("workflow_task", name, message, words.hint, since, attempt)


def reported_problem(attributes: dict[str, Any]) -> RunProblem | None:
    """Return the problem that Temporal reports in a run's search attributes (name -> value); None: it reports none."""
    reported = attributes.get(PROBLEMS)
    return task_problem(_cause([reported] if isinstance(reported, str) else reported), None) if reported else None


def activity_problem(pending: PendingActivityInfo, failed: Failure) -> RunProblem:
    """Return the problem of a step that is tried again. `failed`: the failure of its last attempt, in clear."""
    failure = telling(failed)
    name = failure.application_failure_info.type or "Error"
    words = cause_of(name, STEP_FAILS)
    message = words.message or (
        first_line(failure.message) if name in CAUSES else f"{name}: {first_line(failure.message)}"
    )
    if failed.HasField("timeout_failure_info"):
        kind = failed.timeout_failure_info.timeout_type
        died = kind == TimeoutType.TIMEOUT_TYPE_HEARTBEAT
        name, words = ("WorkerDied", STEP_DIED) if died else ("TimedOut", STEP_TIMED_OUT)
        message = words.message
    id_ = pending.activity_id
    return RunProblem(
        "activity", name, message, words.hint, moment_of(pending.scheduled_time), pending.attempt,
        moment_of(pending.next_attempt_schedule_time), id_.rsplit("#", NODE_PARTS)[0] if id_.count("#") >= NODE_PARTS else None,
    )  # fmt: skip


def worker_problem(missing: Missing, since: datetime | None = None) -> RunProblem:
    """Return the problem of a run whose workers are missing."""
    return RunProblem("worker", missing.cause, missing.message, missing.hint, since)


def unreadable(error: BaseException) -> RunProblem:
    """Return the problem of a run that could not be read or written. The message quotes no data of the run."""
    name = type(error).__name__
    words = cause_of(name, UNREADABLE)
    text = words.message or str(error)
    return RunProblem("unreadable", name, f"The run's data cannot be shown: {name}: {first_line(text)}", words.hint)


def moment_of(stamp: Any) -> datetime | None:
    """Return the UTC time of a protobuf timestamp; None for one that is not set."""
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds > 0 else None


def _cause(reported: Sequence[str]) -> str:
    """Return the cause of `["category=WorkflowTaskFailed", "cause=WorkflowTaskFailedCause..."]`."""
    for each in reported:
        if each.startswith(CAUSE):
            return cause_name(each.removeprefix(CAUSE))
    return reported[0] if reported else "Unspecified"
