"""Runs: start, status, result, history, cancel, list."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
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
from api.runs.status import error_of, row_summary, status_of_row, status_of_run
from schemas.kinds import Mode, RunStatus, TriggerKind
from schemas.names import tenant_of
from schemas.plan import Step
from schemas.run import Journal
from service.execution_store import BadCursor, Filter, cursor_of
from service.run_reader import RunDescription, TemporalRuns
from service.run_retry import RetryChoice, retry_request
from service.run_start import RunRequest, Starter, entry_step, run_id_of, uuid7

__all__ = ["WorkflowController"]

IDEMPOTENCY_KEY_LIMIT: Final = 255

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
        step = entry_step(template.plan)
        run_request = RunRequest(
            tenant=tenant,
            template=template,
            start=step.name,
            trigger_kind=TriggerKind.API,
            mode=Mode.WEBHOOK if step.trigger == TriggerKind.WEBHOOK else Mode.TRIGGER,
            items=_items(step, data.input_data),
            run=run_id_of(tenant, template.key, idempotency_key) if idempotency_key else uuid7(),
            user_id=data.user_id,
            digest=_digest(data) if idempotency_key else None,
        )
        started = await starter.start(run_request)
        return StartAnswer(
            workflow_id=started.workflow_id,
            run_id=started.run_id,
            status=RunStatus.RUNNING,
            workflow_template=template.key,
            template_version=template.version,
            plan_hash=template.plan_hash,
            links=links(started.workflow_id),
        )

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
        """Status, progress, and the result or the error in short."""
        run = await _run(request.user.tenant, workflow_id, runs)
        if run is not None:
            return await status_of_run(run, runs, data=await _has_data(run, dependencies))
        row = await dependencies.executions.get(request.user.tenant, workflow_id)
        if row is None:
            raise _unknown(workflow_id)
        return status_of_row(row)

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
        """The outputs of the last node."""
        run = await _run(request.user.tenant, workflow_id, runs)
        if run is None:
            raise _unknown(workflow_id)
        if run.open and wait:
            await runs.wait(run, wait)
            run = await runs.describe(workflow_id) or run
        if run.open:
            raise RunOpen("The run has not ended yet.", run_status=run.status)
        await _keeps_data(run, dependencies)
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
        """The steps, in the order in which they happened."""
        tenant = request.user.tenant
        run = await _run(tenant, workflow_id, runs)
        if run is None or not await _has_data(run, dependencies):
            row = await dependencies.executions.get(tenant, workflow_id, with_steps=True)
            if row is None:
                raise _unknown(workflow_id)
            return history_of_row(row)
        error, status = None, run.status
        if run.open:
            journal = await runs.journal(run.id) or Journal(status=RunStatus.RUNNING)
        else:
            outcome = await runs.outcome(run)
            journal = outcome.result.journal if outcome.result else Journal(status="error")
            error, status = outcome.error, outcome.status
        types = await dependencies.store.node_types(tenant, run.plan_hash)
        shown = await runs.previews(run) if previews else {}
        return history_of_run(run, journal, types, status=status, error=error, previews=shown)

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
        """Until the run ends."""
        run = await _run(request.user.tenant, workflow_id, runs)
        if run is None:
            raise _unknown(workflow_id)
        await _keeps_data(run, dependencies)
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
        """Ask Temporal to cancel; a transient run is in this process."""
        if (
            dependencies.transient is not None
            and tenant_of(workflow_id) == request.user.tenant
            and dependencies.transient.cancel(workflow_id)
        ):
            return Canceled(
                workflow_id=workflow_id, run_id="", status=RunStatus.RUNNING, cancel_requested=True, links=links(workflow_id, "status"),
            )  # fmt: skip
        run = await _run(request.user.tenant, workflow_id, runs)
        if run is None:
            row = await dependencies.executions.get(request.user.tenant, workflow_id)
            if row is None:
                raise _unknown(workflow_id)
            raise _closed(row.status)
        if not run.open:
            raise _closed(run.status)
        try:
            await dependencies.temporal.get_workflow_handle(workflow_id).cancel()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # it ended between the question and the request
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
        run = await _run(tenant, workflow_id, runs)
        if run is None:
            raise _unknown(workflow_id)
        if run.open:
            raise RunOpen("The run has not ended yet; cancel it first.", run_status=run.status)
        await _keeps_data(run, dependencies)
        choice = RetryChoice(data.from_node, data.from_start, data.with_version)
        run_request = await retry_request(run, choice, dependencies.templates, await runs.state(run))
        started = await starter.start(run_request)
        return StartAnswer(
            workflow_id=started.workflow_id,
            run_id=started.run_id,
            status=RunStatus.RUNNING,
            workflow_template=run_request.template.key,
            template_version=run_request.template.version,
            plan_hash=run_request.template.plan_hash,
            links=links(started.workflow_id),
        )

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
        """A page of runs."""
        wanted = Filter(status=status, template=template, user_id=user_id, before=cursor, limit=limit)
        try:
            rows = await dependencies.executions.page(request.user.tenant, wanted)
        except BadCursor as error:
            raise BadRequest("cursor: not a cursor of this list.") from error
        page = rows[:limit]
        items: Sequence[RunSummary] = [row_summary(row) for row in page]
        return RunPage(items=list(items), next_cursor=cursor_of(page[-1]) if len(rows) > limit else None)


async def _run(tenant: str, workflow_id: str, runs: TemporalRuns) -> RunDescription | None:
    """The tenant's run; None when Temporal has none. Another tenant's id is not even asked for."""
    if tenant_of(workflow_id) != tenant or workflow_id.count(":") < 2:  # tenant:template:run
        raise _unknown(workflow_id)
    return await runs.describe(workflow_id)


async def _has_data(run: RunDescription, dependencies: Dependencies) -> bool:
    """False for a run that has ended in a way of which its workflow's settings keep no data."""
    return run.open or (await dependencies.store.settings(run.tenant, run.plan_hash)).saves(run.status)


async def _keeps_data(run: RunDescription, dependencies: Dependencies) -> None:
    if not await _has_data(run, dependencies):
        raise UnknownRun(
            f"The run ended ({run.status}), and the settings of its workflow keep no data of such runs "
            "(saveDataSuccessExecution, saveDataErrorExecution)."
        )


def _unknown(workflow_id: str) -> UnknownRun:
    return UnknownRun(f"There is no run {workflow_id!r}.")


def _closed(status: str) -> RunClosed:
    return RunClosed(f"The run has ended ({status}), so there is nothing to cancel.", run_status=status)


def _items(step: Step, data: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`input_data` as n8n items; a webhook node hands on what a request looks like, so that is what it gets."""
    if step.trigger == TriggerKind.WEBHOOK:
        request = {
            "headers": {},
            "params": {},
            "query": {},
            "body": data,
            "webhookUrl": "",
            "executionMode": "production",
        }
        return [{"json": request}]
    return [{"json": each} for each in (data if isinstance(data, list) else [data])]


def _digest(data: StartRequest) -> str:
    body = orjson.dumps(data.model_dump(exclude={"tenant_id"}), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()
