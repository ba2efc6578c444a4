"""Circles of connections: loops that end, and those that cannot."""

from collections.abc import Iterator
from typing import Final

from compiler.graph.cycles import cycles
from compiler.unit import Bound, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.graph import EndlessCycle, LoopAlwaysReset, LoopNotClosed
from schemas.diagnostic.limits import WaitInLoop

LOOP: Final = "n8n-nodes-base.splitInBatches"
WAIT: Final = "n8n-nodes-base.wait"
FORWARDS: Final = frozenset(
    f"n8n-nodes-base.{name}"
    for name in (
        "set",
        "noOp",
        "wait",
        "renameKeys",
        "dateTime",
        "crypto",
        "executionData",
        "markdown",
        "respondToWebhook",
    )
)
"""Types that give out an item for each one that comes in, whatever is in it."""
SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
TIGHT_S: Final = 5


def loops(unit: Unit) -> Iterator[Diagnostic]:
    """Every circle, and every Loop Over Items."""
    circles = cycles(unit.graph, list(unit.bound))
    for circle in circles:
        if all(_forwards(unit.bound[name]) for name in circle):
            nodes = tuple(name for name in unit.bound if name in circle)
            yield EndlessCycle(at=unit.bound[nodes[0]].at, nodes=nodes)
        yield from (found for name in sorted(circle) if (found := _wait(unit.bound[name])))
    for bound in unit.bound.values():
        if bound.node.type == LOOP and not bound.node.disabled:
            yield from _loop(unit, bound)


def _forwards(bound: Bound) -> bool:
    node = bound.node
    return node.disabled or (node.type in FORWARDS and node.on_error != "continueErrorOutput")


def _loop(unit: Unit, bound: Bound) -> Iterator[Diagnostic]:
    node = bound.node
    body = 1 if node.type_version >= 3 else 0
    starts = [link.target for link in unit.graph.out(node.name) if link.output == body]
    if starts and node.name not in unit.graph.downstream(starts):
        yield LoopNotClosed(at=bound.at, node=node.name)
    options = node.parameters.get("options")
    if isinstance(options, dict) and options.get("reset") is True:
        yield LoopAlwaysReset(at=bound.at.within("parameters", "options", "reset"), node=node.name)


def _wait(bound: Bound) -> WaitInLoop | None:
    parameters, node = bound.parameters, bound.node
    if node.type != WAIT or node.disabled or parameters.get("resume", "timeInterval") != "timeInterval":
        return None
    amount, unit = parameters.get("amount"), parameters.get("unit")
    if not isinstance(amount, int | float) or not isinstance(unit, str) or unit not in SECONDS:
        return None
    seconds = amount * SECONDS[unit]
    return WaitInLoop(at=bound.at, node=node.name, seconds=seconds) if seconds < TIGHT_S else None
