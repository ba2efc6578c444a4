"""Choose the node that a run begins at, as n8n does."""

from typing import Final

from schemas.plan import Plan, Step

FIXED_ORDER: Final = ("manual", "workflow", "error", "evaluation", "form")
"""The order in which n8n looks for a start node when none starts by itself."""

ACTIVE: Final = frozenset({"manual", "schedule", "poll", "event", "error"})
"""Triggers that n8n counts as starting by themselves (webhook-only ones do not)."""


def start_step(plan: Plan, prefer: str | None = None) -> Step | None:
    """Return the step to start at: the enabled trigger of the preferred kind, else n8n's implicit choice, else None."""
    enabled = [step for step in plan.steps if not step.disabled and step.trigger is not None]
    if prefer is not None:
        chosen = next((step for step in enabled if step.trigger == prefer), None)
        if chosen is not None:
            return chosen
    if (active := next((step for step in enabled if step.trigger in ACTIVE), None)) is not None:
        return active
    for kind in FIXED_ORDER:
        for step in enabled:
            if step.trigger == kind:
                return step
    return enabled[0] if enabled else None
