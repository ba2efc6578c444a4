"""Published templates as values: one version, the lists of them, and what a publication did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from schemas.plan import Needs, Plan
from service.routes import Webhook

__all__ = ["Publication", "Published", "Summary", "Version", "WebhookConflict", "describe", "webhooks_of"]


class WebhookConflict(Exception):
    """Another template of the tenant listens at this method and path already."""

    def __init__(self, method: str, path: str, template: str) -> None:
        super().__init__(f"{method} {path} is taken by template {template}")
        self.method, self.path, self.template = method, path, template


@dataclass(frozen=True)
class Published:
    """One version of a template as a run needs it. `owner` is the tenant, or '*' for a shared template."""

    owner: str
    key: str
    version: int
    plan_hash: str
    text: bytes
    """The plan as JSON, ready to be put into a start input."""

    upgrade: Callable[[Plan], Plan] = field(default=lambda plan: plan, repr=False, compare=False)
    """Adds what plans of earlier versions lack (`schemas.plan_facts.with_facts` over the catalogue)."""

    @cached_property
    def plan(self) -> Plan:
        """Return the plan, parsed and upgraded."""
        return self.upgrade(Plan.model_validate_json(self.text))

    @cached_property
    def needs(self) -> Needs:
        """Return what a run must have looked up; everything, for an old plan that nothing upgrades."""
        return self.plan.needs or Needs(variables=True, static_data=True, resume_links=True)


@dataclass(frozen=True)
class Summary:
    """The current version of a template, as lists show it."""

    owner: str
    key: str
    version: int
    name: str
    description: str
    plan_hash: str
    metadata: dict[str, Any]
    published_at: datetime
    active: bool = True
    """Whether it listens at its webhooks and starts by its schedules."""
    schedule_errors: tuple[str, ...] = ()
    """What Temporal said of its schedules that it does not take."""
    registration_errors: tuple[str, ...] = ()
    """Why triggers of it are not registered at their vendors."""


@dataclass(frozen=True)
class Version:
    """One entry of a template's list of versions."""

    version: int
    plan_hash: str
    name: str
    current: bool
    published_at: datetime
    created_by: str | None


@dataclass(frozen=True)
class Publication:
    """The result of `publish`. `created` is False when this plan had been published under the key before."""

    key: str
    version: int
    plan_hash: str
    created: bool
    webhooks: list[Webhook] = field(default_factory=list)
    scheduled: bool = False
    """Whether it starts by itself."""


def describe(plan: Plan) -> dict[str, Any]:
    """Return what lists show of a plan: triggers, number of nodes, agents, durability, time-out in seconds,
    credentials.
    """
    triggers = [step for step in plan.steps if step.trigger and not step.disabled]
    return {
        "triggers": list(dict.fromkeys(step.trigger for step in triggers)),
        "nodes": len(plan.steps),
        "agents": sorted({step.agent for step in plan.steps if step.agent}),
        "durability": "transient" if plan.settings.transient else "durable",
        "timeout_s": plan.settings.timeout_s,
        "credentials": _credentials(plan),
    }


def _credentials(plan: Plan) -> list[dict[str, str]]:
    """Return type and name of each credential that an enabled step uses, by type."""
    used = {
        (type_, reference.name or "")
        for step in plan.steps
        if not step.disabled
        for type_, reference in step.credentials.items()
    }
    return [{"type": type_, "name": name} for type_, name in sorted(used)]


def webhooks_of(plan: Plan) -> list[Webhook]:
    """Return where a plan's enabled triggers listen."""
    return [Webhook.of(route) for route in plan.routes]
