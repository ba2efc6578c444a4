"""Questions about a plan's connections: who comes before whom, and through which output."""

from collections import deque
from collections.abc import Sequence
from functools import cached_property

from schemas.plan import Edge, Plan, Step


class Graph:
    """The main connections of a plan, indexed once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._ancestors: dict[str, dict[str, None]] = {}
        self._branches: dict[tuple[str, str], int] = {}
        self._followed: dict[str, Sequence[Edge]] = {}

    @cached_property
    def incoming(self) -> dict[str, list[list[tuple[str, int]]]]:
        """Per node and input slot: (parent, its output), in the order of the export. Missing slots are empty lists."""
        slots: dict[str, list[list[tuple[str, int]]]] = {}
        for step in self.plan.steps:
            for edge in step.edges:
                node = slots.setdefault(edge.target, [])
                while len(node) <= edge.input:
                    node.append([])
                node[edge.input].append((step.name, edge.output))
        return slots

    @cached_property
    def outgoing(self) -> dict[str, dict[int, list[Edge]]]:
        """Per node: its edges by output."""
        result: dict[str, dict[int, list[Edge]]] = {}
        for step in self.plan.steps:
            by_output = result.setdefault(step.name, {})
            for edge in step.edges:
                by_output.setdefault(edge.output, []).append(edge)
        return result

    def followed(self, step: Step, *, by_position: bool) -> Sequence[Edge]:
        """The step's edges in the order in which their targets are put on the stack: as in the export, or lowest and
        rightmost first, so that the topmost runs next.
        """
        known = self._followed.get(step.name)
        if known is None:
            known = step.edges
            if by_position:
                where = self.plan.step
                known = sorted(known, key=lambda edge: _place(where.get(edge.target)), reverse=True)
            self._followed[step.name] = known
        return known

    def parents(self, name: str) -> list[str]:
        """Direct parents, first slot first, each once."""
        return list(dict.fromkeys(parent for slot in self.incoming.get(name, ()) for parent, _ in slot))

    def ancestors(self, name: str) -> dict[str, None]:
        """Every node from which `name` can be reached, nearest first."""
        known = self._ancestors.get(name)
        if known is None:
            known, queue = {}, deque(self.parents(name))
            while queue:
                parent = queue.popleft()
                if parent not in known:
                    known[parent] = None
                    queue.extend(self.parents(parent))
            self._ancestors[name] = known
        return known

    def branch(self, origin: str, target: str) -> int:
        """The output of `origin` by which the shortest path leads to `target`; 0 when there is none."""
        key = (origin, target)
        if key not in self._branches:
            self._branches[key] = self._shortest(origin, target)
        return self._branches[key]

    def _shortest(self, origin: str, target: str) -> int:
        queue: deque[str] = deque([target])
        seen = {target}
        while queue:
            for slot in self.incoming.get(queue.popleft(), ()):
                for parent, output in slot:
                    if parent == origin:
                        return output
                    if parent not in seen:
                        seen.add(parent)
                        queue.append(parent)
        return 0

    def downstream(self, name: str) -> list[Step]:
        """The steps that a run from `name` can reach, `name` included, sub-nodes of those not included."""
        seen, queue = {name: None}, deque([name])
        while queue:
            step = self.plan.step[queue.popleft()]
            for edge in step.edges:
                if edge.target in self.plan.step and edge.target not in seen:
                    seen[edge.target] = None
                    queue.append(edge.target)
        return [self.plan.step[each] for each in seen]


def _place(step: Step | None) -> tuple[float, float]:
    return (step.position[1], step.position[0]) if step is not None else (0, 0)
