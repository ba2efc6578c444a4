"""Answering what a run waits for: an approval, a form, or a call."""

from functools import partial
from typing import Any, Final

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.response import Redirect

from api.answers.answers import ANSWER, Answer, give_answer, read_waits
from api.audit.middleware import note_decision
from api.authentication import Principal
from api.console.pages import fragment, run_url
from api.console.problems import PAGE_HANDLERS
from api.console.run_pages import WorkflowId
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.problems import BadRequest
from api.triggers.waits import Waits
from service.api_keys import KeyScope
from service.errors import ReplyPendingError
from service.run_reader import TemporalRuns

__all__ = ["AnswerPageController"]

FIELD: Final = "field:"
"""What the names of a form's fields begin with."""


class AnswerPageController(Controller):
    """The form for an answer, as a part of a run's page."""

    path = "/console/runs/{workflow_id:str}/answer"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def show(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        waits: NamedDependency[Waits],
    ) -> Response[bytes]:
        """Return what the run waits for, and the form to answer it with. Raises UnknownRun."""
        may, waiting = KeyScope.RUN in request.user.scopes, None
        try:
            asked = await read_waits(request.user.tenant, workflow_id, dependencies, runs, waits, links=may)
            waiting = asked.waiting
        except ReplyPendingError:  # no worker is there; the page says so elsewhere
            pass
        base = (dependencies.settings.content_base or str(request.base_url)).rstrip("/")
        return fragment(request, "answer", workflow_id=workflow_id, waiting=waiting, may=may, base=base)

    @post("/", **console(KeyScope.RUN, ANSWER))
    async def give(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        runs: NamedDependency[TemporalRuns],
        waits: NamedDependency[Waits],
    ) -> Redirect:
        """Let the run go on with the answer, and show it. Raises as `give_answer`."""
        answer = _answer(await read_form(request))
        await give_answer(request.user.tenant, workflow_id, answer, runs, waits, partial(note_decision, request.scope))
        return Redirect(run_url(workflow_id), status_code=303)


def _answer(form: FormMultiDict) -> Answer:
    """Return what a form says. Raises BadRequest."""
    ordinal, approved = str(form.get("ordinal") or ""), form.get("approved")
    if not ordinal.isdecimal():
        raise BadRequest("ordinal: the number of the wait.")
    if approved is not None:
        return Answer(approved=approved == "true", ordinal=int(ordinal))
    names = dict.fromkeys(name for name in form if name.startswith(FIELD))
    values = {name.removeprefix(FIELD): form.getall(name) for name in names}
    data: dict[str, Any] = {name: each[0] if len(each) == 1 else each for name, each in values.items()}
    return Answer(data=data, ordinal=int(ordinal))
