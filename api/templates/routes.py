"""Templates: list, publish (compiled on upload), versions, activate."""

from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from temporalio.service import RPCError

from api.access import needs
from api.audit.middleware import name_object
from api.authentication import Principal
from api.dependencies import Dependencies
from api.openapi import ExportOperation, problems
from api.problems import (
    BadRequest,
    BeingDeleted,
    CodeSwitchedOff,
    DoesNotCompile,
    Forbidden,
    NotStartable,
    TooLarge,
    UnknownTemplate,
    UnsupportedMediaType,
    WebhookTaken,
)
from api.templates import actions
from api.templates.actions import unknown_template
from api.templates.addresses import export_name, template_key, webhook_answers
from api.templates.compiling import compile_upload, refuse_programs
from api.templates.models import (
    Activation,
    CheckAnswer,
    DeletionAnswer,
    DifferenceAnswer,
    Listening,
    PublishAnswer,
    RegistrationList,
    ScheduleAnswer,
    ScheduleList,
    TemplateList,
    VersionAnswer,
    VersionList,
    difference_answer,
    links_of,
    registration_answer,
    schedule_answer,
    summary_of,
)
from runtime.platform.postgres import DatabaseUnavailable
from service.api_keys import KeyScope
from service.compiling import Upload
from service.deletion_store import DeletionStore
from service.registration_store import RegistrationStore
from service.scheduler import Scheduler

__all__ = ["TemplateController"]

APPLY_SECONDS: Final = 2.0
"""How long the answer to a publication waits for what Temporal says of its schedules."""


TemplateKey = Annotated[str, PathParameter(description="Key of the template", max_length=128)]


