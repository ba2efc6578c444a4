"""The node graph: main connections between nodes, and the sub-nodes that hang on AI roots."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Neighbours: TypeAlias = Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Link:
    """One connection that has both ends. `place` is its position in its output's list."""

    source: str
    output: int
    target: str
    input: int
    type: str = "main"
    place: int = 0


@dataclass
class NodeGraph:
    """Connections of one export, in its own order: by source, output and place in the list."""

    main_links: list[Link] = field(default_factory=list)
    sub_node_links: list[Link] = field(default_factory=list)
    """Sub-node -> root, of any connection type but main."""
    _out: dict[str, list[Link]] = field(default_factory=dict)
    _in: dict[str, list[Link]] = field(default_factory=dict)
    _roots: dict[str, list[Link]] = field(default_factory=dict)
    _sub_nodes: dict[str, list[Link]] = field(default_factory=dict)

    def add(self, link: Link) -> None:
        """Add a connection."""
        is_main = link.type == "main"
        (self.main_links if is_main else self.sub_node_links).append(link)
        (self._out if is_main else self._roots).setdefault(link.source, []).append(link)
        (self._in if is_main else self._sub_nodes).setdefault(link.target, []).append(link)

    def out(self, name: str) -> list[Link]:
        """Main connections that leave a node, by output and place, as the export has them."""
        return self._out.get(name, [])

    def into(self, name: str) -> list[Link]:
        """Main connections that enter a node."""
        return self._in.get(name, [])

    def sub_nodes(self, name: str) -> list[Link]:
        """Connections from the sub-nodes of a root, in the export's order."""
        return self._sub_nodes.get(name, [])

    def roots(self, name: str) -> list[Link]:
        """Connections from a sub-node to the nodes that it serves."""
        return self._roots.get(name, [])

    def downstream(self, starts: Iterable[str]) -> set[str]:
        """Every node that main connections reach from these, themselves included."""
        return _reach(starts, lambda name: (link.target for link in self._out.get(name, ())))

    def upstream(self, starts: Iterable[str]) -> set[str]:
        """Every node from which main connections lead to these, themselves included."""
        return _reach(starts, lambda name: (link.source for link in self._in.get(name, ())))

    def with_sub_nodes(self, starts: Iterable[str]) -> set[str]:
        """These nodes and every sub-node below them."""
        return _reach(starts, lambda name: (link.source for link in self._sub_nodes.get(name, ())))


def _reach(starts: Iterable[str], step: Neighbours) -> set[str]:
    seen = set(starts)
    queue = deque(seen)
    while queue:
        for name in step(queue.popleft()):
            if name not in seen:
                seen.add(name)
                queue.append(name)
    return seen
