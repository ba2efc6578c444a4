"""Ancestors of all nodes at once, as sets of bits with one bit per node, so that thousands of look-ups are cheap."""

from collections.abc import Iterable, Sequence

from compiler.graph.cycles import finish_order
from compiler.graph.graph import NodeGraph


class Ancestry:
    """For each node the set of nodes from which main connections lead to it, itself included."""

    def __init__(self, graph: NodeGraph, names: Sequence[str]) -> None:
        self._bit = {name: 1 << index for index, name in enumerate(names)}
        self._before = dict(self._bit)
        order = list(reversed(finish_order(graph, names, set(names))))  # sources first, as far as cycles allow
        changed = True
        while changed:
            changed = False
            for name in order:
                ancestors = self._before[name]
                for link in graph.into(name):
                    ancestors |= self._before[link.source]
                if ancestors != self._before[name]:
                    self._before[name] = ancestors
                    changed = True

    def before(self, names: Iterable[str]) -> int:
        """Return all ancestors of these nodes, themselves included, as a set of bits."""
        ancestors = 0
        for name in names:
            ancestors |= self._before[name]
        return ancestors

    def contains(self, name: str, before: int) -> bool:
        """Return whether the node is in a set that `before` returned."""
        return bool(self._bit[name] & before)
