"""The pages of forms: /form/{tenant}/{path} and /form-test/... start a run, /form-waiting/{workflow_id}/{token} resumes one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from api.authentication import PUBLIC
from api.dependencies import Ports
from api.triggers.access import admit
from api.triggers.bodies import Body, read_body, unpacked
from api.triggers.form_fields import Field, fields_of, submitted
from api.triggers.requests import Call, Intake, call_of, query_of, send_answer
from api.triggers.responses import SANDBOX, TEXT_TYPE, Answer, Refusal, after_run, refusal
from api.triggers.waits import Waits, step_of
from schemas.kinds import Mode, RunStatus, TriggerKind
from schemas.names import FORM, tenant_of
from schemas.plan import Step
from schemas.resume_link import WAITING_FORM
from service.published import Published
from service.run_reader import TemporalRuns
from service.run_start import RunRequest, Starter, uuid7

__all__ = ["form_handler"]

_WAITING: Final = WAITING_FORM.removeprefix("form") + "/"
"""What is left of the path of a wait's form below the mount."""
_TESTING: Final = "-test/"
"""The same of a test."""
CHAIN: Final = "page"
"""In the query of a page that follows another one."""
_THANKS: Final = "Your response has been recorded"
_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def form_handler(ports: Ports, starter: Starter) -> ASGIRouteHandler:
    """The ASGI handler of everything under /form, /form-test and /form-waiting."""
    desk = _Desk(ports, starter)

    @asgi("/form", is_mount=True, opt=PUBLIC, copy_scope=True)
    async def form(scope: Scope, receive: Receive, send: Send) -> None:
        """Show a form, or take what was filled in."""
        try:
            if scope["path"].startswith(_WAITING):
                answer = await desk.waiting(call_of(cast("HTTPScope", scope), _WAITING), receive)
            elif scope["path"].startswith(_TESTING):
                answer = await desk.trigger(call_of(cast("HTTPScope", scope), _TESTING), receive, test=True)
            else:
                answer = await desk.trigger(call_of(cast("HTTPScope", scope), "form"), receive)
        except Refusal as refused:
            answer = refused.answer
        answer.headers.setdefault("content-security-policy", SANDBOX)
        await send_answer(answer, send)

    return form


