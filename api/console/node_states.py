"""How each node of a run stands, counted from its steps: what a graph is coloured by."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from api.models import ActiveStep, StepAnswer

__all__ = ["NodeState", "NodeStates"]


@dataclass
class NodeState:
    """What has become of a node so far."""

    status: str = "idle"
    """idle, running, waiting, success, error."""
    runs: int = 0
    tries: int = 0
    items: list[int] = field(default_factory=list)
    """Per output, over all its runs."""

    def went(self, output: int) -> bool:
        """Return whether items left by an output."""
        return output < len(self.items) and self.items[output] > 0


class NodeStates:
    """The states of a run's nodes, by name.

    Args:
        steps: what has happened.
        active: the step that works or waits now.
    """

    def __init__(self, steps: Iterable[StepAnswer] = (), active: ActiveStep | None = None) -> None:
        self._states: dict[str, NodeState] = {}
        self.active: str | None = None
        for step in steps:
            self.add(step)
        self.set_active(active)

    def of(self, name: str) -> NodeState:
        """Return the state of a node; an idle one for a node that nothing was done in."""
        return self._states.get(name) or NodeState()

    def add(self, step: StepAnswer) -> None:
        """Take a further step into account."""
        state = self._states.setdefault(step.node, NodeState())
        state.runs, state.tries = state.runs + 1, max(state.tries, step.tries)
        state.status = "error" if step.status == "error" else "success"
        state.items += [0] * (len(step.items_out) - len(state.items))
        for output, count in enumerate(step.items_out):
            state.items[output] += count

    def set_active(self, active: ActiveStep | None) -> list[str]:
        """Say which step works or waits now; return the names of nodes whose state this changes."""
        changed = []
        if self.active is not None and (active is None or active.node != self.active):
            state = self._states[self.active]
            if state.status in ("running", "waiting"):
                state.status = "success" if state.runs else "idle"
            changed.append(self.active)
        self.active = active.node if active else None
        if active is not None:
            state = self._states.setdefault(active.node, NodeState())
            state.status = "waiting" if active.waiting else "running"
            state.tries = max(state.tries, active.attempt)
            changed.append(active.node)
        return changed
