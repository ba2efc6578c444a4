"""The page of a run: its graph and steps, live; what went through its nodes; cancel."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from litestar.response import Redirect, ServerSentEvent

from api.authentication import Principal
from api.console.agent_tree import agent_tree
from api.console.node_items import read_items, side_of
from api.console.pages import fragment, page, run_url
from api.console.problems import PAGE_HANDLERS
from api.console.run_diff import diff_of_runs
from api.console.run_events import PageEvents
from api.console.run_timeline import read_timeline, spans_of
from api.console.run_view import read_view
from api.console.session import console, read_form
from api.console.tool_calls import tool_payloads
from api.dependencies import Dependencies
from api.models import RunSummary, StatusAnswer
from api.rates import Rates
from api.runs import actions
from api.runs.events import events_of
from api.runs.lookup import require_data, require_run
from api.runs.watcher import RunWatchers
from runtime.platform.settings import Settings
from schemas.run import ItemsPage
from service.api_keys import KeyScope
from service.execution_store import Filter
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns

__all__ = ["PICTURES", "Number", "RunPageController", "WorkflowId"]

ITEMS_PER_PAGE: Final = 20
OTHER_RUNS: Final = 10
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types of files that a page shows. No others: a browser would run what some of them contain."""
WorkflowId = Annotated[str, PathParameter(max_length=1000)]
Number = Annotated[int, QueryParameter(ge=0, le=10**9)]


class RunPageController(Controller):
    """Everything about one run."""

    path = "/console/runs/{workflow_id:str}"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def show(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        problem_finder: NamedDependency[ProblemFinder],
        steps: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1,
    ) -> Response[bytes]:
        """Return the page. Raises UnknownRun."""
        view = await read_view(request.user.tenant, workflow_id, dependencies, runs, problem_finder)
        temporal = temporal_address(dependencies.settings, workflow_id, view.status.run_id)
        others = await _others(request.user.tenant, view.status, dependencies)
        return page(
            request, "run", view=view, workflow_id=workflow_id, steps_page=steps, temporal=temporal, others=others
        )

    @get("/events", **console(KeyScope.READ), media_type="text/event-stream")
    async def events(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        watchers: NamedDependency[RunWatchers],
        problem_finder: NamedDependency[ProblemFinder],
        rates: NamedDependency[Rates],
        after: Number = 0,
        active: Annotated[str, QueryParameter(max_length=16)] = "",
        last_event_id: Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=0)] = None,
    ) -> ServerSentEvent:
        """Send what changes on the page until the run ends. Raises UnknownRun."""
        tenant = request.user.tenant
        run = await require_run(tenant, workflow_id, watchers)
        await require_data(run, dependencies)
        view = await read_view(tenant, workflow_id, dependencies, runs, problem_finder)
        since = last_event_id if last_event_id is not None else after

        async def types() -> dict[str, str]:
            return {step.name: step.type for step in view.plan.steps} if view.plan else {}

        return events_of(run, watchers, types, since, rates.streams, PageEvents(view, active).render)

    @get("/timeline", **console(KeyScope.READ))
    async def timeline(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        problem_finder: NamedDependency[ProblemFinder],
    ) -> Response[bytes]:
        """Return what the time of each step was spent with. Raises UnknownRun."""
        view = await read_view(request.user.tenant, workflow_id, dependencies, runs, problem_finder)
        return fragment(request, "timeline", workflow_id=workflow_id, timeline=await read_timeline(view, runs))

    @get("/diff", **console(KeyScope.READ))
    async def diff(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        problem_finder: NamedDependency[ProblemFinder],
        other: Annotated[str, QueryParameter(max_length=1000)],
    ) -> Response[bytes]:
        """Return how another run of the tenant differs from this one. Raises UnknownRun."""
        first, second = [
            await actions.read_history(
                request.user.tenant, each.strip(), dependencies, runs, problem_finder, previews=True
            )
            for each in (workflow_id, other)
        ]
        nodes = diff_of_runs(first.steps, second.steps)
        different = sum(bool(each.what) for each in nodes)
        return page(request, "run_diff", first=first, second=second, nodes=nodes, different=different)

    @get("/agents", **console(KeyScope.READ))
    async def agents(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        problem_finder: NamedDependency[ProblemFinder],
    ) -> Response[bytes]:
        """Return the agents with their turns and tools. Raises UnknownRun."""
        view = await read_view(request.user.tenant, workflow_id, dependencies, runs, problem_finder)
        run = await runs.describe(workflow_id)
        activities = await runs.activities(run) if run is not None else []
        spans = spans_of(view, datetime.now(UTC))
        agents = agent_tree(view.plan, activities, view.history.usage, spans) if view.plan else []
        return fragment(request, "agent_tree", workflow_id=workflow_id, agents=agents)

    @get("/agents/call", **console(KeyScope.READ))
    async def agent_call(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        activity: Annotated[str, QueryParameter(max_length=1000)],
    ) -> Response[bytes]:
        """Return input and output of a call of an agent's sub-node. Raises UnknownRun."""
        run = await require_run(request.user.tenant, workflow_id, runs)
        await require_data(run, dependencies)
        found = await runs.payloads(run, activity)
        call = tool_payloads(found) if found is not None else None
        return fragment(request, "tool_call", node=activity.rsplit("#", 3)[0], call=call)

    @get("/node", **console(KeyScope.READ))
    async def node(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        name: Annotated[str, QueryParameter(max_length=1000)],
        run: Number = 0,
        side: Annotated[str, QueryParameter(max_length=10)] = "output",
        index: Number = 0,
        since: Number = 0,
    ) -> Response[bytes]:
        """Return the items of a run of a node, a page of them. Raises UnknownRun, BadRequest."""
        asked = ItemsPage(node=name, run=run, side=side_of(side), index=index, since=since, limit=ITEMS_PER_PAGE)
        answer = await read_items(request.user.tenant, workflow_id, asked, dependencies, runs)
        return fragment(request, "node", workflow_id=workflow_id, asked=asked, answer=answer, pictures=PICTURES)

    @post("/cancel", **console(KeyScope.RUN, "run.cancel"))
    async def cancel(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
    ) -> Redirect:
        """Cancel the run, and show it. Raises as `api.runs.actions.cancel`."""
        await read_form(request)
        await actions.cancel(request.user.tenant, workflow_id, dependencies, runs)
        return Redirect(run_url(workflow_id), status_code=303)


async def _others(tenant: str, run: StatusAnswer, dependencies: Dependencies) -> list[RunSummary]:
    """Return the latest runs of the same template, to compare with."""
    latest = await actions.list_runs(tenant, Filter(template=run.workflow_template, limit=OTHER_RUNS), dependencies)
    return [each for each in latest.items if each.workflow_id != run.workflow_id]


def temporal_address(settings: Settings, workflow_id: str, run_id: str) -> str | None:
    """Return where Temporal's own UI shows a run; None: the UI has no address here."""
    if settings.temporal_ui_url is None:
        return None
    place = (settings.temporal_namespace, "workflows", workflow_id, run_id, "history")
    return f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{'/'.join(quote(each, safe='') for each in place)}"
