"""Circles in the node graph: nodes that lead to one another."""

from collections.abc import Sequence

from compiler.graph.graph import Graph


def cycles(graph: Graph, names: Sequence[str]) -> list[frozenset[str]]:
    """Sets of nodes each of which leads to every other one (strongly connected), in the order of `names`.

    Kosaraju's two walks over what is left once nodes that cannot be on a circle are peeled off.
    """
    inside = _peeled(graph, set(names))
    finished = by_finish(graph, [name for name in names if name in inside], inside)
    found: list[frozenset[str]] = []
    left = set(inside)
    for name in reversed(finished):
        if name in left:
            circle = _backwards(graph, name, left)
            left -= circle
            if len(circle) > 1 or any(link.target == name for link in graph.out(name)):
                found.append(frozenset(circle))
    order = {name: index for index, name in enumerate(names)}
    return sorted(found, key=lambda circle: min(order[name] for name in circle))


def _peeled(graph: Graph, left: set[str]) -> set[str]:
    """Without the nodes that nothing enters or nothing leaves, again and again."""
    queue = list(left)
    while queue:
        name = queue.pop()
        if name not in left:
            continue
        enters = any(link.source in left for link in graph.into(name))
        leaves = any(link.target in left for link in graph.out(name))
        if not (enters and leaves):
            left.discard(name)
            queue.extend(link.source for link in graph.into(name))
            queue.extend(link.target for link in graph.out(name))
    return left


def by_finish(graph: Graph, names: Sequence[str], inside: set[str]) -> list[str]:
    """Nodes in the order in which a depth-first walk from `names` leaves them: what comes later comes first."""
    seen: set[str] = set()
    finished: list[str] = []
    for start in names:
        stack = [(start, False)]
        while stack:
            name, done = stack.pop()
            if done:
                finished.append(name)
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                stack.extend((link.target, False) for link in graph.out(name) if link.target in inside)
    return finished


def _backwards(graph: Graph, start: str, left: set[str]) -> set[str]:
    circle, queue = {start}, [start]
    while queue:
        for link in graph.into(queue.pop()):
            if link.source in left and link.source not in circle:
                circle.add(link.source)
                queue.append(link.source)
    return circle
