"""Nodes that do not work in a transient workflow, whose runs end with their process."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.limits import NotTransient

WAIT: Final = "n8n-nodes-base.wait"
SHORT: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
LONGEST: Final = 60
"""Seconds. A longer wait is reported."""


def transient(unit: Unit) -> Iterator[Diagnostic]:
    """Waits and schedules of a workflow whose settings say `tempor8: {durability: transient}`."""
    assert unit.export is not None
    own = unit.export.settings.get("tempor8")
    if not isinstance(own, Mapping) or own.get("durability") != "transient":
        return
    for name, bound in unit.bound.items():
        if bound.node.disabled:
            continue
        trigger = bound.declared.trigger if bound.declared else None
        if trigger in ("schedule", "poll"):
            yield NotTransient(at=bound.at, node=name, reason="the runs of a schedule are always durable")
        elif bound.node.type == WAIT and (reason := _long(bound.parameters)):
            yield NotTransient(at=bound.at, node=name, reason=reason)


def _long(parameters: Mapping[str, Any]) -> str | None:
    resume = parameters.get("resume", "timeInterval")
    if resume in ("webhook", "form"):
        return "a run that lives in one process cannot be resumed by a request"
    if resume == "specificTime":
        return "the process may have ended by then"
    amount, unit = parameters.get("amount"), parameters.get("unit", "seconds")
    if isinstance(amount, int | float) and amount * SHORT.get(str(unit), 1) > LONGEST:
        return f"it waits for more than {LONGEST} s"
    return None
