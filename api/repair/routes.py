"""Failures, stuck runs, and the retry of many."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from api.access import needs
from api.audit.middleware import name_object
from api.authentication import Principal
from api.dependencies import Dependencies
from api.moments import since_or_week
from api.openapi import problems
from api.problems import BadRequest, UnsupportedMediaType
from api.rates import Rates
from api.repair.bulk_retry import BulkRetry
from api.repair.models import (
    BulkRetryAnswer,
    BulkRetryRequest,
    FailureGroupAnswer,
    FailureList,
    StuckCauseAnswer,
    StuckPage,
)
from api.runs.actions import list_runs
from api.runs.status import error_of
from schemas.kinds import RunStatus
from service.api_keys import KeyScope
from service.execution_store import Filter
from service.run_reader import TemporalRuns
from service.run_start import Starter

__all__ = ["RepairController", "failure_list", "stuck_page"]


class RepairController(Controller):
    """What is wrong with many runs, and its repair."""

    tags = ("Workflows",)

    @get(
        "/failures",
        **needs(KeyScope.READ),
        summary="List failures by cause",
        responses=problems(BadRequest),
        description="Failed runs that nobody has tried again, grouped by template, node, error and message.",
    )
    async def failures(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        since: Annotated[
            datetime | None, QueryParameter(description="Of runs that started then or later; default: seven days ago")
        ] = None,
        template: Annotated[str | None, QueryParameter(description="Runs of this template", max_length=128)] = None,
    ) -> FailureList:
        """Return the groups."""
        return await failure_list(request.user.tenant, dependencies, since_or_week(since), template)

    @get(
        "/stuck",
        **needs(KeyScope.READ),
        summary="List stuck runs",
        responses=problems(BadRequest),
        description="Open runs that do not go on: their workflow task or a step fails again and again, or no worker polls.",
    )
    async def stuck(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        cursor: Annotated[
            str | None, QueryParameter(description="next_cursor of the last page", max_length=2000)
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Runs per page")] = 50,
    ) -> StuckPage:
        """Return a page of runs, and their causes."""
        return await stuck_page(request.user.tenant, dependencies, cursor, limit)

    @post(
        "/workflows/retry",
        **needs(KeyScope.RUN, "run.retry_many"),
        status_code=200,
        summary="Try failed runs again",
        responses=problems(UnsupportedMediaType, BadRequest),
        description="Every failed run that fits the filter, 200 at most per request. A dry run, which is the default, says what "
        "would happen to each. Runs that were tried again are left out, so the request can be repeated until `matches` is 0.",
    )
    async def retry(
        self,
        request: Request[Principal, None, Any],
        data: JSONBody[BulkRetryRequest],
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        starter: NamedDependency[Starter],
        rates: NamedDependency[Rates],
    ) -> BulkRetryAnswer:
        """Start the new runs, or say which would be started."""
        name_object(request, "template", data.filter.workflow_template or "*")
        return await BulkRetry(request.user.tenant, dependencies, runs, starter, rates).run(data)


async def failure_list(
    tenant: str, dependencies: Dependencies, since: datetime, template: str | None = None
) -> FailureList:
    """Return the groups of failed runs that started at `since` or later."""
    groups = await dependencies.failures.groups(tenant, since, template=template)
    return FailureList(
        since=since,
        items=[
            FailureGroupAnswer(
                workflow_template=group.template,
                fingerprint=group.fingerprint,
                runs=group.runs,
                first_at=group.first_at,
                last_at=group.last_at,
                latest=group.latest,
                error=error_of(group.error),
                links={
                    "latest": f"/workflows/{group.latest}/status",
                    "runs": f"/workflows?template={quote(group.template)}&fingerprint={group.fingerprint or ''}",
                },
            )
            for group in groups
        ],
    )


async def stuck_page(tenant: str, dependencies: Dependencies, cursor: str | None, limit: int) -> StuckPage:
    """Return a page of open runs that do not go on. Raises BadRequest: the cursor is none."""
    filter_ = Filter(status=RunStatus.RUNNING, problem=True, before=cursor, limit=limit)
    page = await list_runs(tenant, filter_, dependencies)
    causes = await dependencies.failures.stuck_causes(tenant)
    return StuckPage(
        causes=[StuckCauseAnswer.model_validate(each) for each in causes],
        items=page.items,
        next_cursor=page.next_cursor,
    )
