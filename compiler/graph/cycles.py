"""Cycles in the node graph: strongly connected components."""

from collections.abc import Sequence

from compiler.graph.graph import NodeGraph


def cycles(graph: NodeGraph, names: Sequence[str]) -> list[frozenset[str]]:
    """Return the strongly connected components that contain a cycle, in the order of `names`.

    Kosaraju's algorithm, run on the nodes that remain once those that cannot be on a cycle are removed.
    """
    inside = _without_dead_ends(graph, set(names))
    order = finish_order(graph, [name for name in names if name in inside], inside)
    components: list[frozenset[str]] = []
    unvisited = set(inside)
    for name in reversed(order):
        if name in unvisited:
            component = _component_of(graph, name, unvisited)
            unvisited -= component
            if len(component) > 1 or any(link.target == name for link in graph.out(name)):
                components.append(frozenset(component))
    positions = {name: index for index, name in enumerate(names)}
    return sorted(components, key=lambda component: min(positions[name] for name in component))


def _without_dead_ends(graph: NodeGraph, remaining: set[str]) -> set[str]:
    """Return the nodes that remain after repeatedly removing those that nothing enters or nothing leaves. Changes
    `remaining`.
    """
    queue = list(remaining)
    while queue:
        name = queue.pop()
        if name not in remaining:
            continue
        enters = any(link.source in remaining for link in graph.into(name))
        leaves = any(link.target in remaining for link in graph.out(name))
        if not (enters and leaves):
            remaining.discard(name)
            queue.extend(link.source for link in graph.into(name))
            queue.extend(link.target for link in graph.out(name))
    return remaining


def finish_order(graph: NodeGraph, names: Sequence[str], inside: set[str]) -> list[str]:
    """Return the nodes in the order in which a depth-first walk from `names` leaves them: descendants first."""
    seen: set[str] = set()
    order: list[str] = []
    for start in names:
        stack = [(start, False)]
        while stack:
            name, children_visited = stack.pop()
            if children_visited:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                stack.extend((link.target, False) for link in graph.out(name) if link.target in inside)
    return order


def _component_of(graph: NodeGraph, start: str, candidates: set[str]) -> set[str]:
    component, queue = {start}, [start]
    while queue:
        for link in graph.into(queue.pop()):
            if link.source in candidates and link.source not in component:
                component.add(link.source)
                queue.append(link.source)
    return component
