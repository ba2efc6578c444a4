"""The status answer: from Temporal for runs that it still has, from the stored row for older ones."""

import asyncio
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from api.models import (
    ActiveStep,
    ErrorAnswer,
    Progress,
    ResultAnswer,
    ResultSummary,
    RunProblemAnswer,
    RunSummary,
    ServiceFacts,
    StatusAnswer,
    WaitingFor,
    links,
)
from runtime.platform.storage.blobs import UNREADABLE
from runtime.values.json_bytes import dumps
from schemas.kinds import RunStatus
from schemas.run import Journal, JournalPage, RunResult
from service.execution_store import ExecutionRow
from service.run_problems.finder import ProblemFinder
from service.run_problems.kinds import unreadable
from service.run_reader import Outcome, RunDescription, TemporalRuns, moment

__all__ = [
    "active_of",
    "duration_ms",
    "error_of",
    "problems_of_outcome",
    "problems_of_run",
    "result_answer",
    "row_summary",
    "status_of_outcome",
    "status_of_row",
    "status_of_run",
]

HEAD: Final = JournalPage(limit=1)
"""A status shows counts only."""
MAX_PREVIEW_BYTES: Final = 4096
"""Bytes of JSON of the first item that a status shows; a larger one is left out."""
PUBLIC_ERROR_MEMBERS: Final = ("name", "message", "node", "description", "httpCode", "context")
"""Members of an error that a caller gets; the rest (stacks, requests with their headers) may quote secrets."""


async def status_of_run(
    run: RunDescription, runs: TemporalRuns, finder: ProblemFinder, *, data: bool = True
) -> StatusAnswer:
    """Return the status of a run that Temporal has; without `data`, nothing of its result."""
    if run.open:
        journal, found = await asyncio.gather(runs.journal(run.id, page=HEAD), problems_of_run(run, finder))
        answer = _answer(run, run.status, _progress(journal) if journal else None, None, None)
        return answer.model_copy(update={"problems": found})
    return status_of_outcome(run, await runs.outcome(run), data=data)


def status_of_outcome(run: RunDescription, outcome: Outcome, *, data: bool = True) -> StatusAnswer:
    """Return the status of a closed run; without `data`, nothing of its result."""
    journal = outcome.result.journal if outcome.result else None
    summary = _summary(outcome.result) if data and outcome.result and outcome.status == RunStatus.COMPLETED else None
    answer = _answer(run, outcome.status, _progress(journal) if journal else None, summary, outcome.error)
    return answer.model_copy(update={"problems": problems_of_outcome(run, outcome)})


def problems_of_outcome(run: RunDescription, outcome: Outcome) -> list[RunProblemAnswer]:
    """Return the problems of a closed run: what cannot be read of it."""
    problem = unreadable(outcome.unreadable) if outcome.unreadable else run.memo_error
    return [_problem(problem.to_json())] if problem else []


async def problems_of_run(run: RunDescription, finder: ProblemFinder) -> list[RunProblemAnswer]:
    """Return the problems of an open run."""
    return [_problem(each.to_json()) for each in await finder.find(run.raw, run.memo_error)]


def _problem(problem: dict[str, Any]) -> RunProblemAnswer:
    return RunProblemAnswer.model_validate(problem)


def result_answer(run: RunDescription, outcome: Outcome) -> ResultAnswer:
    """Return what a closed run left; what cannot be read is its error. Raise BlobMissing, SealError: a stored payload is gone, or
    sealed with another key.
    """
    if isinstance(outcome.unreadable, UNREADABLE):
        raise outcome.unreadable
    result = outcome.result
    return ResultAnswer(
        workflow_id=run.id,
        run_id=run.run_id,
        status=outcome.status,
        last_node=result.journal.last_node if result else None,
        outputs=result.outputs if result else [],
        error=error_of(outcome.error),
        custom_data=result.custom_data if result else {},
        links=links(run.id, "status", "history"),
    )


def status_of_row(row: ExecutionRow) -> StatusAnswer:
    """Return the status of a run from its stored row."""
    summary = row_summary(row)
    progress = Progress(steps_done=row.step_count, steps_failed=0, last_node=None, active=None)
    return StatusAnswer(
        **summary.model_dump(exclude={"steps", "started_at", "closed_at", "problems"}),
        started_at=row.started_at,
        closed_at=row.closed_at,
        progress=progress,
        problems=summary.problems,
        result=None,
    )


