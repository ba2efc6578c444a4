"""Templates: list, publish (compiled on upload), versions, activate."""

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from api.authentication import Principal
from api.dependencies import Dependencies
from api.openapi import problems
from api.problems import BadRequest, DoesNotCompile, NotStartable, TooLarge, UnknownTemplate, WebhookTaken
from api.templates.models import (
    Activation,
    CheckAnswer,
    Listening,
    PublishAnswer,
    ScheduleAnswer,
    ScheduleList,
    TemplateList,
    VersionAnswer,
    VersionList,
    WebhookAnswer,
    links_of,
    summary_of,
)
from schemas.names import CHAT, FORM
from service.publishing import publish
from service.routes import Webhook
from service.scheduler import Scheduler
from service.template_records import WebhookConflict, webhooks_of

if TYPE_CHECKING:
    from compiler import Compilation
    from schemas.plan import Plan

__all__ = ["TemplateController", "template_key"]

KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


TemplateKey = Annotated[str, PathParameter(description="Key of the template", max_length=128)]


class TemplateController(Controller):
    """Everything under /templates."""

    path = "/templates"
    tags = ("Templates",)

    @get(
        "/",
        summary="List templates",
        responses=problems(),
        description="The tenant's own and the shared ones; its own win where keys are equal.",
    )
    async def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> TemplateList:
        """Return the templates that can be started."""
        return TemplateList(
            items=[summary_of(each) for each in await dependencies.store.summaries(request.user.tenant)]
        )

    @post(
        "/",
        status_code=201,
        summary="Publish a template",
        responses=problems(BadRequest, DoesNotCompile, TooLarge, WebhookTaken),
        description="The body is an n8n export. It is compiled; 422 has the same diagnostics as `tempor8 check`. "
        "The new version is current at once and its webhooks listen; runs that go on keep the plan they started with.",
    )
    async def publish(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        key: Annotated[str | None, QueryParameter(description="Key; default: made from its name")] = None,
        description: Annotated[str, QueryParameter(description="One sentence for lists", max_length=2000)] = "",
        allow_unsupported: Annotated[
            bool, QueryParameter(description="Nodes that cannot run fail when they are reached")
        ] = False,
    ) -> Response[PublishAnswer]:
        """Compile and publish."""
        tenant, body = request.user.tenant, await request.body()
        final_key = key or template_key(_name(body))
        if not KEY.fullmatch(final_key):
            raise BadRequest("key: letters, digits, '_', '.' and '-', 128 at most, beginning with a letter or a digit.")
        compilation, _ = await _compile(body, final_key, dependencies, allow_unsupported=allow_unsupported)
        try:
            publication = await publish(
                dependencies.store, tenant, final_key, compilation, description=description, created_by=request.user.key
            )
        except WebhookConflict as error:
            raise WebhookTaken(f"{error}. Nothing was published.", method=error.method, path=error.path) from error
        assert publication is not None  # what does not compile was refused above
        dependencies.templates.forget(tenant)
        answer = PublishAnswer(
            key=publication.key,
            version=publication.version,
            plan_hash=publication.plan_hash,
            created=publication.created,
            webhooks=_webhooks(publication.webhooks, request, dependencies),
            verdicts=_verdicts(compilation),
            diagnostics=[each.to_json() for each in compilation.diagnostics],
            links=links_of(publication.key),
        )
        return Response(answer, status_code=201 if publication.created else 200)

    @post(
        "/check",
        status_code=200,
        summary="Check an export",
        responses=problems(BadRequest, DoesNotCompile, TooLarge),
        description="The body is an n8n export. Nothing is published, run or fetched; 422 has every diagnostic.",
    )
    async def check(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        allow_unsupported: Annotated[
            bool, QueryParameter(description="Nodes that cannot run fail when they are reached")
        ] = False,
    ) -> CheckAnswer:
        """Compile, and return what the compiler reports."""
        body = await request.body()
        compilation, plan = await _compile(
            body, template_key(_name(body)), dependencies, allow_unsupported=allow_unsupported
        )
        return CheckAnswer(
            runnable=compilation.runnable,
            plan_hash=plan.id,
            verdicts=_verdicts(compilation),
            diagnostics=[each.to_json() for each in compilation.diagnostics],
        )

    @get("/{key:str}/versions", summary="List the versions of a template", responses=problems(UnknownTemplate))
    async def versions(
        self, request: Request[Principal, None, Any], key: TemplateKey, dependencies: NamedDependency[Dependencies]
    ) -> VersionList:
        """Return the versions, newest first."""
        all_versions = await dependencies.store.versions(request.user.tenant, key)
        if not all_versions:
            raise await _unknown(request.user.tenant, key, dependencies)
        return VersionList(
            key=key,
            items=[
                VersionAnswer(
                    version=each.version,
                    plan_hash=each.plan_hash,
                    name=each.name,
                    current=each.current,
                    published_at=each.published_at,
                    created_by=each.created_by,
                )
                for each in all_versions
            ],
        )

    @post(
        "/{key:str}/activate",
        status_code=200,
        summary="Activate a template",
        responses=problems(UnknownTemplate, WebhookTaken),
        description="Makes a shared template listen at its webhooks for this tenant. "
        "With `version`, an earlier version of the tenant's own template becomes current again.",
    )
    async def activate(
        self,
        request: Request[Principal, None, Any],
        key: TemplateKey,
        dependencies: NamedDependency[Dependencies],
        version: Annotated[int | None, QueryParameter(ge=1, description="The version that becomes current")] = None,
    ) -> Activation:
        """Listen, or go back to a version."""
        tenant = request.user.tenant
        try:
            routes = await dependencies.store.activate(tenant, key, version)
        except WebhookConflict as error:
            raise WebhookTaken(f"{error}.", method=error.method, path=error.path) from error
        if routes is None:
            raise await _unknown(tenant, key, dependencies)
        dependencies.templates.forget(tenant)
        return Activation(key=key, webhooks=_webhooks(routes, request, dependencies))

    @post(
        "/{key:str}/deactivate",
        status_code=200,
        summary="Deactivate a template",
        responses=problems(UnknownTemplate),
        description="It listens at no webhook and starts by no schedule any more. Runs that go on are left alone, and a "
        "start by REST or by another workflow still finds it. Activating it brings everything back.",
    )
    async def deactivate(
        self, request: Request[Principal, None, Any], key: TemplateKey, dependencies: NamedDependency[Dependencies]
    ) -> Activation:
        """Stop listening."""
        tenant = request.user.tenant
        if not await dependencies.store.deactivate(tenant, key):
            raise await _unknown(tenant, key, dependencies)
        dependencies.templates.forget(tenant)
        return Activation(key=key, webhooks=[])

    @post(
        "/{key:str}/listen",
        status_code=200,
        summary="Listen for a test call",
        responses=problems(UnknownTemplate, NotStartable),
        description="The webhooks and forms of the template, active or not, listen below /webhook-test and /form-test for one "
        "call. The run is a "
        "test: pinned data take the place of what nodes would do, static data are not kept, no error workflow starts.",
    )
    async def listen(
        self,
        request: Request[Principal, None, Any],
        key: TemplateKey,
        dependencies: NamedDependency[Dependencies],
        seconds: Annotated[int, QueryParameter(ge=1, le=3600, description="For how long")] = 120,
    ) -> Listening:
        """Listen until a call comes, or the time is up."""
        tenant = request.user.tenant
        template = await dependencies.store.current(tenant, key)
        if template is None:
            raise await _unknown(tenant, key, dependencies)
        routes = [each for each in webhooks_of(template.plan) if each.method != CHAT]
        if not routes:
            raise NotStartable("The template has no webhook and no form that could listen.")
        until = await dependencies.listeners.open(tenant, template, seconds)
        return Listening(key=key, until=until, webhooks=_webhooks(routes, request, dependencies, suffix="-test"))

    @get("/{key:str}/schedules", summary="When a template starts by itself", responses=problems(UnknownTemplate))
    async def schedules(
        self,
        request: Request[Principal, None, Any],
        key: TemplateKey,
        dependencies: NamedDependency[Dependencies],
        scheduler: NamedDependency[Scheduler],
    ) -> ScheduleList:
        """Return its rules and their next times."""
        tenant = request.user.tenant
        if await dependencies.templates.current(tenant, key) is None:
            raise await _unknown(tenant, key, dependencies)
        rules = await scheduler.list_schedules(tenant, key)
        return ScheduleList(
            key=key,
            items=[
                ScheduleAnswer(id=each.id, node=each.node, rule=each.spec, applied=each.applied, next=list(each.next))
                for each in rules
            ],
        )


