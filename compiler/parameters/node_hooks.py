"""Safe calls of a node class's own methods, which rely on the structure of its parameters."""

from collections.abc import Callable
from typing import Final, TypeVar

from compiler.unit import BoundNode, Unit
from schemas.diagnostic.nodes import MisshapenParameters

T = TypeVar("T")

STRUCTURE_ERRORS: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""Exceptions that parameters of a wrong structure cause, such as a list in place of an object."""


def call_hook(unit: Unit, bound: BoundNode, hook: Callable[[], T], default: T) -> T:
    """Return what a method of the node's class returns. If the parameters do not have the structure that the class
    expects, report that once per node and return `default`.
    """
    try:
        return hook()
    except STRUCTURE_ERRORS as error:
        if not bound.misshapen:
            bound.misshapen = True
            at = bound.at.within("parameters")
            unit.report(MisshapenParameters(at=at, node=bound.node.name, type=bound.node.type, reason=str(error)))
        return default
