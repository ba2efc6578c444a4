"""Forms: /form/{tenant}/{path} and /form-test/... start a run, /form-waiting/{workflow_id}/{token} resumes one."""

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from api.dependencies import Dependencies
from api.origins import WORKFLOW_CONTENT
from api.rates import Rates
from api.triggers.bodies import Body
from api.triggers.decisions import decision
from api.triggers.form_fields import Field, fields_of, parse_submission
from api.triggers.form_pages import (
    RESPONSE_RECORDED,
    file_reply,
    form_page,
    last_page,
    message_page,
    pending_page,
    thanks_page,
)
from api.triggers.handler import Target, TriggerHandler
from api.triggers.requests import WebhookRequest, body_by_content_type, parse_request, read_query
from api.triggers.responses import TEXT_TYPE, HttpReply, Refusal, refusal
from api.triggers.sending import answer
from api.triggers.waits import Waits, step_of
from schemas.kinds import RunStatus, TriggerKind
from schemas.names import FORM, tenant_of
from schemas.plan import Plan, Step
from schemas.resume_link import WAITING_FORM
from service.errors import ReplyPendingError
from service.run_reader import TemporalRuns
from service.run_reply import NO_WORKER
from service.run_start import Starter

__all__ = ["form_handler"]

_WAITING: Final = WAITING_FORM.removeprefix("form") + "/"
"""Path prefix of the links of waiting forms, relative to the mount."""
_TESTING: Final = "-test/"
"""Path prefix of tests, relative to the mount."""
CHAIN: Final = "page"
"""In the query of a page that follows another one."""
FILE: Final = "file"
"""In the query of a file of the last page: its number."""


def form_handler(dependencies: Dependencies, starter: Starter, rates: Rates) -> ASGIRouteHandler:
    """Return the ASGI handler of everything under /form, /form-test and /form-waiting."""
    handler = FormHandler(dependencies, starter, rates)

    @asgi("/form", is_mount=True, opt=WORKFLOW_CONTENT, copy_scope=True)
    async def form(scope: Scope, receive: Receive, send: Send) -> None:
        """Show a form, or take a submission."""
        path, http = scope["path"], cast("HTTPScope", scope)
        if path.startswith(_WAITING):
            request, serve, kind = parse_request(http, _WAITING), handler.resume, "form-waiting"
        elif path.startswith(_TESTING):
            request, serve, kind = parse_request(http, _TESTING), handler.start_test, "form-test"
        else:
            request, serve, kind = parse_request(http, "form"), handler.start, "form"
        await answer(request, lambda: _or_pending(serve(request, receive)), send, rates.look_ups, kind)

    return form


async def _or_pending(serving: Awaitable[HttpReply]) -> HttpReply:
    """Return the reply, or the page for a run that has none in time."""
    try:
        return await serving
    except ReplyPendingError as pending:
        return pending_page(pending)


