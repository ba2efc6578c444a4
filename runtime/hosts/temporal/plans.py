"""Plans by hash inside workflow code: parsed once per worker, and shared by the runs that have them."""

from typing import Any, Final, Protocol

from temporalio import workflow

from runtime.catalog import upgrade
from schemas.plan import Plan

__all__ = ["PLANS", "PlanNotLoadedError", "plan_by_hash"]

PLANS: Final = "tempor8_plans"
"""Name of the extern function that returns a plan; see `runtime.hosts.temporal.extern`."""


class PlanNotLoadedError(workflow.NondeterminismError):
    """The cache has dropped a plan between its decoding and its use. The base class is the SDK's only one that always fails the
    workflow task, never a step or the run; the next attempt decodes again.
    """


class Entry(Protocol):
    """A plan as JSON, and a place for it as an object; see `runtime.platform.plan_cache`."""

    text: bytes
    parsed: Any


def plan_by_hash(tenant: str, plan_hash: str) -> Plan:
    """Return a stored plan. The payload that brought the hash must be a `PlanReference`: its decoding loads the plan.

    Raises:
        PlanNotLoadedError: it is not in memory.
    """
    entry: Entry | None = workflow.extern_functions()[PLANS](tenant, plan_hash)
    if entry is None:
        raise PlanNotLoadedError(f"plan {plan_hash} of tenant {tenant} is not in the worker's memory any more")
    if not isinstance(entry.parsed, Plan):  # a strict sandbox has a class of its own
        entry.parsed = upgrade(Plan.model_validate_json(entry.text))
    plan: Plan = entry.parsed
    return plan