def row_summary(row: ExecutionRow) -> RunSummary:
    """Return a stored run as lists show it."""
    return RunSummary(
        workflow_id=row.id,
        run_id=row.run_id,
        workflow_template=row.template,
        plan_hash=row.plan_hash,
        status=row.status,
        trigger=row.trigger_kind,
        user_id=row.user_id,
        started_at=row.started_at,
        closed_at=row.closed_at,
        duration_ms=duration_ms(row.started_at, row.closed_at),
        problems=[_problem(row.problem)] if row.problem else [],
        steps=row.step_count,
        error=error_of(row.error),
        links=links(row.id),
    )


def error_of(error: dict[str, Any] | None) -> ErrorAnswer | None:
    """Return n8n's error object without the members that may quote secrets."""
    if error is None:
        return None
    members = {name: error[name] for name in PUBLIC_ERROR_MEMBERS if error.get(name) is not None}
    if isinstance(members.get("node"), dict):
        members["node"] = members["node"].get("name")
    members["message"] = str(members.get("message") or error.get("name") or "The run failed")
    answer = ErrorAnswer.model_validate({name: _text(name, value) for name, value in members.items()})
    return answer.model_copy(update={"service": _service_of(error)})


def _service_of(error: dict[str, Any]) -> ServiceFacts | None:
    """Return the facts of a vendor's node; an error that a script threw may have anything under their name."""
    try:
        return ServiceFacts.model_validate(error["service"], strict=True)
    except (KeyError, ValidationError):
        return None


def _text(name: str, value: Any) -> Any:
    return value if isinstance(value, str) or name == "context" else str(value)


def duration_ms(started: datetime, ended: datetime | None) -> int | None:
    """Return whole milliseconds between two moments; None while the end is not known."""
    return None if ended is None else round((ended - started).total_seconds() * 1000)


def active_of(journal: Journal) -> ActiveStep | None:
    """Return the step that works or waits now; None: there is none."""
    active = journal.active
    if not active or not active.get("node"):
        return None
    started = active.get("started")
    return ActiveStep(
        node=str(active["node"]),
        run=int(active.get("run") or 0),
        attempt=int(active.get("attempt") or 1),
        started_at=_calendar(started),
        waiting=bool(active.get("waiting")),
        reason=_reason(active.get("reason")),
    )


def _calendar(milliseconds: Any) -> datetime | None:
    """Return the time of a journal's milliseconds; None for none, and for one beyond the calendar (n8n waits until then)."""
    if not isinstance(milliseconds, int | float):
        return None
    try:
        return moment(milliseconds)
    except (ValueError, OverflowError, OSError):
        return None


def _reason(reason: dict[str, Any] | None) -> WaitingFor | None:
    if not reason:
        return None
    until, workflow = reason.get("until"), reason.get("workflow")
    return WaitingFor(
        kind=str(reason.get("for")),
        until=_calendar(until),
        workflow=str(workflow) if workflow else None,
    )


def _progress(journal: Journal) -> Progress:
    return Progress(
        steps_done=journal.count, steps_failed=journal.failed, last_node=journal.last_node, active=active_of(journal)
    )


def _summary(result: RunResult) -> ResultSummary:
    items = [len(output or ()) for output in result.outputs]
    first = next((output[0] for output in result.outputs if output), None)
    preview = first.get("json") if first else None
    if preview is not None and len(dumps(preview)) > MAX_PREVIEW_BYTES:
        preview = None
    return ResultSummary(last_node=result.journal.last_node, items=items, first_item=preview)


def _answer(
    run: RunDescription,
    status: str,
    progress: Progress | None,
    result: ResultSummary | None,
    error: dict[str, Any] | None,
) -> StatusAnswer:
    return StatusAnswer(
        workflow_id=run.id,
        run_id=run.run_id,
        workflow_template=run.template,
        plan_hash=run.plan_hash,
        status=status,
        trigger=run.trigger_kind,
        user_id=run.user_id,
        started_at=run.started_at,
        closed_at=run.closed_at,
        duration_ms=duration_ms(run.started_at, run.closed_at),
        progress=progress,
        result=result,
        error=error_of(error),
        links=links(run.id),
    )
