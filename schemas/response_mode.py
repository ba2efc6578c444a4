"""How a run answers the request that started it, as its trigger says."""

from collections.abc import Iterable
from typing import Final

from schemas.plan import Step

__all__ = ["STREAMING", "response_mode", "streams"]

STREAMING: Final = "streaming"
"""The caller reads what agents say while they say it."""


def response_mode(step: Step) -> str | None:
    """Return a trigger's response mode: a parameter of webhooks and forms, an option of chats; None: it names none."""
    options = step.parameters.get("options")
    found = step.parameters.get("responseMode") or (options or {}).get("responseMode")
    return found if isinstance(found, str) else None


def streams(steps: Iterable[Step], kind: str, name: str | None) -> bool:
    """Return whether a run streams that began at the step `name`, or else at a trigger of this kind."""
    began = (step for step in steps if step.trigger == kind and name in (None, "", step.name))
    return any(response_mode(step) == STREAMING for step in began)