async def _compile(
    body: bytes, key: str, dependencies: Dependencies, *, allow_unsupported: bool
) -> "tuple[Compilation, Plan]":
    """Return an export compiled, and its plan.

    Raises:
        DoesNotCompile: with every diagnostic.
    """
    from compiler import compile_export  # noqa: PLC0415  # 25 MB that a service which only runs never needs

    compilation = await asyncio.to_thread(  # a large export must not hold up other requests
        compile_export, body, file=f"{key}.json", catalog=dependencies.catalog, allow_unsupported=allow_unsupported
    )
    if compilation.plan is None or not (compilation.runnable or allow_unsupported):
        diagnostics = [each.to_json() for each in compilation.diagnostics]
        errors = [each for each in diagnostics if each["severity"] == "error"]
        raise DoesNotCompile(f"The export has {len(errors)} error(s); nothing was published.", diagnostics=diagnostics)
    return compilation, compilation.plan


def _verdicts(compilation: "Compilation") -> list[dict[str, Any]]:
    return [{"node": each.node, "grade": each.grade, "reason": each.reason} for each in compilation.verdicts]


def template_key(name: str) -> str:
    """Return a key made from a workflow's name: lower case, words joined by underscores; empty when nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:128]


def _name(body: bytes) -> str:
    """Return the export's name, or "export"; errors in the body are reported by the compiler."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "export"
    name = document.get("name") if isinstance(document, dict) else None
    return name if isinstance(name, str) and template_key(name) else "export"


def _webhooks(
    routes: list[Webhook], request: Request[Principal, None, Any], dependencies: Dependencies, suffix: str = ""
) -> list[WebhookAnswer]:
    base, tenant = (dependencies.settings.public_url or str(request.base_url)).rstrip("/"), request.user.tenant
    return [
        WebhookAnswer(
            method=each.method,
            url=f"{base}/{'form' if each.method == FORM else 'webhook'}{suffix}/{tenant}/{each.path}",
            node=each.node,
            response_mode=each.response_mode,
        )
        for each in routes
    ]


async def _unknown(tenant: str, key: str, dependencies: Dependencies) -> UnknownTemplate:
    available = [each.key for each in await dependencies.store.summaries(tenant)]
    return UnknownTemplate(f"There is no template {key!r}.", available=available)
