"""What can be done with a template, for REST and the console alike."""

from api.dependencies import Dependencies
from api.problems import UnknownTemplate, WebhookTaken
from service.routes import Webhook
from service.template_records import WebhookConflict

__all__ = ["activate", "deactivate", "unknown_template"]


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