class TemplateController(Controller):
    """Everything under /templates."""

    path = "/templates"
    tags = ("Templates",)

    @get(
        "/",
        **needs(KeyScope.READ),
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
        **needs(KeyScope.PUBLISH, "template.publish"),
        status_code=201,
        summary="Publish a template",
        operation_class=ExportOperation,
        responses=problems(
            UnsupportedMediaType, BadRequest, BeingDeleted, CodeSwitchedOff, DoesNotCompile, TooLarge, WebhookTaken
        ),
        description="The body is an n8n export. It is compiled; 422 has the same diagnostics as `tempor8 check`. "
        "The new version is current at once and its webhooks listen; runs that go on keep the plan they started with.",
    )
    async def publish(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        scheduler: NamedDependency[Scheduler],
        key: Annotated[str | None, QueryParameter(description="Key; default: made from its name")] = None,
        description: Annotated[str, QueryParameter(description="One sentence for lists", max_length=2000)] = "",
        allow_unsupported: Annotated[
            bool, QueryParameter(description="Nodes that cannot run fail when they are reached")
        ] = False,
    ) -> Response[PublishAnswer]:
        """Compile and publish."""
        tenant, body = request.user.tenant, await request.body()
        final_key = key or template_key(export_name(body))
        name_object(request, "template", final_key)
        publication, compilation = await actions.publish_export(
            request.user, final_key, body, dependencies, description=description, allow_unsupported=allow_unsupported
        )
        answer = PublishAnswer(
            key=publication.key,
            version=publication.version,
            plan_hash=publication.plan_hash,
            created=publication.created,
            webhooks=webhook_answers(publication.webhooks, request, dependencies),
            schedules=await _schedules(tenant, final_key, scheduler) if publication.scheduled else [],
            verdicts=_verdicts(compilation),
            diagnostics=list(compilation.diagnostics),
            links=links_of(publication.key),
        )
        return Response(answer, status_code=201 if publication.created else 200)

    @post(
        "/check",
        **needs(KeyScope.PUBLISH),
        status_code=200,
        summary="Check an export",
        operation_class=ExportOperation,
        responses=problems(UnsupportedMediaType, BadRequest, CodeSwitchedOff, DoesNotCompile, TooLarge),
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
        compilation, plan = await compile_upload(
            request.user.tenant,
            body,
            template_key(export_name(body)),
            dependencies,
            allow_unsupported=allow_unsupported,
        )
        refuse_programs(plan, request.user.tenant, dependencies)
        return CheckAnswer(
            runnable=compilation.runnable,
            plan_hash=plan.id,
            verdicts=_verdicts(compilation),
            diagnostics=list(compilation.diagnostics),
        )

    @get(
        "/{key:str}/versions",
        **needs(KeyScope.READ),
        summary="List the versions of a template",
        responses=problems(UnknownTemplate),
    )
    async def versions(
        self, request: Request[Principal, None, Any], key: TemplateKey, dependencies: NamedDependency[Dependencies]
    ) -> VersionList:
        """Return the versions, newest first."""
        all_versions = await dependencies.store.versions(request.user.tenant, key)
        if not all_versions:
            raise await unknown_template(request.user.tenant, key, dependencies)
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
        **needs(KeyScope.PUBLISH, "template.activate"),
        status_code=200,
        summary="Activate a template",
        responses=problems(UnsupportedMediaType, BeingDeleted, UnknownTemplate, WebhookTaken),
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
        routes = await actions.activate(request.user.tenant, key, version, dependencies)
        return Activation(key=key, webhooks=webhook_answers(routes, request, dependencies))

    @post(
        "/{key:str}/deactivate",
        **needs(KeyScope.PUBLISH, "template.deactivate"),
        status_code=200,
        summary="Deactivate a template",
        responses=problems(UnsupportedMediaType, UnknownTemplate),
        description="It listens at no webhook and starts by no schedule any more. Runs that go on are left alone, and a "
        "start by REST or by another workflow still finds it. Activating it brings everything back.",
    )
    async def deactivate(
        self, request: Request[Principal, None, Any], key: TemplateKey, dependencies: NamedDependency[Dependencies]
    ) -> Activation:
        """Stop listening."""
        await actions.deactivate(request.user.tenant, key, dependencies)
        return Activation(key=key, webhooks=[])

    @delete(
        "/{key:str}",
        **needs(KeyScope.PUBLISH, "template.delete"),
        status_code=202,
        summary="Delete a template",
        responses=problems(Forbidden, UnknownTemplate),
        description="All versions of the tenant's own template, its schedules, its runs (open ones are terminated), their "
        "histories, results, payloads and files. From the answer on nothing starts it: starts and webhooks get 404, a "
        "publication under its key 409 until all is gone, which takes minutes. Asking again shows how far it is. Data tables, "
        "variables, credentials and chat memory belong to the tenant and stay.",
    )
    async def delete(
        self, request: Request[Principal, None, Any], key: TemplateKey, dependencies: NamedDependency[Dependencies]
    ) -> DeletionAnswer:
        """Delete a template with everything of it."""
        tenant = request.user.tenant
        deletion = await DeletionStore(dependencies.database).request_template(tenant, key, request.user.key)
        if deletion is None:
            if await dependencies.store.current(tenant, key) is not None:
                raise Forbidden(
                    f"The template {key!r} is the operator's. Deactivate it to stop what it starts for you."
                )
            raise await unknown_template(tenant, key, dependencies)
        dependencies.templates.forget(tenant)
        return DeletionAnswer(
            key=key,
            requested_at=deletion.requested_at,
            progress=deletion.progress or "schedules",
            error=deletion.error,
        )

    @post(
        "/{key:str}/listen",
        **needs(KeyScope.PUBLISH, "template.listen"),
        status_code=200,
        summary="Listen for a test call",
        responses=problems(UnsupportedMediaType, UnknownTemplate, NotStartable),
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
        until, routes = await actions.listen(tenant, key, seconds, dependencies)
        return Listening(key=key, until=until, webhooks=webhook_answers(routes, request, dependencies, suffix="-test"))

    @get(
        "/{key:str}/schedules",
        **needs(KeyScope.READ),
        summary="When a template starts by itself",
        responses=problems(UnknownTemplate),
    )
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
            raise await unknown_template(tenant, key, dependencies)
        rules = await scheduler.list_schedules(tenant, key)
        return ScheduleList(key=key, items=[schedule_answer(each) for each in rules])

    @get(
        "/{key:str}/diff",
        **needs(KeyScope.READ),
        summary="How two versions of a template differ",
        responses=problems(BadRequest, UnknownTemplate),
        description="In meaning: positions, ids and notes do not count, nor do defaults that are written out.",
    )
    async def diff(
        self,
        request: Request[Principal, None, Any],
        key: TemplateKey,
        dependencies: NamedDependency[Dependencies],
        before: Annotated[int, QueryParameter(ge=1, le=10**9, description="The version to compare with")],
        after: Annotated[int, QueryParameter(ge=1, le=10**9, description="The version that is compared")],
    ) -> DifferenceAnswer:
        """Return the changes."""
        return difference_answer(await actions.diff_versions(request.user.tenant, key, before, after, dependencies))

    @get(
        "/{key:str}/registrations",
        **needs(KeyScope.READ),
        summary="Which triggers of a template are registered at vendors",
        responses=problems(UnknownTemplate),
    )
    async def registrations(
        self, request: Request[Principal, None, Any], key: TemplateKey, dependencies: NamedDependency[Dependencies]
    ) -> RegistrationList:
        """Return them, with what vendors said against them. None: it has none, or is not active."""
        tenant = request.user.tenant
        if await dependencies.templates.current(tenant, key) is None:
            raise await unknown_template(tenant, key, dependencies)
        rows = await RegistrationStore(dependencies.database).of_template(tenant, key)
        return RegistrationList(key=key, items=[registration_answer(each) for each in rows if each.wanted])


async def _schedules(tenant: str, key: str, scheduler: Scheduler) -> list[ScheduleAnswer]:
    """Return a publication's rules once Temporal has said what it thinks of them, or after APPLY_SECONDS as they are."""
    try:
        await scheduler.wait_applied(tenant, key, APPLY_SECONDS)
        return [schedule_answer(each) for each in await scheduler.list_schedules(tenant, key)]
    except (DatabaseUnavailable, RPCError):  # it is published, whatever the servers do now
        return []


def _verdicts(compilation: Upload) -> list[dict[str, Any]]:
    return [{"node": each.node, "grade": each.grade, "reason": each.reason} for each in compilation.verdicts]
