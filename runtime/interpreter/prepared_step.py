"""What is the same in all runs of a step: its class, its expressions, and where it may run."""

from runtime.expressions import prepare
from runtime.interpreter.parameters import Bound
from schemas.node import Node
from schemas.plan import Kind, Step
from schemas.plan_facts import declares_program

__all__ = ["PreparedStep"]


class PreparedStep:
    """What is the same in all runs of a step."""

    def __init__(self, step: Step, cls: type[Node], parents: list[tuple[str, str]]) -> None:
        self.cls, self.bound, self.parents = cls, Bound(cls, step), parents
        self.expressions = prepare(each.expression for each in step.expressions)
        self.connected_outputs = max((edge.output + 1 for edge in step.edges), default=0)
        self.continue_on_fail = step.on_error.known_to_node
        takes_turns = step.kind in (Kind.ACTIVITY, Kind.DURABLE)
        self.inline = step.kind is Kind.INLINE or (step.trigger is not None and not takes_turns)
        self.has_program = declares_program(cls)
        """It runs its author's code: whatever that is, it sees the input."""
