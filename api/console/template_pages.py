"""Templates: the list, a template with its versions, and what the compiler says of one of them."""

from typing import Annotated, Any, Final

import orjson
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect

from api.audit.middleware import name_object
from api.authentication import Principal
from api.console.graph import graph_of
from api.console.node_states import NodeStates
from api.console.pages import page, run_url
from api.console.problems import PAGE_HANDLERS
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.models import StartRequest
from api.problems import BadRequest, UnknownTemplate
from api.rates import Rates
from api.runs.start import run_request_of
from api.templates.actions import activate, deactivate, diff_versions, listen, unknown_template
from api.templates.addresses import webhook_answers
from api.templates.models import difference_answer, registration_answer, schedule_answer, summary_of
from schemas.names import CHAT, MCP
from service.api_keys import KeyScope
from service.compiling import CompileLimit, CompilerCrash, Upload
from service.registration_store import RegistrationStore
from service.run_start import Starter
from service.scheduler import Scheduler
from service.template_records import webhooks_of

__all__ = ["TemplatePageController"]

LAST_RUNS: Final = 30
LISTEN_SECONDS: Final = 300
"""For which a template listens for a test call."""
Key = Annotated[str, PathParameter(max_length=128)]


class TemplatePageController(Controller):
    """Everything about templates."""

    path = "/console/templates"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return the templates that can be started."""
        summaries = await dependencies.store.summaries(request.user.tenant)
        latest = await dependencies.executions.latest(request.user.tenant, [each.key for each in summaries])
        return page(request, "templates", templates=[summary_of(each) for each in summaries], latest=latest)

    @get("/{key:str}", **console(KeyScope.READ))
    async def show(
        self,
        request: Request[Principal, None, Any],
        key: Key,
        dependencies: NamedDependency[Dependencies],
        scheduler: NamedDependency[Scheduler],
    ) -> Response[bytes]:
        """Return a template with its versions, schedules, triggers at vendors and graph. Raises UnknownTemplate."""
        tenant = request.user.tenant
        summary = next((each for each in await dependencies.store.summaries(tenant) if each.key == key), None)
        template = await dependencies.templates.current(tenant, key)
        if summary is None or template is None:
            raise await unknown_template(tenant, key, dependencies)
        registered = await RegistrationStore(dependencies.database).of_template(tenant, key)
        return page(
            request,
            "template",
            template=summary_of(summary),
            versions=await dependencies.store.versions(tenant, key),
            schedules=[schedule_answer(each) for each in await scheduler.list_schedules(tenant, key)],
            registrations=[registration_answer(each) for each in registered if each.wanted],
            graph=graph_of(
                template.plan, await dependencies.store.notes(tenant, template.plan_hash, dependencies.catalog)
            ),
            states=NodeStates(),
            latest=(await dependencies.executions.latest(tenant, [key], LAST_RUNS))[key],
            hears=any(each.method not in (CHAT, MCP) for each in webhooks_of(template.plan)),
        )

    @get("/{key:str}/versions/{version:int}", **console(KeyScope.PUBLISH))
    async def version(
        self,
        request: Request[Principal, None, Any],
        key: Key,
        version: Annotated[int, PathParameter(ge=1, le=10**9)],
        dependencies: NamedDependency[Dependencies],
    ) -> Response[bytes]:
        """Return verdicts and diagnostics of a version, compiled anew by this build. Raises UnknownTemplate."""
        tenant = request.user.tenant
        found = next((each for each in await dependencies.store.versions(tenant, key) if each.version == version), None)
        source = await dependencies.store.source(tenant, found.plan_hash) if found else None
        if found is None or source is None:
            raise UnknownTemplate(f"Template {key!r} has no version {version}.", available=[])
        upload, problem = await _compile(tenant, key, source[0], dependencies)
        return page(request, "version", key=key, version=found, upload=upload, problem=problem)

    @post("/{key:str}/activate", **console(KeyScope.PUBLISH, "template.activate"))
    async def activate(
        self, request: Request[Principal, None, Any], key: Key, dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Make a version current, or let the template listen again. Raises UnknownTemplate, WebhookTaken."""
        version = str((await read_form(request)).get("version") or "")
        await activate(request.user.tenant, key, int(version) if version.isdecimal() else None, dependencies)
        return _to(key)

    @post("/{key:str}/deactivate", **console(KeyScope.PUBLISH, "template.deactivate"))
    async def deactivate(
        self, request: Request[Principal, None, Any], key: Key, dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Let the template listen no more. Raises UnknownTemplate."""
        await read_form(request)
        await deactivate(request.user.tenant, key, dependencies)
        return _to(key)

    @get("/{key:str}/diff", **console(KeyScope.READ))
    async def diff(
        self,
        request: Request[Principal, None, Any],
        key: Key,
        dependencies: NamedDependency[Dependencies],
        before: Annotated[int, QueryParameter(ge=1, le=10**9)],
        after: Annotated[int, QueryParameter(ge=1, le=10**9)],
    ) -> Response[bytes]:
        """Return how two versions differ in meaning. Raises UnknownTemplate."""
        found = await diff_versions(request.user.tenant, key, before, after, dependencies)
        answer = difference_answer(found)
        return page(request, "diff", key=key, before=before, after=after, diff=answer, same=not found)

    @post("/{key:str}/listen", **console(KeyScope.PUBLISH, "template.listen"), status_code=200)
    async def listen(
        self, request: Request[Principal, None, Any], key: Key, dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Listen for a test call, and say where. Raises UnknownTemplate, NotStartable."""
        await read_form(request)
        until, routes = await listen(request.user.tenant, key, LISTEN_SECONDS, dependencies)
        addresses = webhook_answers(routes, request, dependencies, suffix="-test")
        return page(request, "listening", key=key, until=until, addresses=addresses)

    @post("/{key:str}/start", **console(KeyScope.RUN, "run.start"))
    async def start(
        self,
        request: Request[Principal, None, Any],
        key: Key,
        dependencies: NamedDependency[Dependencies],
        starter: NamedDependency[Starter],
        rates: NamedDependency[Rates],
    ) -> Redirect:
        """Start a run, and show it. Raises UnknownTemplate, NotStartable, BadRequest, TooManyRequests."""
        text = str((await read_form(request)).get("input") or "").strip() or "{}"
        try:
            data = StartRequest.model_validate({"workflow_template": key, "input_data": orjson.loads(text)})
        except ValueError as error:
            raise BadRequest("The input is JSON: an object, or a list of objects.") from error
        rates.require_start(request.user.tenant)
        template = await dependencies.templates.current(request.user.tenant, key)
        if template is None:
            raise await unknown_template(request.user.tenant, key, dependencies)
        started = await starter.start(run_request_of(request.user.tenant, template, data, None))
        name_object(request, "run", started.workflow_id)
        return Redirect(run_url(started.workflow_id), status_code=303)


async def _compile(
    tenant: str, key: str, export: dict[str, Any], dependencies: Dependencies
) -> tuple[Upload | None, str]:
    """Return what the compiler says of an export, or why it says nothing."""
    try:
        body = orjson.dumps(export)
        return await dependencies.compiler.compile(tenant, body, file=f"{key}.json", allow_unsupported=True), ""
    except CompileLimit as limit:
        return None, str(limit)
    except CompilerCrash:
        return None, "The compiler crashed. The log of the service has the cause."


def _to(key: str) -> Redirect:
    return Redirect(f"/console/templates/{key}", status_code=303)
