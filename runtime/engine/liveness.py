"""Decide which recorded runs are live, i.e. can still be read. The engine forgets all others, so that a loop of a hundred
thousand rounds needs no more memory than one of a thousand.

Live are: the last run of every node and what it came from (a retry begins there), all runs of nodes that are read by run
or in a way that cannot be determined, and the runs on the trails of paired items that a later expression may follow.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from runtime.engine.graph import Graph
from runtime.engine.node_runs import ForgottenRunError
from runtime.engine.pairing import origins, place_of
from schemas.expression import Path, Script, Template
from schemas.item import Items, NodeRun, Source
from schemas.plan import Kind, Plan, Step

__all__ = ["Liveness"]

_PAIRED: Final = frozenset({"item", "itemMatching", "pairedItem"})

Place = tuple[str, int]
"""A node and a run of it."""


@dataclass
class Liveness:
    """What the steps of a plan can read. Built once per execution, when it has become long."""

    plan: Plan
    graph: Graph
    complete: set[str] = field(default_factory=set)
    """Nodes whose runs all stay, since any of them may be read."""
    pairs: dict[str, set[str]] = field(default_factory=dict)
    """Step -> nodes to which it follows paired items."""
    everything: bool = False
    """True when an expression computes a node's name: no run can be forgotten then."""

    def __post_init__(self) -> None:
        for step in self.plan.steps:
            named: set[str] = set()
            for placed in step.expressions:
                each = placed.expression
                for part in each.parts if isinstance(each, Template) else (each,):
                    if isinstance(part, Path) and part.node is not None:
                        named.add(part.node)
                        self._read(step, part.node, [part.root.removeprefix("node.")])
                    elif isinstance(part, Script):
                        self._script(step, part, named)
            self._program(step, named)

    def _script(self, step: Step, script: Script, named: set[str]) -> None:
        if script.nodes is None:
            self.everything = True
        for name in script.nodes or ():
            named.add(name)
            self._read(step, name, script.ways.get(name, ("any",)))

    def _program(self, step: Step, named: set[str]) -> None:
        if step.reads is None:
            self.everything = True
        for name in step.reads or ():
            if name in step.ways or name not in named:
                self._read(step, name, step.ways.get(name, ("any",)))

    def _read(self, step: Step, name: str, ways: Iterable[str]) -> None:
        for way in ways:
            if way == "any":
                self.complete.add(name)
            if way == "any" or way in _PAIRED:
                # a sub-node follows the items of its root, whichever that is
                readers = self.plan.steps if step.kind is Kind.SUBNODE else (step,)
                for reader in readers:
                    self.pairs.setdefault(reader.name, set()).add(name)

    @cached_property
    def ahead(self) -> Mapping[str, frozenset[str]]:
        """Node -> the targets to which an expression may yet follow an item that enters it: there is a way to a reader that
        does not pass the target, where the trail would end.
        """
        result: dict[str, set[str]] = {}
        for reader, targets in self.pairs.items():
            for target in targets:
                for name in self._behind(reader, target):
                    result.setdefault(name, set()).add(target)
        return {name: frozenset(targets) for name, targets in result.items()}

    def _behind(self, reader: str, target: str) -> set[str]:
        seen, waiting = {reader}, [reader]
        while waiting:
            for parent in self.graph.parents(waiting.pop()):
                if parent not in seen and parent != target:
                    seen.add(parent)
                    waiting.append(parent)
        return seen

    # --- what is live now --------------------------------------------------------------------------------------------

    def live(
        self,
        runs: Mapping[str, Sequence[NodeRun]],
        entries: Iterable[Mapping[str, Any]],
        memory: Mapping[str, Mapping[str, Any]],
    ) -> tuple[set[Place], int]:
        """Return the live places of nodes outside `complete`, and how many items had to be inspected.

        `entries`: what waits to be run, {node, inputs, source}; `memory`: the contexts of the nodes.
        """
        places: set[Place] = set()
        roots = _Roots(self, runs, places)
        for name, node_runs in runs.items():
            last = node_runs[-1]
            places.add((name, len(node_runs) - 1))
            places.update((each["previousNode"], each.get("previousNodeRun", 0)) for each in last["source"] if each)
            roots.add(self.ahead.get(name), _inputs_of(runs, last), last["source"])
        for entry in entries:
            source = entry["source"]
            places.update((each["previousNode"], each.get("previousNodeRun", 0)) for each in source if each)
            roots.add(self.ahead.get(entry["node"]), entry["inputs"], source)
        for name, context in memory.items():
            self._loop(name, context, roots)
        return places, roots.lookups

    def _loop(self, name: str, context: Mapping[str, Any], roots: "_Roots") -> None:
        """Follow the items that Loop Over Items buffers: those still to be given out, and those that came back."""
        step = self.plan.step.get(name)
        if step is None or step.loop is None:
            return
        roots.add_buffered(self.ahead.get(name), context.get("items"), context.get("sourceData") or ())
        after = [self.ahead.get(edge.target, frozenset()) for edge in step.edges if edge.output == step.loop.done]
        targets = frozenset[str]().union(*after) - {name}
        roots.add_buffered(targets, context.get("processedItems"), ())


