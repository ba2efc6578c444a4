"""Triggers of the workflow, and nodes that no trigger leads to."""

from collections.abc import Iterator

from compiler.reachability import is_part, live
from compiler.reachability import triggers as triggers_of
from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.graph import NoTrigger, SeveralTriggers, Unreachable


def triggers(unit: Unit) -> Iterator[Diagnostic]:
    """No trigger, several triggers, nodes that no trigger leads to (each island once, at its first node)."""
    starts = triggers_of(unit)
    if not starts:
        off = triggers_of(unit, disabled=True)
        yield NoTrigger(at=unit.at("/nodes"), disabled=f" that is enabled (disabled: {', '.join(off)})" if off else "")
        return
    if len(starts) > 1:
        yield SeveralTriggers(at=unit.at("/nodes"), count=len(starts), triggers=tuple(starts))
    reached = live(unit)
    for name, bound in unit.bound.items():
        alone = not unit.graph.roots(name)  # sub-nodes are reported by ai_parts
        if name not in reached and alone and not bound.node.disabled and not is_part(bound):
            yield Unreachable(at=bound.at, node=name)
