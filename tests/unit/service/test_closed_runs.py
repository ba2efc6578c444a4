"""The projector's memory of closed runs: what it counts is what Temporal counts over the same interval."""

from datetime import UTC, datetime, timedelta

from temporalio.api.workflow.v1 import WorkflowExecutionInfo

from service.projection.visibility import ClosedRuns

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def closed(run: str, seconds: float) -> WorkflowExecutionInfo:
    """A run that closed so long after BEGIN."""
    info = WorkflowExecutionInfo()
    info.execution.workflow_id, info.execution.run_id = "acme:t:1", run
    info.close_time.FromDatetime(BEGIN + timedelta(seconds=seconds))
    return info


def test_runs_are_counted_by_when_they_closed_each_once() -> None:
    """From the begin on, before the end, in whatever order they were listed, and however often."""
    runs = ClosedRuns()
    for run, seconds in (("a", 3.0), ("b", 1.0), ("c", 2.0), ("b", 1.0), ("d", 0.5)):
        runs.add(closed(run, seconds))
    assert runs.count_between(BEGIN + timedelta(seconds=1), BEGIN + timedelta(seconds=3)) == 2
    assert runs.count_between(BEGIN + timedelta(seconds=1), BEGIN + timedelta(seconds=9)) == 3
    runs.clear()
    assert runs.count_between(BEGIN, BEGIN + timedelta(seconds=9)) == 0
