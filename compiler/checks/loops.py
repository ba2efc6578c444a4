"""Cycles of connections: loops that cannot end, wait too briefly, or are not closed."""

from collections.abc import Iterator
from typing import Final

from compiler.graph.cycles import cycles
from compiler.parameters.node_hooks import call_hook
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.graph import EndlessCycle, LoopAlwaysReset, LoopNotClosed
from schemas.diagnostic.limits import WaitInLoop

MIN_LOOP_WAIT_S: Final = 5
"""Seconds. A shorter wait inside a loop fills the history of the run."""


def loops(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about cycles that cannot end, short waits inside cycles, and Loop Over Items nodes that are not
    closed or always reset.
    """
    all_cycles = cycles(unit.graph, list(unit.bound))
    for cycle in all_cycles:
        if all(_forwards(unit.bound[name]) for name in cycle):
            nodes = tuple(name for name in unit.bound if name in cycle)
            yield EndlessCycle(at=unit.bound[nodes[0]].at, nodes=nodes)
        yield from (finding for name in sorted(cycle) if (finding := _short_wait(unit, unit.bound[name])))
    for bound in unit.bound.values():
        if bound.instance is not None and not bound.node.disabled:
            loop = bound.instance.loop_outputs(bound.node.type_version)
            if loop is not None:
                yield from _loop(unit, bound, loop.body)


def _forwards(bound: BoundNode) -> bool:
    node, declared = bound.node, bound.declared
    forwards = declared is not None and declared.one_item_each
    return node.disabled or (forwards and node.on_error != "continueErrorOutput")


def _loop(unit: Unit, bound: BoundNode, body: int) -> Iterator[Diagnostic]:
    node = bound.node
    starts = [link.target for link in unit.graph.out(node.name) if link.output == body]
    if starts and node.name not in unit.graph.downstream(starts):
        yield LoopNotClosed(at=bound.at, node=node.name)
    options = node.parameters.get("options")
    if isinstance(options, dict) and options.get("reset") is True:
        yield LoopAlwaysReset(at=bound.at.within("parameters", "options", "reset"), node=node.name)


def _short_wait(unit: Unit, bound: BoundNode) -> WaitInLoop | None:
    node, instance = bound.node, bound.instance
    if instance is None or node.disabled:
        return None
    seconds = call_hook(unit, bound, lambda: instance.wait_seconds(node.type_version), None)
    if seconds is None or seconds >= MIN_LOOP_WAIT_S:
        return None
    return WaitInLoop(at=bound.at, node=node.name, seconds=seconds)
