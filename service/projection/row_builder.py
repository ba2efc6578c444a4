"""Make the row of a run from what Temporal has of it."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.kinds import RunStatus, TriggerKind
from schemas.plan import Settings
from schemas.run import Journal, StepRecord
from service.execution_rows import ExecutionRow, Retry, StepRow, UsageRow
from service.run_archive import RunArchive
from service.run_ends import RunEnds
from service.run_problems.kinds import unreadable
from service.run_problems.problem import RunProblem
from service.run_reader import CLOSED_FROM_OUTSIDE, Outcome, RunDescription, TemporalRuns, moment
from service.storable import MAX_INTEGER, storable_count
from service.templates import TemplateStore

__all__ = ["RowBuilder", "execution_row", "forgotten_row", "set_aside", "step_row", "usage_row"]

MAX_PLANS: Final = 5_000
"""Plans whose settings and node types are in memory at once."""
UNPUBLISHED_SECONDS: Final = 60.0
"""After which a plan that was not published is looked up again."""
FIRST_RETRY: Final = {"set_aside": timedelta(seconds=30), "steps": timedelta(seconds=5)}
MAX_RETRY: Final = timedelta(hours=6)
MAX_STEPS_ATTEMPTS: Final = 10
"""How often a worker is asked what a run did that was closed from outside: for about an hour."""


class RowBuilder:
    """Rows of runs.

    Args:
        runs: asked for ends and journals.
        templates: asked for what rows need to know of plans.
        archive: seals what closed runs leave; None: nothing of them is stored but their rows.
        ends: opens what workers said of ended runs.
    """

    def __init__(
        self,
        runs: TemporalRuns,
        templates: TemplateStore,
        archive: RunArchive | None = None,
        ends: RunEnds | None = None,
    ) -> None:
        self._runs, self._templates, self._archive, self._ends = runs, templates, archive, ends
        self._plans: OrderedDict[tuple[str, str], _PlanFacts] = OrderedDict()

    async def row(self, run: RunDescription, *, attempts: int = 0, end: bytes | None = None) -> ExecutionRow | None:
        """Return the row of a run; None for one that is of no template, or that was continued as new.

        Args:
            run: as it is listed or described.
            attempts: how often it was read before.
            end: what its worker said of its end, see `service.run_ends`; None: Temporal is read.

        Raises:
            RPCError: Temporal does not answer.
            DatabaseUnavailable: Postgres or the bucket does not answer.
            Exception: its data are odd.
        """
        if not run.tenant or ":" not in run.id:
            return None
        if run.open:
            return None if run.closed_at is not None else _open_row(run, attempts)
        outcome = await self._outcome(run, attempts, end)
        if problem := run.memo_error or outcome.unreadable:
            return set_aside(run, problem, attempts)
        journal = outcome.result.journal if outcome.result else Journal(status="error")
        if run.trigger_kind == TriggerKind.POLL and outcome.status == RunStatus.COMPLETED and _found_nothing(journal):
            return execution_row(run, outcome.status, history_kept=False, empty=True)
        usage = [usage_row(each, run) for each in journal.usage]
        plan = await self._plan(run)
        if not plan.settings.saves(outcome.status):
            why = {"message": "The run failed; its workflow keeps no data of such runs"} if outcome.error else None
            return execution_row(
                run, outcome.status, error=why, step_count=journal.count, steps=[], usage=usage, history_kept=False
            )
        return execution_row(
            run,
            outcome.status,
            error=outcome.error,
            step_count=journal.count,
            steps=[step_row(place, record, plan.types) for place, record in journal.since(0)],
            usage=usage,
            fields=outcome.result.custom_data if outcome.result else {},
            archive=end or (await self._archive.seal(run, outcome) if self._archive else None),
            retry=_steps_later(run, outcome, attempts),
        )

    async def _outcome(self, run: RunDescription, attempts: int, end: bytes | None) -> Outcome:
        if end is not None and self._ends is not None:
            return await self._runs.outcome_of(run, self._ends.open(run.tenant, end))
        # a worker that is away would hold up everybody's rows for seconds: the first time, nobody is asked
        return await self._runs.outcome(run, query=attempts > 0)

    async def _plan(self, run: RunDescription) -> "_PlanFacts":
        key, now = (run.tenant, run.plan_hash), time.monotonic()
        plan = self._plans.get(key)
        if plan is None or (not plan.types and now > plan.read_at + UNPUBLISHED_SECONDS):
            settings, types = await self._templates.settings(*key), await self._templates.node_types(*key)
            plan = self._plans[key] = _PlanFacts(settings, types, now)
            if len(self._plans) > MAX_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return plan


@dataclass(frozen=True)
class _PlanFacts:
    """What rows need to know of a plan. Plans never change; one that was never published has no types."""

    settings: Settings
    types: dict[str, str]
    read_at: float


def set_aside(run: RunDescription, problem: RunProblem | Exception, attempts: int) -> ExecutionRow:
    """Return the row of a run that could not be read or written: what lists show of it, with the reason."""
    reason = unreadable(problem) if isinstance(problem, Exception) else problem
    retry = Retry("set_aside", reason.cause, attempts + 1, _pause("set_aside", attempts))
    return execution_row(run, run.status, problem=reason, retry=retry)


def forgotten_row(row: ExecutionRow) -> ExecutionRow:
    """Return the row of a run that Temporal has no record of any more."""
    error = {"name": "Forgotten", "message": "Temporal has no record of this run any more"}
    return ExecutionRow(
        tenant=row.tenant, id=row.id, run_id=row.run_id, template=row.template, plan_hash=row.plan_hash,
        trigger_kind=row.trigger_kind, status=RunStatus.TERMINATED, started_at=row.started_at, closed_at=datetime.now(UTC),
        user_id=row.user_id, parent_id=row.parent_id, error=error,
    )  # fmt: skip


def execution_row(
    run: RunDescription, status: RunStatus, *, problem: RunProblem | None = None, **rest: Any
) -> ExecutionRow:
    """Return a row with what every list of Temporal says about a run."""
    noticed = datetime.now(UTC)
    return ExecutionRow(
        tenant=run.tenant,
        id=run.id,
        run_id=run.run_id,
        template=run.template,
        plan_hash=run.plan_hash,
        trigger_kind=run.trigger_kind,
        status=status,
        started_at=run.started_at,
        closed_at=run.closed_at,
        user_id=run.user_id,
        parent_id=run.parent_id,
        retry_of=run.retry_of,
        traceparent=run.traceparent,
        problem={**problem.to_json(), "since": (problem.since or noticed).isoformat()} if problem else None,
        **rest,
    )


def step_row(place: int, record: StepRecord, types: dict[str, str]) -> StepRow:
    """Return a step of a journal as a row. `types`: node name -> node type."""
    return StepRow(
        node=record.node,
        type=types.get(record.node, ""),
        run=record.run,
        tries=record.tries,
        status=record.status,
        started_at=moment(record.started),
        finished_at=None if record.finished is None else moment(record.finished),
        items_in=list(record.items_in),
        items_out=list(record.items_out),
        error=record.error,
        place=place,
    )


def _open_row(run: RunDescription, attempts: int) -> ExecutionRow:
    if run.memo_error:
        return set_aside(run, run.memo_error, attempts)
    return execution_row(run, run.status, problem=run.problem)


def _steps_later(run: RunDescription, outcome: Outcome, attempts: int) -> Retry | None:
    """Return when to ask a worker for the steps of a run that was closed from outside; None: there are, or it was asked enough."""
    if outcome.result is not None or run.status not in CLOSED_FROM_OUTSIDE or attempts >= MAX_STEPS_ATTEMPTS:
        return None
    return Retry("steps", "NoWorker", attempts + 1, _pause("steps", attempts))


def _pause(kind: str, attempts: int) -> timedelta:
    return min(FIRST_RETRY[kind] * (1 << min(attempts, 20)), MAX_RETRY)


def _found_nothing(journal: Journal) -> bool:
    return journal.count == 1 and not any(journal.steps[0].items_out)


def usage_row(each: dict[str, Any], run: RunDescription) -> UsageRow:
    """Return a model request as a row. A model server may answer any numbers."""
    agent, node, model, status = (each.get(name) for name in ("agent", "node", "model", "status"))
    began = moment(each["started"]) if isinstance(each.get("started"), int | float) else None
    duration = storable_count(each.get("duration_ms") or each.get("ms"), MAX_INTEGER)
    return UsageRow(
        agent=str(agent or node or "model"),
        node=str(node or ""),
        model=None if model is None else str(model),
        input_tokens=storable_count(each.get("input_tokens")),
        output_tokens=storable_count(each.get("output_tokens")),
        duration_ms=duration,
        requests=storable_count(each.get("requests") or 1, MAX_INTEGER),
        status=str(status or "success"),
        occurred_at=run.closed_at or run.started_at,
        cost_usd=each.get("cost_usd"),
        began_at=began,
        ended_at=began + timedelta(milliseconds=duration) if began else None,
    )
