"""The walk along paired items against its definition, which recurses and remembers nothing."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.engine.graph import Graph
from runtime.engine.pairing import PairingError, Trail, origins, place_of
from schemas.item import Item, NodeRun, Source
from schemas.plan import Edge, Kind, Plan, Step

NAMES = ("A", "B", "C", "D")
"""Each leads to all: so that every node may be asked for."""
PLAN = Plan(
    name="p",
    steps=[
        Step(
            name=name,
            type="t",
            version=1,
            kind=Kind.INLINE,
            edges=[Edge(output=0, target=each, input=0) for each in NAMES],
        )
        for name in NAMES
    ],
)


def _unavailable(node: str) -> PairingError:
    return PairingError(
        f"Paired item data for item from node '{node}' is unavailable. Ensure '{node}' is providing the required output."
    )


def _define(trail: Trail, paired: Any, source: Any, target: str, node: str, seen: frozenset[Any]) -> Item | None:
    """Return the item, as n8n defines it. Raise PairingError."""
    entries = origins(paired)
    if not entries:
        raise _unavailable(node)
    matches, failure = [], None
    for entry in entries:
        try:
            matches.append(_define_one(trail, entry, source, target, seen))
        except PairingError as error:
            failure = failure or error
    if not matches:
        raise failure or _unavailable(target)
    items = [each for each in matches if each is not None]
    if any(each is not items[0] for each in items):
        raise PairingError("Multiple matches found")
    return items[0] if items else None


def _define_one(trail: Trail, entry: Any, source: Any, target: str, seen: frozenset[Any]) -> Item | None:
    place = place_of(entry, source)
    if place is None:
        return None
    name, index, output, at = place
    runs = trail.runs.get(name, ())
    outputs = runs[index]["outputs"] if 0 <= index < len(runs) else []
    items = outputs[output] if 0 <= output < len(outputs) else None
    if items is None:
        raise _unavailable(name)
    if not 0 <= at < len(items):
        if name == target:
            raise _unavailable(name)
        return None  # recorded of n8n: tests/conformance/kinds/bad-paired-item-1.json
    if name == target:
        return items[at]
    if place in seen:
        raise _unavailable(target)
    return _define(trail, items[at].get("pairedItem"), runs[index]["source"], target, name, seen | {place})


small = st.integers(0, 2)
sources = st.builds(
    lambda name, run, output: {"previousNode": name, "previousNodeRun": run, "previousNodeOutput": output},
    st.sampled_from(NAMES), small, st.integers(0, 1),
)  # fmt: skip
odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, "x", -1, [], {}, 1.5, {"input": 0}, {"item": "x"}, {"item": 0, "sourceOverwrite": 7}]
)
one = st.one_of(
    small,
    st.builds(lambda item, slot: {"item": item, "input": slot}, small, st.integers(0, 1)),
    st.builds(lambda item, source: {"item": item, "sourceOverwrite": source}, small, sources),
    odd,
)
items = st.builds(lambda paired: {"json": {}, "pairedItem": paired}, st.one_of(one, st.lists(one, max_size=3)))
records = st.builds(
    lambda outputs, source: {"outputs": outputs, "source": source},
    st.lists(st.lists(items, max_size=3), min_size=1, max_size=2), st.lists(st.none() | sources, max_size=2),
)  # fmt: skip
histories = st.fixed_dictionaries({name: st.lists(records, max_size=3) for name in NAMES})


def _ask(find: Any) -> Any:
    try:
        return find()
    except PairingError as error:
        return error.message


EMPTY: dict[str, Any] = {"outputs": [[]], "source": []}


@example(  # no item where the pairing leads, at a node that is not the one that is looked for
    {"A": [EMPTY], "B": [], "C": [], "D": [EMPTY]},
    [({"json": {}, "pairedItem": 0}, [{"previousNode": "A", "previousNodeRun": 0, "previousNodeOutput": 0}], "D")],
)
@example(  # the same at the one that is looked for
    {"A": [EMPTY], "B": [], "C": [], "D": [EMPTY]},
    [({"json": {}, "pairedItem": 0}, [{"previousNode": "D", "previousNodeRun": 0, "previousNodeOutput": 0}], "D")],
)
@given(
    histories, st.lists(st.tuples(items, st.lists(st.none() | sources, max_size=2), st.sampled_from(NAMES)), max_size=6)
)
def test_the_walk_gives_what_its_definition_gives(history: Any, asked: Any) -> None:
    """Whatever was asked before, circles and pairings that an author has written wrongly included."""
    trail = Trail(Graph(PLAN), history)
    for item, source, target in asked:
        if not history[target]:
            continue
        expected = _ask(lambda: _define(trail, item["pairedItem"], source, target, "A", frozenset()))  # noqa: B023
        found = _ask(lambda: trail.find("A", item, source, target))  # noqa: B023
        assert found is expected or found == expected


@pytest.mark.parametrize("asks_each_round", [True, False])
def test_a_trail_of_a_hundred_thousand_rounds_is_walked_once(asks_each_round: bool) -> None:
    """Neither recursion nor a walk back to the beginning in each round."""

    class Runs(list[NodeRun]):
        reads = 0

        def __getitem__(self, index: Any) -> Any:
            Runs.reads += 1
            return super().__getitem__(index)

    first: Item = {"json": {"first": True}}
    loop = Runs()
    trail = Trail(Graph(PLAN), {"A": [{"outputs": [[first]], "source": []}], "B": loop})
    rounds = 100_000
    for i in range(rounds):
        source: list[Source | None] = [{"previousNode": "B", "previousNodeRun": i - 1} if i else {"previousNode": "A"}]
        item: Item = {"json": {}, "pairedItem": {"item": 0}}
        if asks_each_round or i == rounds - 1:
            assert trail.find("B", item, source, "A") is first
        loop.append({"outputs": [[item]], "source": source})
    assert Runs.reads <= 2 * rounds
