"""Publish an export of a folder that is watched, without undoing what was decided about it since."""

from dataclasses import dataclass
from pathlib import Path

from compiler import Compilation
from service.publishing import publish
from service.template_records import Publication
from service.templates import TemplateStore

__all__ = ["PublishedFile", "publish_file"]


@dataclass(frozen=True)
class PublishedFile:
    """What became of an export that compiled."""

    publication: Publication | None
    """None: this version is the current one already, and nothing was changed."""
    idle: bool = False
    """Whether the template does not start by itself: the export is not active, or somebody has deactivated the template."""


async def publish_file(
    templates: TemplateStore, tenant: str, path: Path, compilation: Compilation
) -> PublishedFile | None:
    """Publish an export under the name of its file; None when it has no plan.

    A version that is current is left as it is, active or not. A new version is as active as the one before it; the first
    one of a template that starts by itself is active where the export is.

    Raises:
        WebhookConflict, DatabaseUnavailable: as `TemplateStore.publish`.
    """
    plan = compilation.plan
    if plan is None:
        return None
    before = next(
        (each for each in await templates.summaries(tenant) if (each.owner, each.key) == (tenant, path.stem)), None
    )
    if before is not None and before.plan_hash == plan.id:
        return PublishedFile(None)
    idle = not before.active if before else bool(plan.schedules) and not plan.active
    publication = await publish(templates, tenant, path.stem, compilation, active=not idle)
    assert publication is not None
    return PublishedFile(publication, idle)
