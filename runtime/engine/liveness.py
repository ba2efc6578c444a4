"""Which recorded runs somebody can still read: all others are forgotten, so that a loop of a hundred thousand rounds needs
no more memory than one of a thousand.

Kept are: the last run of every node and what it came from (a retry begins there), all runs of nodes that are read by run
or in a way that cannot be told, and the runs on the trails of paired items that an expression further on may follow.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from runtime.engine.graph import Graph
from runtime.engine.node_runs import ForgottenRunError
from runtime.engine.pairing import origins
from schemas.expression import Path, Script, Template
from schemas.item import Items, Run, Source
from schemas.plan import Kind, Plan, Step

__all__ = ["Liveness"]

_PAIRED: Final = frozenset({"item", "itemMatching", "pairedItem"})

Place = tuple[str, int]
"""A node and a run of it."""


@dataclass
class Liveness:
    """What the steps of a plan can read. Made once per execution, when it has become long."""

    plan: Plan
    graph: Graph
    whole: set[str] = field(default_factory=set)
    """Nodes of which every run may be read."""
    pairs: dict[str, set[str]] = field(default_factory=dict)
    """Step -> nodes to which it follows paired items."""
    everything: bool = False
    """A name is computed somewhere: nothing can be forgotten."""

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
                self.whole.add(name)
            if way == "any" or way in _PAIRED:
                # a sub-node follows the items of its root, whichever that is
                readers = self.plan.steps if step.kind is Kind.SUBNODE else (step,)
                for reader in readers:
                    self.pairs.setdefault(reader.name, set()).add(name)

    @cached_property
    def ahead(self) -> Mapping[str, frozenset[str]]:
        """Node -> the nodes to which somebody may yet follow an item that enters it: there is a way to a reader that does
        not pass the node asked for, where the trail would end.
        """
        found: dict[str, set[str]] = {}
        for reader, targets in self.pairs.items():
            for target in targets:
                for name in self._behind(reader, target):
                    found.setdefault(name, set()).add(target)
        return {name: frozenset(targets) for name, targets in found.items()}

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
        runs: Mapping[str, Sequence[Run]],
        entries: Iterable[Mapping[str, Any]],
        memory: Mapping[str, Mapping[str, Any]],
    ) -> tuple[set[Place], int]:
        """The places to keep beside all of `whole`, and how many items had to be looked at.

        `entries`: what waits to be run, {node, inputs, source}; `memory`: the contexts of the nodes.
        """
        kept: set[Place] = set()
        roots = _Roots(self, runs, kept)
        for name, recorded in runs.items():
            last = recorded[-1]
            kept.add((name, len(recorded) - 1))
            kept.update((each["previousNode"], each.get("previousNodeRun", 0)) for each in last["source"] if each)
            roots.add(self.ahead.get(name), _came_from(runs, last), last["source"])
        for entry in entries:
            source = entry["source"]
            kept.update((each["previousNode"], each.get("previousNodeRun", 0)) for each in source if each)
            roots.add(self.ahead.get(entry["node"]), entry["inputs"], source)
        for name, context in memory.items():
            self._loop(name, context, roots)
        return kept, roots.looked

    def _loop(self, name: str, context: Mapping[str, Any], roots: "_Roots") -> None:
        """What Loop Over Items holds: items still to be given out, and those that came back."""
        step = self.plan.step.get(name)
        if step is None or step.loop is None:
            return
        roots.add_held(self.ahead.get(name), context.get("items"), context.get("sourceData") or ())
        targets = [self.ahead.get(edge.target, frozenset()) for edge in step.edges if edge.output == step.loop.done]
        wanted = frozenset[str]().union(*targets) - {name}
        roots.add_held(wanted, context.get("processedItems"), ())


class _Roots:
    """Follows the trails of items to the nodes that are wanted, and keeps what lies on the way."""

    def __init__(self, liveness: Liveness, runs: Mapping[str, Sequence[Run]], kept: set[Place]) -> None:
        self.liveness, self.runs, self.kept = liveness, runs, kept
        self.seen: set[tuple[str, int, int, int, frozenset[str]]] = set()
        self.looked = 0

    def add(
        self, wanted: frozenset[str] | None, inputs: Iterable[Items | None], source: Sequence[Source | None]
    ) -> None:
        """Everything that the inputs of a node may be followed to. An item that enters a node is paired with its own place
        there, whatever it was paired with where it came from.
        """
        if not wanted:
            return
        for slot, items in enumerate(inputs):
            for i in range(len(items or ())):
                self.looked += 1
                self._follow({"item": i, "input": slot}, source, wanted)

    def add_held(self, wanted: frozenset[str] | None, items: Items | None, source: Sequence[Source | None]) -> None:
        """Everything that items may be followed to which have entered a node, and which it has not given out yet."""
        for item in (items or ()) if wanted else ():
            self.looked += 1
            self._follow(item.get("pairedItem"), source, wanted or frozenset())

    def _follow(self, paired: Any, source: Sequence[Source | None], wanted: frozenset[str]) -> None:
        waiting = [(paired, source, wanted)]
        while waiting:
            paired, source, wanted = waiting.pop()
            for entry in origins(paired):
                slot = entry.get("input") or 0
                origin = entry.get("sourceOverwrite") or (source[slot] if slot < len(source) else None)
                if origin is None:
                    continue
                name = origin["previousNode"]
                place = (name, origin.get("previousNodeRun") or 0, origin.get("previousNodeOutput") or 0, entry["item"])
                if (*place, wanted) in self.seen:
                    continue
                self.seen.add((*place, wanted))
                self.looked += 1
                self.kept.add(place[:2])
                further = wanted - {name}
                if further and (found := self._run(place)) is not None:
                    waiting.append((found[0], found[1], further))

    def _run(self, place: tuple[str, int, int, int]) -> tuple[Any, Sequence[Source | None]] | None:
        """How the item at a place is paired, and where its run came from."""
        name, index, output, at = place
        run = _at(self.runs.get(name, ()), index)
        if run is None:
            return None
        items = run["outputs"][output] if output < len(run["outputs"]) else None
        if items is None or not 0 <= at < len(items):
            return None
        return items[at].get("pairedItem"), run["source"]


def _came_from(runs: Mapping[str, Sequence[Run]], run: Run) -> Iterator[Items | None]:
    """The inputs of a run, from the outputs that they came from."""
    for source in run["source"]:
        if source is None:
            yield None
            continue
        before = _at(runs.get(source["previousNode"], ()), source.get("previousNodeRun", 0))
        outputs = before["outputs"] if before is not None else []
        output = source.get("previousNodeOutput", 0)
        yield outputs[output] if output < len(outputs) else None


def _at(runs: Sequence[Run], index: int) -> Run | None:
    try:
        return runs[index] if index < len(runs) else None
    except ForgottenRunError:
        return None
