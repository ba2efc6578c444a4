"""The graph of the compiler against networkx on random graphs: circles, reach and ancestry are what the textbook says.

The compiler itself does without networkx (decision 0025): importing it costs more than all of `tempor8 check`.
"""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from compiler.graph.ancestry import Ancestry
from compiler.graph.cycles import cycles
from compiler.graph.graph import Link, NodeGraph

NAMES = [f"n{index}" for index in range(9)]
LINKS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=24)


def both(links: list[tuple[str, str]]) -> tuple[NodeGraph, "nx.DiGraph[str]"]:
    """Return the same graph twice: ours (with links that stand there twice), and that of networkx."""
    ours = NodeGraph()
    for source, target in links:
        ours.add(Link(source=source, output=0, target=target, input=0))
    theirs: nx.DiGraph[str] = nx.DiGraph()
    theirs.add_nodes_from(NAMES)
    theirs.add_edges_from(links)
    return ours, theirs


@given(LINKS)
def test_circles_are_the_strongly_connected_components_that_can_be_walked_round(links: list[tuple[str, str]]) -> None:
    ours, theirs = both(links)
    expected = {
        frozenset(component)
        for component in nx.strongly_connected_components(theirs)
        if len(component) > 1 or any(theirs.has_edge(name, name) for name in component)
    }
    actual = cycles(ours, NAMES)
    assert set(actual) == expected
    assert actual == sorted(actual, key=lambda circle: min(map(NAMES.index, circle)))


@given(LINKS, st.sets(st.sampled_from(NAMES), max_size=3))
def test_reach_goes_to_every_descendant_and_ancestor(links: list[tuple[str, str]], starts: set[str]) -> None:
    ours, theirs = both(links)
    assert ours.downstream(starts) == starts.union(*(nx.descendants(theirs, name) for name in starts))
    assert ours.upstream(starts) == starts.union(*(nx.ancestors(theirs, name) for name in starts))


@given(LINKS, st.sets(st.sampled_from(NAMES), max_size=3))
def test_before_a_node_come_its_ancestors_and_itself(links: list[tuple[str, str]], names: set[str]) -> None:
    ours, theirs = both(links)
    ancestry = Ancestry(ours, NAMES)
    before = ancestry.before(names)
    expected = names.union(*(nx.ancestors(theirs, name) for name in names))
    assert {name for name in NAMES if ancestry.contains(name, before)} == expected
