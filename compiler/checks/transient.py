"""Nodes that cannot run in a transient workflow, whose runs end with their process."""

from collections.abc import Iterator, Mapping

from compiler.parameters.node_hooks import call_hook
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.limits import NotTransient


def transient(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each node that cannot run in a workflow whose settings say `tempor8: {durability:
    transient}`.
    """
    assert unit.export is not None
    own = unit.export.settings.get("tempor8")
    if not isinstance(own, Mapping) or own.get("durability") != "transient":
        return
    for name, bound in unit.bound.items():
        if not bound.node.disabled and (reason := _reason(unit, bound)):
            yield NotTransient(at=bound.at, node=name, reason=reason)


def _reason(unit: Unit, bound: BoundNode) -> str | None:
    instance = bound.instance
    if instance is None:
        return None
    if instance.trigger in ("schedule", "poll"):
        return "the runs of a schedule are always durable"
    return call_hook(unit, bound, lambda: instance.not_transient(bound.node.type_version), None)
