"""Who comes before whom, for all nodes at once: one bit per node, so that thousands of questions cost nothing."""

from collections.abc import Iterable, Sequence

from compiler.graph.cycles import by_finish
from compiler.graph.graph import Graph


class Ancestry:
    """For each node the set of nodes from which main connections lead to it, itself included."""

    def __init__(self, graph: Graph, names: Sequence[str]) -> None:
        self._bit = {name: 1 << index for index, name in enumerate(names)}
        self._before = dict(self._bit)
        ordered = list(reversed(by_finish(graph, names, set(names))))  # sources first, as far as circles allow
        changed = True
        while changed:
            changed = False
            for name in ordered:
                found = self._before[name]
                for link in graph.into(name):
                    found |= self._before[link.source]
                if found != self._before[name]:
                    self._before[name] = found
                    changed = True

    def before(self, names: Iterable[str]) -> int:
        """Everything that comes before any of these, as a set of bits."""
        found = 0
        for name in names:
            found |= self._before[name]
        return found

    def among(self, name: str, before: int) -> bool:
        """Whether the node is in a set that `before` gave."""
        return bool(self._bit[name] & before)
