"""What a run waits for, and the answer to it, by REST."""

from functools import partial
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.access import needs
from api.answers.answers import ANSWER, Answer, AnswerAccepted, WaitsAnswer, give_answer, read_waits
from api.audit.middleware import note_decision
from api.authentication import Principal
from api.dependencies import Dependencies
from api.openapi import problems
from api.problems import BadRequest, NotWaiting, ReplyPending, UnknownRun, UnsupportedMediaType
from api.triggers.waits import Waits
from service.api_keys import KeyScope
from service.run_reader import TemporalRuns

__all__ = ["AnswerController"]

WorkflowId = Annotated[str, PathParameter(description="The workflow_id that the start answered", max_length=1000)]


class AnswerController(Controller):
    """The waits of one run."""

    path = "/workflows/{workflow_id:str}"
    tags = ("Workflows",)

    @get(
        "/waits",
        **needs(KeyScope.READ),
        summary="What a run waits for",
        responses=problems(UnknownRun, ReplyPending),
        description="The approval, form or call that the run waits for now, and who has answered earlier ones.",
    )
    async def waits(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        waits: NamedDependency[Waits],
    ) -> WaitsAnswer:
        """Return the wait and the answers."""
        links = KeyScope.RUN in request.user.scopes
        return await read_waits(request.user.tenant, workflow_id, dependencies, runs, waits, links=links)

    @post(
        "/answer",
        **needs(KeyScope.RUN, ANSWER),
        status_code=202,
        summary="Answer what a run waits for",
        responses=problems(UnsupportedMediaType, BadRequest, UnknownRun, NotWaiting, ReplyPending),
        description="An approval is answered with `approved`, a form and a call with `data`. Once: 409 when it was answered.",
    )
    async def answer(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        data: JSONBody[Answer],
        runs: NamedDependency[TemporalRuns],
        waits: NamedDependency[Waits],
    ) -> AnswerAccepted:
        """Let the run go on with the answer."""
        return await give_answer(
            request.user.tenant, workflow_id, data, runs, waits, partial(note_decision, request.scope)
        )
