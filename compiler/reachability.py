"""Which nodes a run can reach: those downstream of an enabled trigger, and the sub-nodes that serve them."""

from compiler.unit import BoundNode, Unit
from schemas.plan import Kind


def is_trigger(unit: Unit, bound: BoundNode) -> bool:
    """Return whether the node can start a run, supported or not. A type that is unknown here says so by its name."""
    if bound.declared is not None:
        return bound.declared.trigger is not None
    shapes = unit.catalog.shapes(bound.node.type)
    return any(each.trigger for each in shapes) or bound.node.type.lower().endswith("trigger")


def triggers(unit: Unit, *, disabled: bool = False) -> list[str]:
    """Return the names of the triggers that are enabled (or disabled), in the order of the export."""
    return [name for name, bound in unit.bound.items() if is_trigger(unit, bound) and bound.node.disabled is disabled]


def reachable_nodes(unit: Unit) -> set[str]:
    """Return the names of the nodes that a run can reach; without any trigger, the names of all nodes."""
    return unit.graph.with_sub_nodes(main_nodes(unit))


def main_nodes(unit: Unit) -> set[str]:
    """Return the names of the nodes that main connections lead to: those whose parameters n8n checks before it starts. Without any
    trigger, the names of all nodes.
    """
    starts = triggers(unit)
    return unit.graph.downstream(starts) if starts else set(unit.bound)


def is_sub_node(bound: BoundNode) -> bool:
    """Return whether the node is an AI sub-node."""
    return bound.declared is not None and bound.declared.kind is Kind.SUBNODE
