"""What can be asked of a run and done with it, for REST and the console alike."""

from functools import partial

from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import Dependencies
from api.models import Canceled, HistoryAnswer, RetryRequest, RunPage, StartAnswer, StatusAnswer, links
from api.problems import BadRequest, RunClosed, RunOpen
from api.rates import Rates
from api.runs.history import history_of_row, history_of_run
from api.runs.lookup import find_run, has_data, require_archived, require_data, require_row
from api.runs.start import start_answer
from api.runs.status import (
    problems_of_outcome,
    problems_of_run,
    row_summary,
    status_of_outcome,
    status_of_row,
    status_of_run,
)
from schemas.kinds import RunStatus
from schemas.names import tenant_of
from schemas.run import Journal
from service.execution_store import Filter, cursor_of
from service.page_cursor import BadCursor
from service.retry_input import edited_items
from service.run_fields import parse_field
from service.run_problems.finder import ProblemFinder
from service.run_reader import RunDescription, TemporalRuns
from service.run_retry import RetryChoice, RetrySource, retry_request
from service.run_start import Starter

__all__ = ["cancel", "field_of", "list_runs", "read_history", "read_status", "retry", "retry_source"]


async def list_runs(tenant: str, filter_: Filter, dependencies: Dependencies) -> RunPage:
    """Return a page of runs, newest first. Raises BadRequest: the cursor is none."""
    await dependencies.started_runs.written()
    try:
        rows = await dependencies.executions.page(tenant, filter_)
    except BadCursor as error:
        raise BadRequest("cursor: not a cursor of this list.") from error
    page = rows[: filter_.limit]
    following = cursor_of(page[-1]) if len(rows) > filter_.limit else None
    return RunPage(items=[row_summary(row) for row in page], next_cursor=following)


def field_of(text: str | None) -> tuple[str, str] | None:
    """Return name and value of a filter by declared data; None: there is none. Raises BadRequest."""
    if not text:
        return None
    if (field := parse_field(text)) is None:
        raise BadRequest("field: name=value, such as order=4711.")
    return field


async def read_status(
    tenant: str, workflow_id: str, dependencies: Dependencies, runs: TemporalRuns, finder: ProblemFinder
) -> StatusAnswer:
    """Return status, progress, and the result or the error in short. Raises UnknownRun."""
    run = await find_run(tenant, workflow_id, runs)
    if run is not None:
        return await status_of_run(run, runs, finder, data=await has_data(run, dependencies))
    row = await require_row(tenant, workflow_id, dependencies)
    archived = await dependencies.archive.read(row)
    return status_of_outcome(archived.run, archived.outcome) if archived else status_of_row(row)


async def read_history(
    tenant: str,
    workflow_id: str,
    dependencies: Dependencies,
    runs: TemporalRuns,
    finder: ProblemFinder,
    *,
    previews: bool = False,
) -> HistoryAnswer:
    """Return the steps, in the order in which they happened; with `previews`, first items of each. Raises UnknownRun."""
    run = await find_run(tenant, workflow_id, runs)
    if run is None or not await has_data(run, dependencies):
        return history_of_row(await require_row(tenant, workflow_id, dependencies, with_steps=True))
    error, status = None, run.status
    if run.open:
        journal = await runs.journal(run.id) or Journal(status=RunStatus.RUNNING)
        problems = await problems_of_run(run, finder)
    else:
        outcome = await runs.outcome(run)
        problems = problems_of_outcome(run, outcome)
        if outcome.result is None:  # closed from outside, and no worker to ask; the rows may know from an earlier time
            row = await dependencies.executions.get(tenant, workflow_id, with_steps=True)
            if row is not None and row.run_id == run.run_id and row.steps:
                return history_of_row(row, problems)
        journal = outcome.result.journal if outcome.result else Journal(status="error")
        error, status = outcome.error, outcome.status
    types = await dependencies.store.node_types(tenant, run.plan_hash)
    first_items = await runs.previews(run) if previews else {}
    return history_of_run(run, journal, types, status=status, error=error, previews=first_items, problems=problems)


async def cancel(tenant: str, workflow_id: str, dependencies: Dependencies, runs: TemporalRuns) -> Canceled:
    """Request the cancellation of a run; a transient one is in this process.

    Raises:
        UnknownRun: the tenant has no such run.
        RunClosed: it has ended.
    """
    transient = dependencies.transient
    if transient is not None and tenant_of(workflow_id) == tenant and transient.cancel(workflow_id):
        return Canceled(
            workflow_id=workflow_id, run_id="", status=RunStatus.RUNNING, cancel_requested=True, links=links(workflow_id, "status"),
        )  # fmt: skip
    run = await find_run(tenant, workflow_id, runs)
    if run is None:
        raise _closed((await require_row(tenant, workflow_id, dependencies)).status)
    if not run.open:
        raise _closed(run.status)
    try:
        await dependencies.temporal.get_workflow_handle(workflow_id).cancel()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:  # it ended in the meantime
            raise _closed(RunStatus.COMPLETED) from error
        raise
    return Canceled(
        workflow_id=run.id,
        run_id=run.run_id,
        status=run.status,
        cancel_requested=True,
        links=links(run.id, "status", "history"),
    )


async def retry(
    tenant: str,
    workflow_id: str,
    data: RetryRequest,
    dependencies: Dependencies,
    runs: TemporalRuns,
    starter: Starter,
    rates: Rates,
    *,
    masked: bool = False,
) -> StartAnswer:
    """Start a new run that tries a run again. `masked`: who edited its input saw secrets masked.

    Raises:
        UnknownRun, RunOpen, NotRetriableError, VersionGoneError: there is nothing to try again like that.
        BadRequest: the request contradicts itself.
        TooManyRequests: the tenant has started as many runs as it may.
    """
    rates.require_start(tenant)
    if data.from_start and data.from_node:
        raise BadRequest("from_node, from_start: one of them.")
    run, source = await retry_source(tenant, workflow_id, dependencies, runs)
    edited = data.input_data
    edit = None if edited is None else partial(edited_items, edited=edited, masked=masked)
    choice = RetryChoice(data.from_node, data.from_start, data.with_version, edit)
    run_request = await retry_request(run, choice, dependencies.templates, source)
    return start_answer(await starter.start(run_request), run_request.template)


async def retry_source(
    tenant: str, workflow_id: str, dependencies: Dependencies, runs: TemporalRuns
) -> tuple[RunDescription, RetrySource | None]:
    """Return a run that has ended, and what is known of what it did.

    Raises:
        UnknownRun: the tenant has no such run, or no data are kept of it.
        RunOpen: it has not ended.
    """
    run = await find_run(tenant, workflow_id, runs)
    if run is None:
        archived = await require_archived(tenant, workflow_id, dependencies)
        return archived.run, RetrySource.of_archive(archived, await dependencies.archive.state(archived))
    if run.open:
        raise RunOpen("The run has not ended yet; cancel it first.", run_status=run.status)
    await require_data(run, dependencies)
    return run, RetrySource.of_answer(await runs.state(run)) or await _archived_source(run, dependencies)


async def _archived_source(run: RunDescription, dependencies: Dependencies) -> RetrySource | None:
    """Return what is stored of a run of which no worker tells anything: its input, to begin again with."""
    row = await dependencies.executions.get(run.tenant, run.id)
    archived = await dependencies.archive.read(row) if row is not None and row.run_id == run.run_id else None
    return RetrySource.of_archive(archived, None) if archived is not None else None


def _closed(status: str) -> RunClosed:
    return RunClosed(f"The run has ended ({status}), so there is nothing to cancel.", run_status=status)
