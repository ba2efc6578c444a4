"""Questions to a node's own code, which takes the structure of its parameters for granted."""

from collections.abc import Callable
from typing import Final, TypeVar

from compiler.unit import Bound, Unit
from schemas.diagnostic.nodes import MisshapenParameters

T = TypeVar("T")

SHAPE: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What goes wrong where a list stands in the place of an object."""


def asked(unit: Unit, bound: Bound, question: Callable[[], T], otherwise: T) -> T:
    """The answer, or `otherwise` and a finding when the parameters do not have the structure that the node expects."""
    try:
        return question()
    except SHAPE as error:
        if not bound.misshapen:
            bound.misshapen = True
            reason = f"{error}"
            at = bound.at.within("parameters")
            unit.tell(MisshapenParameters(at=at, node=bound.node.name, type=bound.node.type, reason=reason))
        return otherwise
