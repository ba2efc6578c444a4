"""The shapes of answers about templates."""

from typing import Any

from pydantic import BaseModel, Field

from api.models import Moment
from compiler.report.difference import Difference
from runtime.platform.postgres import SHARED
from schemas.redact import redact_json
from service.registration_store import Registration
from service.scheduler import Scheduled
from service.template_records import Summary

__all__ = [
    "Activation",
    "CheckAnswer",
    "CredentialNeed",
    "DeletionAnswer",
    "DifferenceAnswer",
    "Listening",
    "PublishAnswer",
    "RegistrationAnswer",
    "RegistrationList",
    "ScheduleAnswer",
    "ScheduleList",
    "TemplateList",
    "TemplateSummary",
    "VersionAnswer",
    "VersionList",
    "WebhookAnswer",
    "difference_answer",
    "links_of",
    "registration_answer",
    "schedule_answer",
    "summary_of",
]


class CredentialNeed(BaseModel):
    """A credential that the tenant must have."""

    type: str
    name: str


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
    credentials: list[CredentialNeed] = Field(description="What the tenant must have for every step to run")
    duration_s: float | None = Field(
        description="Expected seconds of work, as the author says; waits for people come on top"
    )
    source: str | None = Field(description="Where the template comes from, as the author says")
    durability: str
    published_at: Moment
    schedule_errors: list[str] = Field(
        description="What Temporal said of rules that it does not take; see its schedules"
    )
    registration_errors: list[str] = Field(
        description="Why triggers are not registered at their vendors; see its registrations"
    )
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


class ScheduleAnswer(BaseModel):
    """One rule of a schedule node."""

    id: str
    node: str
    rule: dict[str, Any] = Field(description="crons (seconds first), or every and offset in seconds; the time zone")
    applied: bool = Field(description="Whether Temporal knows this rule already; it does within seconds")
    error: str | None = Field(default=None, description="Temporal's words, when it does not take this rule")
    attempts: int = Field(default=0, description="Tries that ended with an error since the rule was applied or changed")
    next_try: Moment | None = Field(
        default=None, description="When it is sent again; with an error and no time: Temporal refused it for good"
    )
    next: list[Moment] = Field(description="The next times at which a run starts; none: it never does")


class RegistrationAnswer(BaseModel):
    """A trigger that is registered at a vendor while the template is active."""

    node: str
    type: str
    registered: bool = Field(
        description="Whether the vendor was told of this trigger as it is now; it is within seconds"
    )
    error: str | None = Field(
        default=None, description="Why it is not, or what the vendor said when it was last looked at"
    )
    attempts: int = Field(default=0, description="Tries that ended with an error; each later one waits longer")


class PublishAnswer(BaseModel):
    """What was published. `created` is false when this very plan was there already."""

    key: str
    version: int
    plan_hash: str
    created: bool
    webhooks: list[WebhookAnswer]
    schedules: list[ScheduleAnswer] = Field(description="Its rules, with what Temporal said of them within two seconds")
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


class ScheduleList(BaseModel):
    """When a template starts by itself."""

    key: str
    items: list[ScheduleAnswer]


class RegistrationList(BaseModel):
    """The triggers of a template that are registered at vendors."""

    key: str
    items: list[RegistrationAnswer]


class DeletionAnswer(BaseModel):
    """A deletion that goes on: nothing starts any more, and what is left is removed within minutes."""

    key: str
    status: str = Field(default="deleting", description="deleting; a request after its end is answered by 404")
    requested_at: Moment
    progress: str = Field(description="What is being removed: schedules, runs, rows")
    error: str | None = Field(default=None, description="Why it has not gone on; it is tried again")


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
        credentials=[CredentialNeed(**each) for each in metadata.get("credentials", [])],
        duration_s=metadata.get("duration_s"),
        source=metadata.get("source"),
        durability=metadata.get("durability", "durable"),
        published_at=template.published_at,
        schedule_errors=list(template.schedule_errors),
        registration_errors=list(template.registration_errors),
        links=links_of(template.key),
    )


def registration_answer(row: Registration) -> RegistrationAnswer:
    """Return a registration as answers show it."""
    return RegistrationAnswer(
        node=row.node,
        type=row.known["step"]["type"] if row.known else "",
        registered=row.applied is not None and row.applied_digest == row.wanted_digest,
        error=row.error,
        attempts=row.attempts,
    )


def schedule_answer(schedule: Scheduled) -> ScheduleAnswer:
    """Return a rule as answers show it."""
    return ScheduleAnswer(
        id=schedule.id,
        node=schedule.node,
        rule=schedule.spec,
        applied=schedule.applied,
        error=schedule.error,
        attempts=schedule.attempts,
        next_try=schedule.next_try,
        next=list(schedule.next),
    )


def links_of(key: str) -> dict[str, str]:
    """Return the relative addresses of a template by name."""
    return {
        "versions": f"/templates/{key}/versions",
        "activate": f"/templates/{key}/activate",
        "deactivate": f"/templates/{key}/deactivate",
        "listen": f"/templates/{key}/listen",
        "schedules": f"/templates/{key}/schedules",
        "registrations": f"/templates/{key}/registrations",
        "start": "/workflows/start",
    }


class ChangeAnswer(BaseModel):
    """A value that changed; secrets are masked."""

    node: str = Field(description="Empty: a setting of the workflow")
    what: str = Field(description="Path of the parameter, or aspect of the node")
    before: Any = Field(default=None, description="null: it was absent")
    after: Any = None


class RenameAnswer(BaseModel):
    """A node that has another name."""

    before: str
    after: str


class DifferenceAnswer(BaseModel):
    """The changes between two versions. Nothing in any list: they mean the same."""

    added: list[str] = Field(description="Nodes")
    removed: list[str]
    renamed: list[RenameAnswer]
    changed: list[ChangeAnswer]
    settings: list[ChangeAnswer]
    connected: list[str]
    disconnected: list[str]


def difference_answer(found: Difference) -> DifferenceAnswer:
    """Return a difference with its secrets masked."""
    document = found.to_json()
    for key in ("changed", "settings"):
        for each in document[key]:
            name = each["what"].rpartition(".")[2]
            for side in ("before", "after"):
                each[side] = redact_json({name: each[side]}, depth=20)[name]
    return DifferenceAnswer.model_validate(document)
