"""Problems have one vocabulary: the same cause has the same words wherever it is shown."""

from datetime import UTC, datetime

import pytest
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure, TimeoutFailureInfo
from temporalio.api.workflow.v1 import PendingActivityInfo

from api.health import PROBLEMS as WORDS
from runtime.platform.keys import SealError
from schemas.names import PROBLEMS
from service.run_problems.causes import CAUSES
from service.run_problems.failures import cause_name
from service.run_problems.kinds import activity_problem, reported_problem, task_problem, unreadable
from service.run_problems.problem import KINDS, RunProblem, kind_of


def failure(type_: str, message: str, cause: Failure | None = None) -> Failure:
    """A failure as Temporal keeps it."""
    return Failure(message=message, application_failure_info=ApplicationFailureInfo(type=type_), cause=cause)


def timeout(kind: TimeoutType.ValueType) -> Failure:
    """A time-out as Temporal keeps it."""
    return Failure(timeout_failure_info=TimeoutFailureInfo(timeout_type=kind))


GONE = failure("BlobMissing", "stored payload abc of tenant acme is gone")
WRAPPED = failure("ApplicationError", "Failed decoding arguments", GONE)

TASKS = [
    ("an error of the build", "WorkflowWorkerUnhandledFailure", failure("RuntimeError", "no\nmore"), "WorkflowWorkerUnhandledFailure", ": no"),
    ("a payload that is gone, wrapped by the SDK", "WorkflowWorkerUnhandledFailure", WRAPPED, "BlobMissing", "payload abc"),
    ("other code than the history's", "NonDeterministicError", failure("", "[TMPRL1100] no"), "NonDeterministicError", "TMPRL1100"),
    ("the same, called a failure of the worker", "WorkflowWorkerUnhandledFailure", failure("X", "[TMPRL1100] no"), "NonDeterministicError", ""),
    ("a task that is not done in time", "TimedOut", None, "TimedOut", "not done in time"),
    ("nothing is known", "Unspecified", None, "Unspecified", "fails again and again"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("temporals", "failed", "cause", "says"), [each[1:] for each in TASKS], ids=[each[0] for each in TASKS]
)
def test_a_task_that_fails_names_the_error_that_matters(
    temporals: str, failed: Failure | None, cause: str, says: str
) -> None:
    """Which may be the cause of what wraps it."""
    problem = task_problem(temporals, failed)
    assert (problem.kind, problem.cause) == ("workflow_task", cause)
    assert says in problem.message
    assert len(problem.hint) > 20


STEPS = [
    ("Postgres is away, and its address stays in the log", failure("DatabaseUnavailable", "10.0.0.7"), "DatabaseUnavailable", "Postgres is away"),
    ("a payload that is gone", WRAPPED, "BlobMissing", "stored payload abc of tenant acme is gone"),
    ("another error", failure("KeyError", "'x'"), "KeyError", "KeyError: 'x'"),
    ("its worker died", timeout(TimeoutType.TIMEOUT_TYPE_HEARTBEAT), "WorkerDied", "The worker that did the step went away"),
    ("it took too long", timeout(TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE), "TimedOut", "The step was not done in its time"),
]  # fmt: skip


@pytest.mark.parametrize(("failed", "cause", "message"), [each[1:] for each in STEPS], ids=[each[0] for each in STEPS])
def test_a_step_that_is_tried_again_says_what_is_away(failed: Failure, cause: str, message: str) -> None:
    """In the author's terms, with the node."""
    problem = activity_problem(PendingActivityInfo(activity_id="A#1#0#1#2", attempt=4), failed)
    assert (problem.kind, problem.cause, problem.message) == ("activity", cause, message)
    assert (problem.node, problem.attempt) == ("A#1", 4)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR", "NonDeterministicError"),
        ("WorkflowTaskFailedCauseNonDeterministicError", "NonDeterministicError"),
        ("WORKFLOW_TASK_FAILED_CAUSE_GRPC_MESSAGE_TOO_LARGE", "GrpcMessageTooLarge"),
        ("WorkflowTaskTimedOutCauseStartToClose", "TimedOut"),
        ("WorkflowTaskFailedCause", "Unspecified"),
    ],
)
def test_a_cause_has_one_spelling(spelling: str, name: str) -> None:
    """In a history and in a search attribute."""
    assert cause_name(spelling) == name


def test_what_temporal_lists_and_what_a_history_has_is_the_same_problem() -> None:
    """The list has no message."""
    attribute = ["category=WorkflowTaskFailed", "cause=WorkflowTaskFailedCauseNonDeterministicError"]
    listed = reported_problem({PROBLEMS: attribute})
    described = task_problem("NonDeterministicError", failure("", "[TMPRL1100] no"))
    assert listed is not None
    assert (listed.kind, listed.cause, listed.hint) == (described.kind, described.cause, described.hint)
    assert reported_problem({}) is None


def test_what_cannot_be_read_quotes_no_data() -> None:
    """Only errors of ours, which name the payload."""
    assert "secret" not in unreadable(ValueError("secret")).message
    assert "key 7" in unreadable(SealError("key 7")).message
    assert "TEMPOR8_RETIRED_MASTER_KEYS" in unreadable(SealError("key 7")).hint


def test_a_problem_is_counted_by_kind_and_cause_and_stored_as_json() -> None:
    """Rows of an earlier version have Temporal's cause alone."""
    problem = RunProblem("activity", "SealError", "m", "h", datetime(2026, 1, 1, tzinfo=UTC))
    assert kind_of(problem.key) == ("activity", "SealError")
    assert kind_of("TimedOut") == ("workflow_task", "TimedOut")
    assert problem.to_json() == {
        "kind": "activity", "cause": "SealError", "message": "m", "hint": "h", "since": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def test_each_kind_and_cause_has_words() -> None:
    """What to do is said everywhere."""
    assert set(WORDS) == set(KINDS)
    assert all(len(each.hint) > 20 for each in CAUSES.values())
