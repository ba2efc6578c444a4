"""Failures by cause with their retry, previewed first; and runs that are stuck."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.audit.middleware import name_object
from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.moments import since_or_week
from api.problems import BadRequest
from api.rates import Rates
from api.repair.bulk_retry import BulkRetry
from api.repair.models import MAX_RUNS, BulkRetryRequest, FailureFilter
from api.repair.routes import failure_list, stuck_page
from service.api_keys import KeyScope
from service.run_reader import TemporalRuns
from service.run_start import Starter

__all__ = ["FailurePageController"]

STUCK_PER_PAGE = 50
Text = Annotated[str, QueryParameter(max_length=2000)]


class FailurePageController(Controller):
    """What is wrong with many runs."""

    path = "/console"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/failures", **console(KeyScope.READ))
    async def failures(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies], template: Text = ""
    ) -> Response[bytes]:
        """Return the groups of failures of the last seven days."""
        groups = await failure_list(request.user.tenant, dependencies, since_or_week(None), template or None)
        return page(request, "failures", groups=groups, template=template)

    @post("/failures/retry", **console(KeyScope.RUN, "run.retry_many"), status_code=200)
    async def retry(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        starter: NamedDependency[Starter],
        rates: NamedDependency[Rates],
    ) -> Response[bytes]:
        """Preview the retry of a group, or do it. Raises BadRequest."""
        asked = _request(await read_form(request))
        name_object(request, "template", asked.filter.workflow_template or "*")
        answer = await BulkRetry(request.user.tenant, dependencies, runs, starter, rates).run(asked)
        return page(request, "bulk_retry", asked=asked, answer=answer)

    @get("/stuck", **console(KeyScope.READ))
    async def stuck(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies], cursor: Text = ""
    ) -> Response[bytes]:
        """Return the open runs that do not go on. Raises BadRequest."""
        stuck = await stuck_page(request.user.tenant, dependencies, cursor or None, STUCK_PER_PAGE)
        return page(request, "stuck", stuck=stuck)


def _request(form: FormMultiDict) -> BulkRetryRequest:
    """Return what a form asks for: a preview, unless its button says otherwise. Raises BadRequest."""
    fields = {
        name: str(form.get(name) or "") for name in ("template", "fingerprint", "since", "begin", "version", "do")
    }
    try:
        since = datetime.fromisoformat(fields["since"]) if fields["since"] else None
    except ValueError as error:
        raise BadRequest(f"since: {fields['since']!r} is no time.") from error
    return BulkRetryRequest(
        filter=FailureFilter(
            workflow_template=fields["template"][:128] or None,
            fingerprint=fields["fingerprint"][:64] or None,
            since=since,
        ),
        dry_run=fields["do"] != "retry",
        from_start=fields["begin"] == "start",
        with_version="current" if fields["version"] == "current" else "original",
        limit=MAX_RUNS,
    )
