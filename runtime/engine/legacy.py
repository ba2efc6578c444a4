"""n8n's order v0 (exports without `executionOrder: v1`): breadth first, and nodes with several inputs pull their other
branches in, even where those were never taken.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from runtime.engine.graph import Graph
from schemas.item import NodeRun, Outputs, Source
from schemas.plan import Step

SOURCE_OF_PULLED_BRANCHES: Final = "source of pulled-in branches"
"""The change by which the first node of a branch that is pulled in has the output that carried the data as its source."""
MAX_VISITS: Final = 10_000
"""Limit of nodes visited on the way up; a plan whose branches part and meet again and again has exponentially many paths."""


class Progress(Protocol):
    """The part of the engine that order v0 reads and changes."""

    stack: list[dict[str, Any]]
    """Entries to run, next one first."""

    @property
    def graph(self) -> Graph:
        """The main connections of the plan."""

    @property
    def patched(self) -> Callable[[str], bool]:
        """Whether a decision is made as this code makes it, by the name of the change."""

    @property
    def runs(self) -> Mapping[str, Sequence[NodeRun]]:
        """The runs of each node so far."""


def must_defer(engine: Progress, entry: dict[str, Any]) -> bool:
    """Return True when an input that has a wire got no data yet: the entry goes to the end of the stack."""
    slots = engine.graph.incoming.get(entry["node"], [])
    return any(slot and i < len(entry["inputs"]) and entry["inputs"][i] is None for i, slot in enumerate(slots))


def runs_by_surplus(graph: Graph, name: str) -> bool:
    """Return whether a node runs, without items, for data at an input that it does not have: within a loop, where nothing
    is wired to its first input.
    """
    return name in graph.ancestors(name) and not graph.incoming[name][0]


def run_other_parents(
    engine: Progress, parent: Step, target: str, outputs: Outputs, output: int, source: Source
) -> None:
    """Queue, with one empty item, the start of the other branches of a node that began to wait, where nothing has run.

    `parent` produced `outputs`; the wire to the waiting `target` leaves at `output`. `source`: what came over it.
    """
    run = source.get("previousNodeRun", 0)
    children = {edge.target for edge in parent.edges}
    items = outputs[output] if output < len(outputs) else None
    for slot in engine.graph.incoming[target]:
        for other, _ in slot:
            if other == parent.name or (other in children and not _is_dry(engine, other, run)):
                continue
            if engine.runs.get(other) or any(entry["node"] == other for entry in engine.stack):
                continue
            start = _highest(engine, other)
            if start is None or (not items and parent.name in engine.graph.ancestors(start)):
                continue
            if start != other and start in children:
                continue  # its parent has just decided not to run it
            if engine.graph.incoming.get(start) and not _is_dry(engine, start, run):
                continue  # what it waits for is on its way
            slots = max(len(engine.graph.incoming.get(start, ())), 1)
            inputs: list[Any] = [[{"json": {}}]] + [[] for _ in range(slots - 1)]
            exact = len(source) == 1 or engine.patched(SOURCE_OF_PULLED_BRANCHES)
            pulled: Source = {**source} if exact else {"previousNode": parent.name}
            engine.stack.append({"node": start, "inputs": inputs, "source": [pulled]})


def _is_dry(engine: Progress, name: str, run: int) -> bool:
    """Return whether no wire into the first input of a node carried an item in run `run` of its source."""
    slots = engine.graph.incoming.get(name)
    for source, output in slots[0] if slots else ():
        runs = engine.runs.get(source, ())
        outputs: Sequence[Any] = runs[run]["outputs"] if run < len(runs) else ()
        if output < len(outputs) and outputs[output]:
            return False
    return True


def _highest(engine: Progress, name: str) -> str | None:
    """Return the last node before the first one that has run, on the way up from `name`; None when a node on that way is
    about to run by itself.
    """
    stacked = {entry["node"] for entry in engine.stack}
    highest: str | None = name
    for each in (name, *_way_up(engine.graph, name)):
        if each in stacked:
            return None
        if engine.runs.get(each):
            break
        highest = each
    return highest


def _way_up(graph: Graph, name: str) -> list[str]:
    """Return the ancestors in n8n's order: each parent with all above it, first wire first; one that is visited again
    counts where it was visited last.
    """
    order: dict[str, None] = {}
    below = [name]
    climbing = [iter(_parents(graph, name))]
    for _ in range(MAX_VISITS):
        if not climbing:
            break
        parent = next(climbing[-1], None)
        if parent is None:
            climbing.pop()
            below.pop()
        elif parent not in below:
            order.pop(parent, None)
            order[parent] = None
            below.append(parent)
            climbing.append(iter(_parents(graph, parent)))
    return list(order)


def _parents(graph: Graph, name: str) -> list[str]:
    return [parent for slot in graph.incoming.get(name, ()) for parent, _ in slot]
