"""The list of runs, filtered by the address of the page."""

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.authentication import Principal
from api.console.pages import fragment, page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console
from api.dependencies import Dependencies
from api.moments import utc
from api.problems import BadRequest
from api.runs.actions import field_of, list_runs
from schemas.kinds import RunStatus, TriggerKind
from service.api_keys import KeyScope
from service.execution_store import Filter

__all__ = ["RunListController"]

PER_PAGE: Final = 50
DOTS: Final = 20
"""Last runs of each template."""
RETRIED: Final = ("", RunStatus.FAILED, RunStatus.TIMED_OUT)
"""Statuses of a list among whose runs failed ones may be."""
Text = Annotated[str, QueryParameter(max_length=2000)]


class RunListController(Controller):
    """The first page of the console."""

    path = "/console/runs"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def show(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        status: Text = "",
        template: Text = "",
        trigger: Text = "",
        user_id: Text = "",
        fingerprint: Text = "",
        field: Text = "",
        since: Text = "",
        until: Text = "",
        problem: Text = "",
        cursor: Text = "",
    ) -> Response[bytes]:
        """Return a page of runs. An empty field of the form filters by nothing. Raises BadRequest."""
        filter_ = Filter(
            status=_one_of(RunStatus, status, "status"),
            template=template or None,
            user_id=user_id or None,
            trigger=_one_of(TriggerKind, trigger, "trigger"),
            fingerprint=fingerprint or None,
            field=field_of(field),
            since=_moment(since, "since"),
            until=_moment(until, "until"),
            problem=True if problem else None,
            before=cursor or None,
            limit=PER_PAGE,
        )
        runs = await list_runs(request.user.tenant, filter_, dependencies)
        filters = {
            "status": status, "template": template, "trigger": trigger, "user_id": user_id, "fingerprint": fingerprint, "field": field,
            "since": since, "until": until, "problem": problem,
        }  # fmt: skip
        set_ = {name: value for name, value in filters.items() if value}
        return page(
            request,
            "runs",
            runs=runs.items,
            filters=filters,
            is_filtered=bool(set_),
            statuses=list(RunStatus),
            triggers=list(TriggerKind),
            templates=[each.key for each in await dependencies.store.summaries(request.user.tenant)],
            next_page=f"?{urlencode(set_ | {'cursor': runs.next_cursor})}" if runs.next_cursor else None,
            first_page=f"?{urlencode(set_)}" if cursor else None,
            retry_fields=None if problem or status not in RETRIED else set_ | {"list": f"?{urlencode(set_)}"},
        )

    @get("/by-template", **console(KeyScope.READ))
    async def by_template(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return the last runs of each template, as a part of the list."""
        keys = [each.key for each in await dependencies.store.summaries(request.user.tenant)]
        latest = await dependencies.executions.latest(request.user.tenant, keys, DOTS)
        return fragment(request, "last_runs", latest={key: runs for key, runs in latest.items() if runs})


def _one_of(kind: type[RunStatus] | type[TriggerKind], value: str, name: str) -> str | None:
    if value and value not in set(kind):
        raise BadRequest(f"{name}: {value!r} is none of {', '.join(kind)}.")
    return value or None


def _moment(text: str, name: str) -> datetime | None:
    """Return the moment of a field; one without a zone is in UTC. Raises BadRequest."""
    try:
        return utc(datetime.fromisoformat(text), name) if text else None
    except ValueError as error:
        raise BadRequest(f"{name}: {text!r} is no time, such as 2026-01-15T12:00.") from error
