"""Trying a run again from its page: from a node, with the version that it had or the current one, with edited input."""

from typing import Annotated, Any, Final

import orjson
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect

from api.authentication import Principal
from api.console.node_items import read_items
from api.console.pages import page, run_url, show_json
from api.console.problems import PAGE_HANDLERS
from api.console.run_pages import WorkflowId
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.models import RetryRequest
from api.problems import BadRequest
from api.rates import Rates
from api.runs import actions
from schemas.run import ItemsPage
from service.api_keys import KeyScope
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns
from service.run_start import Starter

__all__ = ["RetryPageController"]

MAX_ITEMS: Final = 50
"""Items that can be edited on a page."""
TOO_LARGE: Final = (
    "These items are too many or too long to edit on a page. Use POST /workflows/{id}/retry with input_data."
)
UNKNOWN: Final = "Nothing is known of the items that this node had, so they cannot be edited."


class RetryPageController(Controller):
    """The edited input of a retry, and the retry."""

    path = "/console/runs/{workflow_id:str}"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/edit", **console(KeyScope.RUN))
    async def edit(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        problem_finder: NamedDependency[ProblemFinder],
        name: Annotated[str, QueryParameter(max_length=1000)],
    ) -> Response[bytes]:
        """Return the form with the items that the last run of a node had, at which a retry begins. Raises UnknownRun."""
        history = await actions.read_history(request.user.tenant, workflow_id, dependencies, runs, problem_finder)
        run = max((step.run for step in history.steps if step.node == name), default=0)
        asked = ItemsPage(node=name, run=run, side="input", limit=MAX_ITEMS)
        answer = await read_items(request.user.tenant, workflow_id, asked, dependencies, runs)
        error = ""
        if answer is None or not answer.counts:
            error = UNKNOWN
        elif answer.counts[0] > MAX_ITEMS or any(each.beginning is not None for each in answer.items):
            error = TOO_LARGE
        items = [] if error or answer is None else [each.json_ for each in answer.items]
        text = show_json(items)
        return page(
            request,
            "edit",
            workflow_id=workflow_id,
            node=name,
            text=text,
            error=error,
            version="original",
            closed=bool(error),
        )

    @post("/retry", **console(KeyScope.RUN, "run.retry"))
    async def retry(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        starter: NamedDependency[Starter],
        rates: NamedDependency[Rates],
    ) -> Response[Any]:
        """Try the run again, and show the new one. Raises as `api.runs.actions.retry`."""
        form = await read_form(request)
        begin, version = str(form.get("begin") or ""), str(form.get("version") or "")
        node = begin.removeprefix("node:")[:1000] if begin.startswith("node:") else None
        text = form.get("input")
        edited, error = (None, "") if text is None else _items_of(str(text))
        if error:
            return page(
                request,
                "edit",
                400,
                workflow_id=workflow_id,
                node=node or "",
                text=text,
                error=error,
                version=version,
                closed=False,
            )
        asked = RetryRequest(
            from_start=begin == "start",
            from_node=node,
            with_version="current" if version == "current" else "original",
            input_data=edited,
        )
        started = await actions.retry(
            request.user.tenant, workflow_id, asked, dependencies, runs, starter, rates, masked=True
        )
        return Redirect(run_url(started.workflow_id), status_code=303)


def _items_of(text: str) -> tuple[list[dict[str, Any]], str]:
    """Return the items of a form's text, and what is wrong with it."""
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return [], f"This is no JSON: {error}."
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        return [], "The items are a JSON list of objects."
    if len(items) > MAX_ITEMS:
        raise BadRequest(TOO_LARGE)
    return items, ""
