"""Calls of a node class's own methods, which take the structure of its parameters for granted."""

from collections.abc import Callable
from typing import Final, TypeVar

from compiler.unit import BoundNode, Unit
from schemas.diagnostic.nodes import MisshapenParameters

T = TypeVar("T")

STRUCTURE_ERRORS: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What goes wrong where a list stands in the place of an object."""


def call_hook(unit: Unit, bound: BoundNode, hook: Callable[[], T], default: T) -> T:
    """Return what a method of the node's class returns, or `default` and a finding when the parameters do not have the structure
    that the class expects.
    """
    try:
        return hook()
    except STRUCTURE_ERRORS as error:
        if not bound.misshapen:
            bound.misshapen = True
            reason = f"{error}"
            at = bound.at.within("parameters")
            unit.report(MisshapenParameters(at=at, node=bound.node.name, type=bound.node.type, reason=reason))
        return default
