"""Failures by cause with their retry, previewed first; and runs that are stuck."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from pydantic import ValidationError

from api.audit.middleware import name_object
from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.moments import since_or_week, utc
from api.problems import BadRequest
from api.rates import Rates
from api.repair.bulk_retry import BulkRetry
from api.repair.models import MAX_RUNS, BulkRetryRequest, FailureFilter
from api.repair.routes import failure_list, stuck_page
from service.api_keys import KeyScope
from service.run_reader import TemporalRuns
from service.run_start import Starter

__all__ = ["FailurePageController"]

STUCK_PER_PAGE: Final = 50
FILTERS: Final = ("template", "fingerprint", "status", "trigger", "user_id", "field", "since", "until")
"""Fields of a form that choose runs, named as in the address of the list of runs."""
SAID: Final = {
    "template": "template",
    "status": "status",
    "trigger": "trigger",
    "user_id": "user",
    "field": "data",
    "until": "before",
}
"""Those that a page repeats, in its words."""
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
        """Preview the retry of a group, or of the failed runs of a list, or do it. Raises BadRequest."""
        fields = _fields(await read_form(request))
        asked = _request(fields)
        name_object(request, "template", asked.filter.workflow_template or "*")
        answer = await BulkRetry(request.user.tenant, dependencies, runs, starter, rates).run(asked)
        kept = {name: value for name, value in fields.items() if name != "do"} | {"since": _text(asked.filter.since)}
        back = f"/console/runs{fields['list']}" if fields["list"].startswith("?") else "/console/failures"
        said = {word: fields[name] for name, word in SAID.items() if fields[name]}
        return page(request, "bulk_retry", asked=asked, answer=answer, fields=kept, back=back, said=said)

    @get("/stuck", **console(KeyScope.READ))
    async def stuck(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies], cursor: Text = ""
    ) -> Response[bytes]:
        """Return the open runs that do not go on. Raises BadRequest."""
        stuck = await stuck_page(request.user.tenant, dependencies, cursor or None, STUCK_PER_PAGE)
        return page(request, "stuck", stuck=stuck)


def _fields(form: FormMultiDict) -> dict[str, str]:
    """Return the fields of a form, each as a text; `list`: the address of the list of runs that it is on, from its ? on."""
    return {name: str(form.get(name) or "")[:2000] for name in (*FILTERS, "list", "begin", "version", "do")}


def _request(fields: Mapping[str, str]) -> BulkRetryRequest:
    """Return what a form asks for: a preview, unless its button says otherwise. Raises BadRequest."""
    filter_ = {name: value for name, value in fields.items() if name in FILTERS and value}
    if "template" in filter_:
        filter_["workflow_template"] = filter_.pop("template")
    try:
        asked = FailureFilter.model_validate(filter_)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise BadRequest(f"{wrong['loc'][0]}: {wrong['msg']}.") from error
    since = since_or_week(asked.since)  # what the preview counts is what its button starts
    return BulkRetryRequest(
        filter=asked.model_copy(update={"since": since, "until": utc(asked.until, "until")}),
        dry_run=fields["do"] != "retry",
        from_start=fields["begin"] == "start",
        with_version="current" if fields["version"] == "current" else "original",
        limit=MAX_RUNS,
    )


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
