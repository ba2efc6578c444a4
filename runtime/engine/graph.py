"""Answer questions about a plan's connections: which node comes before which, and through which output."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property

from schemas.plan import Edge, Plan, Step


class Graph:
    """The main connections of a plan, indexed once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._ancestors: dict[str, dict[str, None]] = {}
        self._branches: dict[tuple[str, str], int] = {}
        self._delivery_order: dict[str, Sequence[Edge]] = {}

    @cached_property
    def incoming(self) -> dict[str, list[list[tuple[str, int]]]]:
        """Map each node to its input slots, each a list of (parent, its output) in the order of the export; a slot without
        a wire is an empty list.
        """
        slots: dict[str, list[list[tuple[str, int]]]] = {}
        steps = self.plan.step
        for step in self.plan.steps if self.plan.wired is None else [steps[name] for name in self.plan.wired]:
            for edge in step.edges:
                node = slots.setdefault(edge.target, [])
                while len(node) <= edge.input:
                    node.append([])
                node[edge.input].append((step.name, edge.output))
        return slots

    @cached_property
    def outgoing(self) -> dict[str, dict[int, list[Edge]]]:
        """Map each node to its edges by output."""
        result: dict[str, dict[int, list[Edge]]] = {}
        for step in self.plan.steps:
            by_output = result.setdefault(step.name, {})
            for edge in step.edges:
                by_output.setdefault(edge.output, []).append(edge)
        return result

    def delivery_order(self, step: Step, *, by_position: bool) -> Sequence[Edge]:
        """Return the step's edges in the order in which their targets are put on the stack: as in the export, or lowest and
        rightmost first, so that the topmost runs next.
        """
        edges = self._delivery_order.get(step.name)
        if edges is None:
            edges = step.edges
            if by_position:
                steps = self.plan.step
                edges = sorted(edges, key=lambda edge: _position(steps.get(edge.target)), reverse=True)
            self._delivery_order[step.name] = edges
        return edges

    def parents(self, name: str) -> list[str]:
        """Return the direct parents of a node, first slot first, each once."""
        return list(dict.fromkeys(parent for slot in self.incoming.get(name, ()) for parent, _ in slot))

    def ancestors(self, name: str) -> dict[str, None]:
        """Return every node from which `name` can be reached, nearest first (an ordered set: the values are None)."""
        ancestors = self._ancestors.get(name)
        if ancestors is None:
            ancestors, queue = {}, deque(self.parents(name))
            while queue:
                parent = queue.popleft()
                if parent not in ancestors:
                    ancestors[parent] = None
                    queue.extend(self.parents(parent))
            self._ancestors[name] = ancestors
        return ancestors

    def branch(self, origin: str, target: str) -> int:
        """Return the output of `origin` at which the shortest path to `target` begins; 0 when there is no path."""
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
        """Return the steps that a run from `name` can reach, `name` included, sub-nodes of those not included."""
        seen, queue = {name: None}, deque([name])
        while queue:
            step = self.plan.step[queue.popleft()]
            for edge in step.edges:
                if edge.target in self.plan.step and edge.target not in seen:
                    seen[edge.target] = None
                    queue.append(edge.target)
        return [self.plan.step[each] for each in seen]

    def last_first(self, name: str) -> list[Step]:
        """Return what `downstream` does in the order in which n8n looks at it: every step behind those that follow it."""
        found: dict[str, None] = {}
        entered, stack = {name}, [(name, self._targets(name))]
        while stack:
            current, targets = stack[-1]
            target = next((each for each in targets if each not in entered), None)
            if target is None:
                found[current] = None
                stack.pop()
            else:
                entered.add(target)
                stack.append((target, self._targets(target)))
        return [self.plan.step[each] for each in found]

    def _targets(self, name: str) -> Iterator[str]:
        edges = self.plan.step[name].edges
        return (each.target for each in reversed(edges) if each.target in self.plan.step)


def _position(step: Step | None) -> tuple[float, float]:
    return (step.position[1], step.position[0]) if step is not None else (0, 0)
