"""Runs: start, status, result, history, cancel, list."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import ServerSentEvent
from temporalio.service import RPCError, RPCStatusCode

from api.authentication import Principal
from api.dependencies import Dependencies
from api.models import (
    Canceled,
    HistoryAnswer,
    ResultAnswer,
    RetryRequest,
    RunPage,
    RunSummary,
    StartAnswer,
    StartRequest,
    StatusAnswer,
    links,
)
from api.openapi import problems
from api.problems import (
    BadRequest,
    KeyReused,
    NotRetriable,
    NotStartable,
    RunClosed,
    RunOpen,
    TenantMismatch,
    TooLarge,
    UnknownRun,
    UnknownTemplate,
)
from api.runs.events import events_of
from api.runs.history import history_of_row, history_of_run
from api.runs.lookup import find_run, has_data, require_data, require_row, require_run
from api.runs.start import run_request_of, start_answer
from api.runs.status import error_of, row_summary, status_of_row, status_of_run
from schemas.kinds import RunStatus
from schemas.names import tenant_of
from schemas.run import Journal
from service.execution_store import BadCursor, Filter, cursor_of
from service.run_reader import TemporalRuns
from service.run_retry import RetryChoice, retry_request
from service.run_start import Starter

__all__ = ["WorkflowController"]

IDEMPOTENCY_KEY_LIMIT: Final = 255
"""Characters of an idempotency key."""

WorkflowId = Annotated[str, PathParameter(description="The workflow_id that the start answered", max_length=1000)]


class WorkflowController(Controller):
    """Everything under /workflows."""

    path = "/workflows"
    tags = ("Workflows",)

    @post(
        "/start",
        status_code=202,
        summary="Start a run",
        responses=problems(BadRequest, TenantMismatch, UnknownTemplate, TooLarge, KeyReused, NotStartable),
        description="Durable when it answers. With an Idempotency-Key the request can be repeated safely.",
    )
    async def start(
        self,
        request: Request[Principal, None, Any],
        data: JSONBody[StartRequest],
        dependencies: NamedDependency[Dependencies],
        starter: NamedDependency[Starter],
        idempotency_key: Annotated[
            str | None,
            HeaderParameter(
                name="Idempotency-Key", max_length=IDEMPOTENCY_KEY_LIMIT, description="One run per key and template"
            ),
        ] = None,
    ) -> StartAnswer:
        """Start a run of a published template."""
        tenant = request.user.tenant
        if data.tenant_id is not None and data.tenant_id != tenant:
            raise TenantMismatch(
                f"The key belongs to tenant {tenant!r}, the body says {data.tenant_id!r}. Leave tenant_id out."
            )
        template = await dependencies.templates.current(tenant, data.workflow_template)
        if template is None:
            available = [each.key for each in await dependencies.store.summaries(tenant)]
            raise UnknownTemplate(
                f"There is no template {data.workflow_template!r}. "
                + (f"There are: {', '.join(available)}." if available else "None is published yet."),
                available=available,
            )
        started = await starter.start(run_request_of(tenant, template, data, idempotency_key))
        return start_answer(started, template)

    @get(
        "/{workflow_id:str}/status",
        summary="How a run stands",
        responses=problems(UnknownRun),
        description="Asks Temporal, so it is never behind. `progress` is null while no worker answers.",
    )
    async def status(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
    ) -> StatusAnswer:
        """Return status, progress, and the result or the error in short."""
        run = await find_run(request.user.tenant, workflow_id, runs)
        if run is not None:
            return await status_of_run(run, runs, data=await has_data(run, dependencies))
        return status_of_row(await require_row(request.user.tenant, workflow_id, dependencies))

    @get(
        "/{workflow_id:str}/result",
        summary="What a run left",
        responses=problems(BadRequest, UnknownRun, RunOpen),
        description="409 while it runs; with `wait` it is given so many seconds to end.",
    )
    async def result(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        wait: Annotated[float, QueryParameter(ge=0, le=60, description="Seconds to wait for the end")] = 0,
    ) -> ResultAnswer:
        """Return the outputs of the last node."""
        run = await require_run(request.user.tenant, workflow_id, runs)
        if run.open and wait:
            await runs.wait(run, wait)
            run = await runs.describe(workflow_id) or run
        if run.open:
            raise RunOpen("The run has not ended yet.", run_status=run.status)
        await require_data(run, dependencies)
        outcome = await runs.outcome(run)
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

    @get(
        "/{workflow_id:str}/history",
        summary="What a run did",
        responses=problems(UnknownRun),
        description="One entry per run of a node, by n8n's node names, with times, tries, item counts and errors.",
    )
    async def history(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        previews: Annotated[
            bool,
            QueryParameter(description="Show the first items of each step's inputs and outputs; a worker is asked"),
        ] = True,
    ) -> HistoryAnswer:
        """Return the steps, in the order in which they happened."""
        tenant = request.user.tenant
        run = await find_run(tenant, workflow_id, runs)
        if run is None or not await has_data(run, dependencies):
            return history_of_row(await require_row(tenant, workflow_id, dependencies, with_steps=True))
        error, status = None, run.status
        if run.open:
            journal = await runs.journal(run.id) or Journal(status=RunStatus.RUNNING)
        else:
            outcome = await runs.outcome(run)
            journal = outcome.result.journal if outcome.result else Journal(status="error")
            error, status = outcome.error, outcome.status
        types = await dependencies.store.node_types(tenant, run.plan_hash)
        first_items = await runs.previews(run) if previews else {}
        return history_of_run(run, journal, types, status=status, error=error, previews=first_items)

    @get(
        "/{workflow_id:str}/events",
        summary="Watch a run",
        responses=problems(UnknownRun),
        media_type="text/event-stream",
        description="Server-sent events: `step` for each run of a node as in the history, `status` when it changes, `end`. "
        "A listener that comes back sends the id of its last event as Last-Event-ID and misses nothing.",
    )
    async def events(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        last_event_id: Annotated[
            int | None, HeaderParameter(name="Last-Event-ID", ge=0, description="Number of the last step that was seen")
        ] = None,
    ) -> ServerSentEvent:
        """Send the events until the run ends."""
        run = await require_run(request.user.tenant, workflow_id, runs)
        await require_data(run, dependencies)
        types = await dependencies.store.node_types(request.user.tenant, run.plan_hash)
        return events_of(run, runs, types, last_event_id or 0)

    @post(
        "/{workflow_id:str}/cancel",
        status_code=202,
        summary="Cancel a run",
        responses=problems(UnknownRun, RunClosed),
        description="The run stops where it waits or after the step it is in. 409 when it has ended.",
    )
    async def cancel(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
    ) -> Canceled:
        """Request the cancellation; a transient run is in this process."""
        if (
            dependencies.transient is not None
            and tenant_of(workflow_id) == request.user.tenant
            and dependencies.transient.cancel(workflow_id)
        ):
            return Canceled(
                workflow_id=workflow_id, run_id="", status=RunStatus.RUNNING, cancel_requested=True, links=links(workflow_id, "status"),
            )  # fmt: skip
        run = await find_run(request.user.tenant, workflow_id, runs)
        if run is None:
            raise _closed((await require_row(request.user.tenant, workflow_id, dependencies)).status)
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

    @post(
        "/{workflow_id:str}/retry",
        status_code=202,
        summary="Try a run again",
        responses=problems(BadRequest, UnknownRun, RunOpen, NotRetriable, UnknownTemplate),
        description="A new run that goes on at the node that failed, at any node, or at the start. The old one stays as it "
        "is. Asks a worker what the run had done.",
    )
    async def retry(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        data: JSONBody[RetryRequest],
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        starter: NamedDependency[Starter],
    ) -> StartAnswer:
        """Start the new run."""
        if data.from_start and data.from_node:
            raise BadRequest("from_node, from_start: one of them.")
        tenant = request.user.tenant
        run = await require_run(tenant, workflow_id, runs)
        if run.open:
            raise RunOpen("The run has not ended yet; cancel it first.", run_status=run.status)
        await require_data(run, dependencies)
        choice = RetryChoice(data.from_node, data.from_start, data.with_version)
        run_request = await retry_request(run, choice, dependencies.templates, await runs.state(run))
        return start_answer(await starter.start(run_request), run_request.template)

    @get(
        "/",
        summary="List runs",
        responses=problems(BadRequest),
        description="Newest first, from stored rows, which follow within a second. `next_cursor` is null at the end.",
    )
    async def list_(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        status: Annotated[RunStatus | None, QueryParameter(description="Runs with this status")] = None,
        template: Annotated[str | None, QueryParameter(description="Runs of this template", max_length=128)] = None,
        user_id: Annotated[str | None, QueryParameter(description="Runs of this user", max_length=256)] = None,
        cursor: Annotated[
            str | None, QueryParameter(description="next_cursor of the last page", max_length=2000)
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Runs per page")] = 50,
    ) -> RunPage:
        """Return a page of runs."""
        filter_ = Filter(status=status, template=template, user_id=user_id, before=cursor, limit=limit)
        try:
            rows = await dependencies.executions.page(request.user.tenant, filter_)
        except BadCursor as error:
            raise BadRequest("cursor: not a cursor of this list.") from error
        page = rows[:limit]
        items: Sequence[RunSummary] = [row_summary(row) for row in page]
        return RunPage(items=list(items), next_cursor=cursor_of(page[-1]) if len(rows) > limit else None)


def _closed(status: str) -> RunClosed:
    return RunClosed(f"The run has ended ({status}), so there is nothing to cancel.", run_status=status)
