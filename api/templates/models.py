"""The shapes of answers about templates."""

from typing import Any

from pydantic import BaseModel, Field

from api.models import Moment
from runtime.platform.postgres import SHARED
from service.template_records import Summary

__all__ = [
    "Activation",
    "CheckAnswer",
    "Listening",
    "PublishAnswer",
    "ScheduleAnswer",
    "ScheduleList",
    "TemplateList",
    "TemplateSummary",
    "VersionAnswer",
    "VersionList",
    "WebhookAnswer",
    "links_of",
    "summary_of",
]


class TemplateSummary(BaseModel):
    """A template that the tenant may start."""

    key: str
    name: str
    version: int
    description: str
    plan_hash: str
    active: bool = Field(description="Whether it listens at its webhooks and starts by its schedules")
    shared: bool = Field(description="Published by the operator for every tenant")
    triggers: list[str]
    nodes: int
    agents: list[str]
    durability: str
    published_at: Moment
    links: dict[str, str]


class TemplateList(BaseModel):
    """Every template that the tenant may start, by key."""

    items: list[TemplateSummary]


class WebhookAnswer(BaseModel):
    """Where a template listens."""

    method: str
    url: str
    node: str
    response_mode: str


class PublishAnswer(BaseModel):
    """What was published. `created` is false when this very plan was there already."""

    key: str
    version: int
    plan_hash: str
    created: bool
    webhooks: list[WebhookAnswer]
    verdicts: list[dict[str, Any]] = Field(description="Per node: exact, differs (with the sentence that says how)")
    diagnostics: list[dict[str, Any]] = Field(description="Warnings and notes of the compiler")
    links: dict[str, str]


class CheckAnswer(BaseModel):
    """What the compiler says of an export. Nothing was published."""

    runnable: bool
    plan_hash: str
    verdicts: list[dict[str, Any]] = Field(description="Per node: exact, differs (with the sentence that says how)")
    diagnostics: list[dict[str, Any]] = Field(description="Warnings and notes of the compiler")


class VersionAnswer(BaseModel):
    """One version of a template. Versions never change."""

    version: int
    plan_hash: str
    name: str
    current: bool
    published_at: Moment
    created_by: str | None


class VersionList(BaseModel):
    """The versions of a template, newest first."""

    key: str
    items: list[VersionAnswer]


class ScheduleAnswer(BaseModel):
    """One rule of a schedule node."""

    id: str
    node: str
    rule: dict[str, Any] = Field(description="crons (seconds first), or every and offset in seconds; the time zone")
    applied: bool = Field(description="Whether Temporal knows this rule already; it does within seconds")
    next: list[Moment] = Field(description="The next times at which a run starts; none: it never does")


class ScheduleList(BaseModel):
    """When a template starts by itself."""

    key: str
    items: list[ScheduleAnswer]


class Activation(BaseModel):
    """Where the template listens from now on."""

    key: str
    webhooks: list[WebhookAnswer]


class Listening(BaseModel):
    """Where the template listens for one test call."""

    key: str
    until: Moment
    webhooks: list[WebhookAnswer]


def summary_of(template: Summary) -> TemplateSummary:
    """Return a template as lists show it."""
    metadata = template.metadata
    return TemplateSummary(
        key=template.key,
        name=template.name,
        version=template.version,
        description=template.description,
        plan_hash=template.plan_hash,
        active=template.active,
        shared=template.owner == SHARED,
        triggers=metadata.get("triggers", []),
        nodes=metadata.get("nodes", 0),
        agents=metadata.get("agents", []),
        durability=metadata.get("durability", "durable"),
        published_at=template.published_at,
        links=links_of(template.key),
    )


def links_of(key: str) -> dict[str, str]:
    """Return the relative addresses of a template by name."""
    return {
        "versions": f"/templates/{key}/versions",
        "activate": f"/templates/{key}/activate",
        "deactivate": f"/templates/{key}/deactivate",
        "listen": f"/templates/{key}/listen",
        "schedules": f"/templates/{key}/schedules",
        "start": "/workflows/start",
    }
