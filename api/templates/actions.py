"""What can be done with a template, for REST and the console alike."""

from datetime import datetime
from typing import Final

from api.authentication import Principal
from api.dependencies import Dependencies
from api.problems import BadRequest, NotStartable, UnknownTemplate, WebhookTaken
from api.templates.addresses import KEY
from api.templates.compiling import compile_upload, refuse_programs
from compiler.report.difference import Difference, difference
from schemas.names import CHAT, MCP
from service.compiling import Upload
from service.publishing import publish
from service.routes import Webhook
from service.template_records import Publication, WebhookConflict, webhooks_of

__all__ = ["activate", "deactivate", "diff_versions", "listen", "publish_export", "unknown_template"]

BAD_KEY: Final = "key: letters, digits, '_', '.' and '-', 128 at most, beginning with a letter or a digit."


async def publish_export(
    principal: Principal,
    key: str,
    body: bytes,
    dependencies: Dependencies,
    *,
    description: str,
    allow_unsupported: bool,
) -> tuple[Publication, Upload]:
    """Compile an export and publish it as the next version of `key`.

    Raises:
        BadRequest: the key is none.
        DoesNotCompile, CodeSwitchedOff, WebhookTaken, BeingDeletedError: nothing was published.
    """
    tenant = principal.tenant
    if not KEY.fullmatch(key):
        raise BadRequest(BAD_KEY)
    compilation, plan = await compile_upload(tenant, body, key, dependencies, allow_unsupported=allow_unsupported)
    refuse_programs(plan, tenant, dependencies)
    try:
        publication = await publish(
            dependencies.store, tenant, key, compilation, description=description, created_by=principal.key
        )
    except WebhookConflict as error:
        raise WebhookTaken(f"{error}. Nothing was published.", method=error.method, path=error.path) from error
    assert publication is not None  # what does not compile was refused above
    dependencies.templates.forget(tenant)
    return publication, compilation


async def listen(tenant: str, key: str, seconds: int, dependencies: Dependencies) -> tuple[datetime, list[Webhook]]:
    """Let a template listen for a test call; return until when, and where.

    Raises:
        UnknownTemplate: the tenant has no such template.
        NotStartable: it has no webhook and no form.
    """
    template = await dependencies.store.current(tenant, key)
    if template is None:
        raise await unknown_template(tenant, key, dependencies)
    routes = [each for each in webhooks_of(template.plan) if each.method not in (CHAT, MCP)]
    if not routes:
        raise NotStartable("The template has no webhook and no form that could listen.")
    return await dependencies.listeners.open(tenant, template, seconds), routes


async def diff_versions(tenant: str, key: str, before: int, after: int, dependencies: Dependencies) -> Difference:
    """Return how two versions of a template differ in meaning. Raises UnknownTemplate."""
    hashes = {each.version: each.plan_hash for each in await dependencies.store.versions(tenant, key)}
    plans = []
    for version in (before, after):
        source = await dependencies.store.source(tenant, hashes[version]) if version in hashes else None
        if source is None:
            raise UnknownTemplate(f"Template {key!r} has no version {version}.", available=[])
        plans.append(source[1])
    return difference(*plans)


async def activate(tenant: str, key: str, version: int | None, dependencies: Dependencies) -> list[Webhook]:
    """Let a template listen; with `version`, that one becomes current. Return where it listens.

    Raises:
        UnknownTemplate: the tenant has no such template or version.
        WebhookTaken: another template listens there.
    """
    try:
        routes = await dependencies.store.activate(tenant, key, version)
    except WebhookConflict as error:
        raise WebhookTaken(f"{error}.", method=error.method, path=error.path) from error
    if routes is None:
        raise await unknown_template(tenant, key, dependencies)
    dependencies.templates.forget(tenant)
    return routes


async def deactivate(tenant: str, key: str, dependencies: Dependencies) -> None:
    """Let a template listen no more.

    Raises:
        UnknownTemplate: the tenant has no such template.
    """
    if not await dependencies.store.deactivate(tenant, key):
        raise await unknown_template(tenant, key, dependencies)
    dependencies.templates.forget(tenant)


async def unknown_template(tenant: str, key: str, dependencies: Dependencies) -> UnknownTemplate:
    """Return the problem of a template that is not there, with those that are."""
    available = [each.key for each in await dependencies.store.summaries(tenant)]
    return UnknownTemplate(f"There is no template {key!r}.", available=available)