class _Desk:
    """Serves forms."""

    def __init__(self, ports: Ports, starter: Starter) -> None:
        self._ports, self._starter = ports, starter
        self._intake, self._waits, self._reader = Intake(ports), Waits(ports), TemporalRuns(ports.temporal)

    async def trigger(self, call: Call, receive: Receive, *, test: bool = False) -> Answer:
        """A form that starts a run; as a `test`, of the version that listens for it.

        Raises:
            Refusal: there is none, or the caller is not let in.
        """
        template, step = await (self._listening(call) if test else self._published(call))
        await admit(step, call.tenant, call.headers, call.client, self._ports.credentials)
        fields = fields_of(step.parameters, query_of(call.query))
        if call.method != "POST":
            return _page(step.parameters, fields)
        run = uuid7()
        item = await self._item(
            call, step, fields, receive, template.plan.settings.timezone, f"{call.tenant}:{template.key}:{run}"
        )
        if isinstance(item, Answer):
            return item
        if test:
            item["json"]["formMode"] = "test"
            if not await self._ports.listeners.take(call.tenant, template):
                raise _not_listening()
        if query := query_of(call.query):
            item["json"]["formQueryParameters"] = query
        mode = step.parameters.get("responseMode") or "onReceived"
        run_request = RunRequest(
            tenant=call.tenant, template=template, start=step.name, trigger_kind=TriggerKind.FORM, items=[item], run=run,
            mode=Mode.MANUAL if test else Mode.WEBHOOK, pinned=test,
        )  # fmt: skip
        if any(each.form_page and not each.disabled for each in template.plan.steps):
            await self._starter.start(run_request)
            return self._next_page(run_request.workflow_id, 0)
        if mode == "onReceived":
            await self._starter.start(run_request)
            return _thanks(step.parameters)
        told = await self._starter.start_and_answer(run_request, mode)
        return await after_run(step, told, self._intake.reader(call.tenant))

    async def _published(self, call: Call) -> tuple[Published, Step]:
        routes = await self._ports.templates.routes(call.tenant) if call.tenant else None
        found = routes.match(FORM, call.path) if routes else None
        template = await self._ports.templates.current(call.tenant, found[0].template) if found else None
        step = template.plan.step.get(found[0].node) if template and found else None
        if template is None or step is None or step.disabled:
            raise refusal(404, "Form not found", hint="Publish or activate a template with a form at this path.")
        return template, step

    async def _listening(self, call: Call) -> tuple[Published, Step]:
        found = await self._ports.listeners.find(call.tenant, FORM, call.path)
        step = found[2].plan.step.get(found[0].node) if found else None
        if found is None or step is None:
            raise _not_listening()
        return found[2], step

    async def waiting(self, call: Call, receive: Receive) -> Answer:
        """A form that resumes a run.

        Raises:
            Refusal: forged, used, late, or not let in.
        """
        workflow_id, ordinal, _, bound = self._waits.opened(call)
        if bound:
            raise refusal(401, "Invalid token")
        chained = CHAIN in query_of(call.query)
        try:
            found = await self._waits.find(workflow_id, ordinal)
        except Refusal:
            if not chained or call.method != "GET":
                raise
            return await self._between(workflow_id, ordinal)
        step = step_of(found)
        if step.parameters.get("resume") != "form":
            raise refusal(409, "The run waits for a call, not for a form.")
        call = replace(call, tenant=tenant_of(workflow_id))
        await admit(step, call.tenant, call.headers, call.client, self._ports.credentials)
        fields = fields_of(step.parameters, query_of(call.query))
        if call.method != "POST":
            return _page(step.parameters, fields)
        item = await self._item(call, step, fields, receive, found["timezone"], workflow_id)
        if isinstance(item, Answer):
            return item
        answer = await self._waits.resume(workflow_id, ordinal, step, [item])
        if chained:
            return self._next_page(workflow_id, ordinal + 1)
        return (
            _thanks(step.parameters)
            if (step.parameters.get("responseMode") or "onReceived") == "onReceived"
            else answer
        )

    def _next_page(self, workflow_id: str, ordinal: int) -> Answer:
        """To the page that the run comes to next."""
        path = self._ports.links.path(WAITING_FORM, workflow_id, ordinal)
        return Answer(303, {"location": f"{path}?{CHAIN}=1", "content-type": TEXT_TYPE})

    async def _between(self, workflow_id: str, ordinal: int) -> Answer:
        """What somebody sees who goes from page to page: the run is not there yet, it is over, or that page is done."""
        run = await self._reader.describe(workflow_id)
        told = await self._reader.state(run) if run else None
        if run is None or told is None:
            raise refusal(503, "No worker answers for this run. Try again.")
        last = (told.get("response") or {}).get("form")
        if last is not None:
            return _last_page(last)
        if run.open and (now := await self._waits.now(workflow_id)) is not None and now["ordinal"] > ordinal:
            return self._next_page(workflow_id, now["ordinal"])
        if run.open:
            return _shown("Form", "One moment …", refresh=1)
        return _shown("Form", _THANKS if run.status == RunStatus.COMPLETED else "The form could not be worked on")

    async def _item(
        self, call: Call, step: Step, fields: list[Field], receive: Receive, timezone: str, workflow_id: str
    ) -> dict[str, Any] | Answer:
        """n8n's item of a form; or the page again, with what is wrong."""
        raw = unpacked(
            await self._intake.read(call, receive), call.headers.get("content-encoding", ""), self._intake.limit
        )
        body = read_body(step.model_copy(update={"version": 2.0, "parameters": {}}), call.headers, raw)
        try:
            json, files = submitted(fields, body, timezone, datetime.now(UTC))
        except Refusal as refused:
            return _page(step.parameters, fields, error=refused.message, status=refused.answer.status)
        kept = Body(files={files[name]: file for name, file in body.files.items() if name in files})
        item: dict[str, Any] = {"json": json}
        if binary := await self._intake.stored(call.tenant, kept, workflow_id):
            item["binary"] = binary
        return item


def _not_listening() -> Refusal:
    return refusal(
        404,
        "Form not found",
        hint="POST /templates/{key}/listen, then open it again: in a test it listens for one answer.",
    )


def _page(parameters: Mapping[str, Any], fields: list[Field], *, error: str = "", status: int = 200) -> Answer:
    options = parameters.get("options") or {}
    shown = _PAGES.get_template("form.html.j2").render(
        title=str(parameters.get("formTitle") or "Form"), about=str(parameters.get("formDescription") or ""),
        button=str(options.get("buttonLabel") or "Submit"), fields=fields, error=error, text=None, refresh=None,
    )  # fmt: skip
    return Answer(status, {"content-type": TEXT_TYPE}, shown.encode("utf-8", "replace"))


def _thanks(parameters: Mapping[str, Any]) -> Answer:
    """What the node's options answer: a text, or another page."""
    options = parameters.get("options") or {}
    chosen = (options.get("respondWithOptions") or {}).get("values") or {}
    if chosen.get("respondWith") == "redirect" and chosen.get("redirectUrl"):
        return Answer(303, {"location": str(chosen["redirectUrl"]), "content-type": TEXT_TYPE})
    text = str(chosen.get("formSubmittedText") or options.get("formSubmittedText") or _THANKS)
    return _shown(str(parameters.get("formTitle") or "Form"), text)


def _shown(title: str, text: str, *, refresh: int | None = None) -> Answer:
    page = _PAGES.get_template("form.html.j2").render(
        title=title, about="", button="", fields=[], error="", text=text, refresh=refresh
    )
    return Answer(200, {"content-type": TEXT_TYPE}, page.encode("utf-8", "replace"))


def _last_page(last: Mapping[str, Any]) -> Answer:
    """What a Form node that completes the form shows."""
    if last.get("redirect"):
        return Answer(303, {"location": str(last["redirect"]), "content-type": TEXT_TYPE})
    if "html" in last:
        return Answer(200, {"content-type": TEXT_TYPE}, str(last["html"]).encode("utf-8", "replace"))
    return _shown(str(last.get("title") or "Form"), str(last.get("message") or _THANKS))
