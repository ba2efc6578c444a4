"""Runs: start, status, result, history, cancel, list."""

from datetime import datetime
from typing import Annotated, Any, Final

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import ServerSentEvent

from api.access import needs
from api.audit.middleware import name_object
from api.authentication import Principal
from api.dependencies import Dependencies
from api.models import (
    Canceled,
    HistoryAnswer,
    ResultAnswer,
    RetryRequest,
    RunPage,
    StartAnswer,
    StartRequest,
    StatusAnswer,
)
from api.moments import utc
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
    UnsupportedMediaType,
)
from api.rates import Rates
from api.runs import actions
from api.runs.events import events_of, events_of_row
from api.runs.lookup import find_run, require_archived, require_data, require_ended
from api.runs.start import run_request_of, start_answer
from api.runs.status import (
    result_answer,
)
from api.runs.watcher import RunWatchers
from schemas.kinds import RunStatus, TriggerKind
from service.api_keys import KeyScope
from service.execution_store import Filter
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns
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
        **needs(KeyScope.RUN, "run.start"),
        status_code=202,
        summary="Start a run",
        responses=problems(
            UnsupportedMediaType, BadRequest, TenantMismatch, UnknownTemplate, TooLarge, KeyReused, NotStartable
        ),
        description="Durable when it answers. With an Idempotency-Key the request can be repeated safely.",
    )
    async def start(
        self,
        request: Request[Principal, None, Any],
        data: JSONBody[StartRequest],
        dependencies: NamedDependency[Dependencies],
        starter: NamedDependency[Starter],
        rates: NamedDependency[Rates],
        idempotency_key: Annotated[
            str | None,
            HeaderParameter(
                name="Idempotency-Key", max_length=IDEMPOTENCY_KEY_LIMIT, description="One run per key and template"
            ),
        ] = None,
    ) -> StartAnswer:
        """Start a run of a published template."""
        tenant = request.user.tenant
        name_object(request, "template", data.workflow_template)
        if data.tenant_id is not None and data.tenant_id != tenant:
            raise TenantMismatch(
                f"The key belongs to tenant {tenant!r}, the body says {data.tenant_id!r}. Leave tenant_id out."
            )
        rates.require_start(tenant)
        template = await dependencies.templates.current(tenant, data.workflow_template)
        if template is None:
            available = [each.key for each in await dependencies.store.summaries(tenant)]
            raise UnknownTemplate(
                f"There is no template {data.workflow_template!r}. "
                + (f"There are: {', '.join(available)}." if available else "None is published yet."),
                available=available,
            )
        started = await starter.start(run_request_of(tenant, template, data, idempotency_key))
        name_object(request, "run", started.workflow_id)
        return start_answer(started, template)

    @get(
        "/{workflow_id:str}/status",
        **needs(KeyScope.READ),
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
        problem_finder: NamedDependency[ProblemFinder],
    ) -> StatusAnswer:
        """Return status, progress, and the result or the error in short."""
        return await actions.read_status(request.user.tenant, workflow_id, dependencies, runs, problem_finder)

    @get(
        "/{workflow_id:str}/result",
        **needs(KeyScope.READ),
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
        run = await find_run(request.user.tenant, workflow_id, runs)
        if run is None:
            archived = await require_archived(request.user.tenant, workflow_id, dependencies)
            return result_answer(archived.run, archived.outcome)
        if run.open and wait:
            await runs.wait(run, wait)
            run = await runs.describe(workflow_id) or run
        if run.open:
            raise RunOpen("The run has not ended yet.", run_status=run.status)
        await require_data(run, dependencies)
        return result_answer(run, await runs.outcome(run))

    @get(
        "/{workflow_id:str}/history",
        **needs(KeyScope.READ),
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
        problem_finder: NamedDependency[ProblemFinder],
        previews: Annotated[
            bool,
            QueryParameter(description="Show the first items of each step's inputs and outputs; a worker is asked"),
        ] = True,
    ) -> HistoryAnswer:
        """Return the steps, in the order in which they happened."""
        tenant = request.user.tenant
        return await actions.read_history(tenant, workflow_id, dependencies, runs, problem_finder, previews=previews)

    @get(
        "/{workflow_id:str}/events",
        **needs(KeyScope.READ),
        summary="Watch a run",
        responses=problems(UnknownRun),
        media_type="text/event-stream",
        description="Server-sent events: `step` for each run of a node as in the history, `answer` with the next words "
        "of a model that speaks (its text up to `at` characters, then `text`; `again`: it begins again), `status` when it changes, `end`. "
        "A listener that comes back sends the id of its last event as Last-Event-ID and misses nothing.",
    )
    async def events(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        watchers: NamedDependency[RunWatchers],
        rates: NamedDependency[Rates],
        last_event_id: Annotated[
            int | None, HeaderParameter(name="Last-Event-ID", ge=0, description="Number of the last step that was seen")
        ] = None,
    ) -> ServerSentEvent:
        """Send the events until the run ends."""
        tenant = request.user.tenant
        run = await find_run(tenant, workflow_id, watchers)
        if run is None:
            return events_of_row(await require_ended(tenant, workflow_id, dependencies), last_event_id or 0)
        await require_data(run, dependencies)

        async def types() -> dict[str, str]:
            return dict(await dependencies.store.node_types(tenant, run.plan_hash))

        return events_of(run, watchers, types, last_event_id or 0, rates.streams)

    @post(
        "/{workflow_id:str}/cancel",
        **needs(KeyScope.RUN, "run.cancel"),
        status_code=202,
        summary="Cancel a run",
        responses=problems(UnsupportedMediaType, UnknownRun, RunClosed),
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
        return await actions.cancel(request.user.tenant, workflow_id, dependencies, runs)

    @post(
        "/{workflow_id:str}/retry",
        **needs(KeyScope.RUN, "run.retry"),
        status_code=202,
        summary="Try a run again",
        responses=problems(UnsupportedMediaType, BadRequest, UnknownRun, RunOpen, NotRetriable, UnknownTemplate),
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
        rates: NamedDependency[Rates],
    ) -> StartAnswer:
        """Start the new run."""
        return await actions.retry(request.user.tenant, workflow_id, data, dependencies, runs, starter, rates)

    @get(
        "/",
        **needs(KeyScope.READ),
        summary="List runs",
        responses=problems(BadRequest),
        description="Newest first, from stored rows, which follow within a second. `next_cursor` is null at the end.",
    )
    async def list_(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        *,
        status: Annotated[RunStatus | None, QueryParameter(description="Runs with this status")] = None,
        template: Annotated[str | None, QueryParameter(description="Runs of this template", max_length=128)] = None,
        user_id: Annotated[str | None, QueryParameter(description="Runs of this user", max_length=256)] = None,
        problem: Annotated[
            bool | None, QueryParameter(description="true: runs that are stuck or incomplete; false: all others")
        ] = None,
        trigger: Annotated[TriggerKind | None, QueryParameter(description="Runs that this started")] = None,
        fingerprint: Annotated[
            str | None, QueryParameter(description="Failed runs of a group of /failures", max_length=64)
        ] = None,
        field: Annotated[
            str | None,
            QueryParameter(description="name=value of what runs declare with an Execution Data node", max_length=2000),
        ] = None,
        since: Annotated[datetime | None, QueryParameter(description="Runs that started then or later")] = None,
        until: Annotated[datetime | None, QueryParameter(description="Runs that started earlier")] = None,
        cursor: Annotated[
            str | None, QueryParameter(description="next_cursor of the last page", max_length=2000)
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Runs per page")] = 50,
    ) -> RunPage:
        """Return a page of runs."""
        filter_ = Filter(
            status=status, template=template, user_id=user_id, problem=problem, trigger=trigger, fingerprint=fingerprint,
            field=actions.field_of(field),
            since=utc(since, "since"), until=utc(until, "until"), before=cursor, limit=limit,
        )  # fmt: skip
        return await actions.list_runs(request.user.tenant, filter_, dependencies)