class _Roots:
    """Follows the trails of items to their targets, and adds what lies on the way to `places`."""

    def __init__(self, liveness: Liveness, runs: Mapping[str, Sequence[NodeRun]], places: set[Place]) -> None:
        self.liveness, self.runs, self.places = liveness, runs, places
        self.seen: set[tuple[str, int, int, int, frozenset[str]]] = set()
        self.lookups = 0

    def add(
        self, targets: frozenset[str] | None, inputs: Iterable[Items | None], source: Sequence[Source | None]
    ) -> None:
        """Add the trails of a node's inputs. An item that enters a node is paired with its own place there, whatever it was
        paired with where it came from.
        """
        if not targets:
            return
        for slot, items in enumerate(inputs):
            for i in range(len(items or ())):
                self.lookups += 1
                self._follow({"item": i, "input": slot}, source, targets)

    def add_buffered(
        self, targets: frozenset[str] | None, items: Items | None, source: Sequence[Source | None]
    ) -> None:
        """Add the trails of items that a node has taken in and not given out yet."""
        for item in (items or ()) if targets else ():
            self.lookups += 1
            self._follow(item.get("pairedItem"), source, targets or frozenset())

    def _follow(self, paired: Any, source: Sequence[Source | None], targets: frozenset[str]) -> None:
        waiting = [(paired, source, targets)]
        while waiting:
            paired, source, targets = waiting.pop()
            for entry in origins(paired):
                place = place_of(entry, source)
                if place is None or min(place[1:]) < 0 or (*place, targets) in self.seen:
                    continue
                self.seen.add((*place, targets))
                self.lookups += 1
                self.places.add(place[:2])
                further = targets - {place[0]}
                if further and (pairing := self._pairing(place)) is not None:
                    waiting.append((pairing[0], pairing[1], further))

    def _pairing(self, place: tuple[str, int, int, int]) -> tuple[Any, Sequence[Source | None]] | None:
        """Return how the item at a place is paired, and where its run came from; None when there is no such item."""
        name, index, output, at = place
        run = _at(self.runs.get(name, ()), index)
        if run is None:
            return None
        items = run["outputs"][output] if output < len(run["outputs"]) else None
        if items is None or not 0 <= at < len(items):
            return None
        return items[at].get("pairedItem"), run["source"]


def _inputs_of(runs: Mapping[str, Sequence[NodeRun]], run: NodeRun) -> Iterator[Items | None]:
    """Yield the inputs of a run, read from the outputs that they came from."""
    for source in run["source"]:
        if source is None:
            yield None
            continue
        before = _at(runs.get(source["previousNode"], ()), source.get("previousNodeRun", 0))
        outputs = before["outputs"] if before is not None else []
        output = source.get("previousNodeOutput", 0)
        yield outputs[output] if output < len(outputs) else None


def _at(runs: Sequence[NodeRun], index: int) -> NodeRun | None:
    try:
        return runs[index] if index < len(runs) else None
    except ForgottenRunError:
        return None
