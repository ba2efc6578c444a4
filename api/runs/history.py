"""The history answer: from the journal while Temporal has the run, from the stored rows afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.models import ForgottenRuns, HistoryAnswer, RunProblemAnswer, StepAnswer, links
from api.runs.status import active_of, duration_ms, error_of
from schemas.run import Journal, StepRecord
from service.execution_store import ExecutionRow, StepRow
from service.run_reader import RunDescription, moment

__all__ = ["history_of_row", "history_of_run", "step_of_record", "step_of_row"]


def history_of_run(
    run: RunDescription,
    journal: Journal,
    types: dict[str, str],
    *,
    status: str,
    error: dict[str, Any] | None,
    previews: Mapping[str, Any],
    problems: Sequence[RunProblemAnswer] = (),
) -> HistoryAnswer:
    """Return the history of a run that Temporal has.

    Args:
        run: as Temporal describes it.
        journal: of the run.
        types: node name -> node type, from its plan.
        status: of the run.
        error: n8n's error object of a run that failed.
        previews: first items of its steps, see `runtime.interpreter.previews`.
        problems: what stands in the way of it.
    """
    return HistoryAnswer(
        workflow_id=run.id,
        run_id=run.run_id,
        workflow_template=run.template,
        status=status,
        started_at=run.started_at,
        closed_at=run.closed_at,
        steps=[
            step_of_record(place, step, types.get(step.node), previews.get(f"{step.node}#{step.run}"))
            for place, step in journal.since(0)
        ],
        forgotten={name: ForgottenRuns(**gone.model_dump()) for name, gone in journal.forgotten.items()},
        active=active_of(journal) if run.open else None,
        problems=list(problems),
        usage=journal.usage,
        error=error_of(error),
        links=links(run.id, "status", "result"),
    )


def history_of_row(row: ExecutionRow, problems: Sequence[RunProblemAnswer] = ()) -> HistoryAnswer:
    """Return the history of a run from its stored rows; `problems`: why it is not from the run itself."""
    return HistoryAnswer(
        workflow_id=row.id,
        run_id=row.run_id,
        workflow_template=row.template,
        status=row.status,
        started_at=row.started_at,
        closed_at=row.closed_at,
        steps=[step_of_row(step) for step in row.steps or ()],
        active=None,
        problems=list(problems),
        usage=[],
        error=error_of(row.error),
        links=links(row.id, "status", "result"),
    )


def step_of_record(
    place: int, step: StepRecord, type_: str | None, preview: Mapping[str, Any] | None = None
) -> StepAnswer:
    """Return an entry of a journal as a step; `type_` is its node's type."""
    started = moment(step.started)
    finished = None if step.finished is None else moment(step.finished)
    return StepAnswer(
        sequence=place,
        node=step.node,
        type=type_,
        run=step.run,
        status=step.status,
        started_at=started,
        finished_at=finished,
        duration_ms=duration_ms(started, finished),
        tries=step.tries,
        items_in=step.items_in,
        items_out=step.items_out,
        input=preview.get("input") if preview else None,
        output=preview.get("output") if preview else None,
        error=error_of(step.error),
    )


def step_of_row(step: StepRow) -> StepAnswer:
    """Return a stored step."""
    return StepAnswer(
        sequence=step.place,
        node=step.node,
        type=step.type or None,
        run=step.run,
        status=step.status,
        started_at=step.started_at,
        finished_at=step.finished_at,
        duration_ms=duration_ms(step.started_at, step.finished_at),
        tries=step.tries,
        items_in=step.items_in,
        items_out=step.items_out,
        error=error_of(step.error),
    )