class FormHandler(TriggerHandler):
    """Serves forms."""

    def __init__(self, dependencies: Dependencies, starter: Starter, rates: Rates) -> None:
        super().__init__(dependencies, starter, rates)
        self._waits, self._runs = Waits(dependencies, starter.replies), TemporalRuns(dependencies.temporal)

    async def start(self, request: WebhookRequest, receive: Receive, *, test: bool = False) -> HttpReply:
        """Serve a form that starts a run; as a `test`, of the version that listens for it.

        Raises:
            Refusal: there is none, or the caller is not admitted.
        """
        target = await self._target(request, test=test)
        step, plan = target.step, target.template.plan
        claims = await self._admit(request, step)
        query = await read_query(request.query)
        fields = fields_of(step.parameters, query)
        if request.method != "POST":
            return form_page(step.parameters, fields)
        self._rates.require_start(request.tenant)
        data = await self._requests.read(request, receive)
        run, digest = self._run_id(request, target, data, claims)
        workflow_id = target.workflow_id(request.tenant, run)
        item = await self._item(request, step, fields, data, plan.settings.timezone, workflow_id)
        if isinstance(item, HttpReply):
            return item
        if test:
            item["json"]["formMode"] = "test"
            if not await self._take_test(request, target):
                raise _not_listening()
        if query:
            item["json"]["formQueryParameters"] = query
        mode = step.parameters.get("responseMode") or "onReceived"
        run_request = self._run_request(request, target, TriggerKind.FORM, item, run, digest)
        if _has_more_pages(plan):
            await self._starter.start(run_request)
            return self._next_page(run_request.workflow_id, 0)
        if mode == "onReceived":
            await self._starter.start(run_request)
            return thanks_page(step.parameters)
        return await self._start_and_reply(run_request, step, mode)

    async def _target(self, request: WebhookRequest, *, test: bool) -> Target:
        target = await (self._find_test(FORM, request) if test else self._find(FORM, request))
        if target is not None:
            return target
        if test:
            raise _not_listening()
        raise refusal(404, "Form not found", hint="Publish or activate a template with a form at this path.")

    async def start_test(self, request: WebhookRequest, receive: Receive) -> HttpReply:
        """Serve a form of the version that listens for a test. Raises as `start`."""
        return await self.start(request, receive, test=True)

    async def resume(self, request: WebhookRequest, receive: Receive) -> HttpReply:
        """Serve a form that resumes a run.

        Raises:
            Refusal: the link is forged, used or expired, or the caller is not admitted.
        """
        workflow_id, ordinal, _, bound = self._waits.parse_link(request)
        if bound:
            raise refusal(401, "Invalid token")
        query = await read_query(request.query)
        chained = CHAIN in query
        try:
            wait = await self._waits.find(workflow_id, ordinal)
        except Refusal:
            if not chained or request.method != "GET":
                raise
            return await self._between(workflow_id, ordinal, query.get(FILE))
        step = step_of(wait)
        if step.parameters.get("resume") != "form":
            raise refusal(409, "The run waits for a call, not for a form.")
        request = replace(request, tenant=tenant_of(workflow_id))
        await self._admit(request, step)
        fields = fields_of(step.parameters, query)
        if request.method != "POST":
            return form_page(step.parameters, fields)
        data = await self._requests.read(request, receive)
        item = await self._item(request, step, fields, data, wait["timezone"], workflow_id)
        if isinstance(item, HttpReply):
            return item
        reply = await self._waits.resume(workflow_id, ordinal, step, [item])
        await self._waits.note_answer(workflow_id, request, decision(wait, item, "form", fields))
        if chained:
            return self._next_page(workflow_id, ordinal + 1)
        return (
            thanks_page(step.parameters)
            if (step.parameters.get("responseMode") or "onReceived") == "onReceived"
            else reply
        )

    def _next_page(self, workflow_id: str, ordinal: int) -> HttpReply:
        """Redirect to the page that the run comes to next."""
        path = self._dependencies.links.path(WAITING_FORM, workflow_id, ordinal)
        return HttpReply(303, {"location": f"{path}?{CHAIN}=1", "content-type": TEXT_TYPE})

    async def _between(self, workflow_id: str, ordinal: int, file: Any = None) -> HttpReply:
        """Return the page between two pages: the run has not reached the next one, has ended, or that page is done. `file`: the
        number of a file of the last page, in its place.
        """
        run = await self._runs.describe(workflow_id)
        state = await self._runs.state(run) if run else None
        if run is None or state is None:
            raise ReplyPendingError(workflow_id, NO_WORKER)
        last = (state.get("response") or {}).get("form")
        if last is not None:
            return last_page(last, f"?{CHAIN}=1&{FILE}=") if file is None else await self._file(workflow_id, last, file)
        if run.open and (wait := await self._waits.current_wait(workflow_id)) is not None and wait["ordinal"] > ordinal:
            return self._next_page(workflow_id, wait["ordinal"])
        if run.open:
            return message_page("Form", "One moment …", refresh=1)
        return message_page(
            "Form", RESPONSE_RECORDED if run.status == RunStatus.COMPLETED else "The form could not be worked on"
        )

    async def _file(self, workflow_id: str, last: Mapping[str, Any], number: Any) -> HttpReply:
        """Return a file of the last page. Raises Refusal."""
        files = {str(i): file for i, file in enumerate(last.get("files") or ())}
        if str(number) not in files:
            raise refusal(404, "The page has no such file")
        file = files[str(number)]
        return file_reply(file, await self._requests.file_reader(tenant_of(workflow_id))(file))

    async def _item(
        self,
        request: WebhookRequest,
        step: Step,
        fields: list[Field],
        data: bytes,
        timezone: str,
        workflow_id: str,
    ) -> dict[str, Any] | HttpReply:
        """Return n8n's item of a form; or the page again, with what is wrong."""
        body = await body_by_content_type(step, request, data)
        try:
            json, names = parse_submission(fields, body, timezone, datetime.now(UTC))
        except Refusal as refused:
            return form_page(step.parameters, fields, error=refused.message, status=refused.reply.status)
        files = Body(files={names[name]: file for name, file in body.files.items() if name in names})
        return await self._requests.item(json, request.tenant, files, workflow_id)


def _has_more_pages(plan: Plan) -> bool:
    return any(each.form_page and not each.disabled for each in plan.steps)


def _not_listening() -> Refusal:
    return refusal(
        404,
        "Form not found",
        hint="POST /templates/{key}/listen, then open it again: in a test it listens for one answer.",
    )
