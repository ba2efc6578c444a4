"""Main connections that leave an output, or enter an input, that the node does not have; error outputs left open."""

from collections.abc import Iterator

from compiler.reachability import is_sub_node
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic, pointer
from schemas.diagnostic.graph import ErrorOutputNotOn, ErrorOutputOpen, NeverFires, NoSuchInput, SelfConnection


def ports(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about connections to or from ports that a node does not have, and about error outputs left
    unconnected.
    """
    for name, bound in unit.bound.items():
        if any(link.target == name for link in unit.graph.out(name)):
            yield SelfConnection(at=bound.at, node=name)
        if bound.outputs is not None and not is_sub_node(bound):
            yield from _outputs(unit, bound)
            yield from _inputs(unit, bound)


def _outputs(unit: Unit, bound: BoundNode) -> Iterator[Diagnostic]:
    name, own = bound.node.name, bound.outputs or 0
    wired = {link.output: link for link in unit.graph.out(name)}
    routed = bound.node.on_error == "continueErrorOutput"
    for output, link in sorted(wired.items()):
        if output >= own + routed:
            at = unit.at("/connections" + pointer(name, "main", output, link.place), name)
            advice = "set On Error to Continue (using error output)" if output == own and not routed else ""
            yield ErrorOutputNotOn(at=at, node=name, outputs=own + routed, output=output, advice=advice)
    if routed and own not in wired and own > 0 and not bound.node.disabled:
        yield ErrorOutputOpen(at=bound.at.within("onError"), node=name)


def _inputs(unit: Unit, bound: BoundNode) -> Iterator[Diagnostic]:
    name = bound.node.name
    entering = {link.input: link for link in unit.graph.into(name)}
    has = input_count(bound)
    for slot, link in sorted(entering.items()):
        if has is not None and slot >= max(has, 1):
            at = unit.at("/connections" + pointer(link.source, "main", link.output, link.place), name)
            yield NoSuchInput(at=at, node=name, inputs=has, input=slot)
    needed = bound.required_inputs
    if isinstance(needed, tuple) and len(entering) > 0 and _order(unit) == "v1":
        missing = tuple(slot for slot in needed if slot not in entering)
        if missing and max(entering) > 0:  # a single connected slot 0 does not wait
            yield NeverFires(at=bound.at, node=name, missing=missing)


def input_count(bound: BoundNode) -> int | None:
    """Return the number of main inputs of the node; None if its parameters decide it in a way that is not known here."""
    if bound.instance is None:
        return None
    number = bound.parameters.get("numberInputs")
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    return bound.instance.input_count


def _order(unit: Unit) -> str:
    assert unit.export is not None
    return "v1" if unit.export.settings.get("executionOrder") == "v1" else "v0"
