"""The node graph: main connections between nodes, and connections from sub-nodes to their AI root nodes."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Neighbours: TypeAlias = Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Link:
    """A connection between two existing nodes. `place` is its position in the list of its output."""

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
    """Sub-node -> root node, of any connection type but main."""
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
        """Return the main connections that leave a node, by output and place, in the order of the export."""
        return self._out.get(name, [])

    def into(self, name: str) -> list[Link]:
        """Return the main connections that enter a node."""
        return self._in.get(name, [])

    def sub_nodes(self, name: str) -> list[Link]:
        """Return the connections from the sub-nodes of a root node, in the order of the export."""
        return self._sub_nodes.get(name, [])

    def roots(self, name: str) -> list[Link]:
        """Return the connections from a sub-node to the nodes that it serves."""
        return self._roots.get(name, [])

    def downstream(self, starts: Iterable[str]) -> set[str]:
        """Return every node that can be reached from `starts` by main connections, `starts` included."""
        return _reach(starts, lambda name: (link.target for link in self._out.get(name, ())))

    def upstream(self, starts: Iterable[str]) -> set[str]:
        """Return every node from which main connections lead to `starts`, `starts` included."""
        return _reach(starts, lambda name: (link.source for link in self._in.get(name, ())))

    def with_sub_nodes(self, starts: Iterable[str]) -> set[str]:
        """Return `starts` and every sub-node below them."""
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
