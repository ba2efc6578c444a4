"""Triggers of the workflow, and nodes that no trigger leads to."""

from collections.abc import Iterator

from compiler.reachability import is_sub_node, reachable_nodes
from compiler.reachability import triggers as find_triggers
from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.graph import NoTrigger, SeveralTriggers, Unreachable


def triggers(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about missing and multiple triggers, and about nodes that no trigger leads to."""
    starts = find_triggers(unit)
    if not starts:
        disabled = find_triggers(unit, disabled=True)
        yield NoTrigger(
            at=unit.at("/nodes"), disabled=f" that is enabled (disabled: {', '.join(disabled)})" if disabled else ""
        )
        return
    if len(starts) > 1:
        yield SeveralTriggers(at=unit.at("/nodes"), count=len(starts), triggers=tuple(starts))
    reachable = reachable_nodes(unit)
    for name, bound in unit.bound.items():
        is_root = not unit.graph.roots(name)  # sub-nodes are reported by ai_parts
        if name not in reachable and is_root and not bound.node.disabled and not is_sub_node(bound):
            yield Unreachable(at=bound.at, node=name)
