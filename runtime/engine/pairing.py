"""Paired items: find the item of an earlier node that an item stems from, with n8n's messages when that is not possible."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from runtime.engine.graph import Graph
from schemas.item import Item, Items, NodeRun, Source

__all__ = ["PairingError", "Place", "Trail", "origins", "paired_input", "place_of"]

Place: TypeAlias = tuple[str, int, int, int]
"""Where an item was recorded: node, run, output, index."""
DIGITS: Final = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
Found: TypeAlias = "Item | PairingError | None"


class PairingError(Exception):
    """`$('Node').item` has no answer. `message` is n8n's; `unpaired`: the node whose items say not what they stem from."""

    def __init__(self, message: str, description: str | None = None, *, unpaired: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.unpaired = unpaired


def _unavailable(node: str) -> PairingError:
    return PairingError(
        f"Paired item data for item from node '{node}' is unavailable. Ensure '{node}' is providing the required output.",
        unpaired=node,
    )


def origins(paired: Any) -> list[dict[str, Any]]:
    """Return the pairings of an item as a list of {item, input?, sourceOverwrite?}."""
    if paired is None:
        return []
    entries = paired if isinstance(paired, list) else [paired]
    return [entry if isinstance(entry, dict) else {"item": entry if type(entry) is int else -1} for entry in entries]


def place_of(entry: Mapping[str, Any], source: Sequence[Source | None]) -> Place | None:
    """Return where the item of a pairing was recorded; None when its trail ends there. What is no number (an author may have
    written the pairing) is place -1, where there is no item.
    """
    origin = entry.get("sourceOverwrite") or _pick(source, _index(entry.get("input") or 0))
    if origin is None:
        return None
    if not isinstance(origin, dict):
        return ("", -1, -1, -1)
    run, output = origin.get("previousNodeRun") or 0, origin.get("previousNodeOutput") or 0
    return (str(origin.get("previousNode")), _index(run), _index(output), _item_index(entry.get("item")))


def paired_input(inputs: Sequence[Items | None], item: Item) -> Item | None:
    """Return the input item that an item says it stems from, by its first pairing; None where it names none.

    A bare number names no input here, though it pairs items elsewhere.
    """
    paired = item.get("pairedItem")
    entry: Any = paired[0] if isinstance(paired, list) and paired else paired
    if not isinstance(entry, dict):
        return None
    slot, at = _index(entry.get("input") or 0), _index(entry.get("item"))
    items = inputs[slot] if 0 <= slot < len(inputs) else None
    return items[at] if items and 0 <= at < len(items) else None


def _index(value: Any) -> int:
    """Return a number that may be an index, else -1."""
    return value if type(value) is int and value >= 0 else -1


def _item_index(value: Any) -> int:
    return int(value) if isinstance(value, str) and DIGITS.fullmatch(value) else _index(value)


def _pick(values: Any, index: int) -> Any:
    return values[index] if 0 <= index < len(values) else None


@dataclass(slots=True)
class _Visit:
    """An item on the trail whose pairings are being followed."""

    place: Place | None
    """None: the item that the search began with."""
    node: str
    pairings: list[dict[str, Any]]
    """Those that have not been followed yet, the next one last."""
    source: Sequence[Source | None]
    matches: list[Item | None] = field(default_factory=list)
    failure: PairingError | None = None

    def take(self, found: Found) -> None:
        """Note what a pairing leads to."""
        if isinstance(found, PairingError):
            self.failure = self.failure or found
        else:
            self.matches.append(found)

    def result(self, target: str) -> Found:
        """Return what all pairings together lead to."""
        if not self.matches:
            return self.failure or _unavailable(target)
        items = [each for each in self.matches if each is not None]
        if any(each is not items[0] for each in items):
            return PairingError("Multiple matches found")
        return items[0] if items else None


class Trail:
    """Follows pairings back through the recorded runs of one execution.

    It remembers where the items on its way lead to. So a loop, each round of which asks for an item before the loop, costs
    one step per round and not the way back to the beginning.
    """

    def __init__(self, graph: Graph, runs: Mapping[str, Sequence[NodeRun]]) -> None:
        self.graph = graph
        self.runs = runs
        self._known: dict[tuple[str, Place], Found] = {}

    def forget(self) -> None:
        """Drop what is remembered, and with it the items of runs that are no longer recorded."""
        self._known.clear()

    def find(self, current: str, item: Item | None, source: Sequence[Source | None], target: str) -> Item | None:
        """Return the item of `target` from which `item`, an input item of `current`, stems; None when its trail ends at a
        start node without passing there.

        Raise PairingError with n8n's message.
        """
        if target not in self.graph.ancestors(current):
            raise PairingError("Invalid expression")
        if not self.runs.get(target):
            raise PairingError(f"Node '{target}' hasn't been executed")
        if item is None:
            raise _unavailable(target)
        found = self._follow(_Visit(None, current, origins(item.get("pairedItem"))[::-1], source), target)
        if isinstance(found, PairingError):
            # a fresh one: a traceback grows each time it is raised
            raise PairingError(found.message, found.description, unpaired=found.unpaired)
        return found

    def _follow(self, first: _Visit, target: str) -> Found:
        """Return what the pairings of an item lead to, depth first and without recursion."""
        if not first.pairings:
            return _unavailable(first.node)
        visits, open_, learned = [first], set[Place](), list[Place]()
        circular, found = False, None
        while visits:
            visit = visits[-1]
            if not visit.pairings:
                visits.pop()
                found = visit.result(target)
                if visit.place is None:
                    continue
                open_.discard(visit.place)
                self._known[target, visit.place] = found
                learned.append(visit.place)
                visits[-1].take(found)
                continue
            place = place_of(visit.pairings.pop(), visit.source)
            next_ = self._look(place, target)
            if not isinstance(next_, _Visit):
                visit.take(next_)
            elif next_.place in open_:
                circular = True
                visit.take(_unavailable(target))
            else:
                open_.add(place)  # type: ignore[arg-type]  # a visit has a place
                visits.append(next_)
        if circular:  # what was found inside the circle depends on where the search came in
            for place in learned:
                del self._known[target, place]
        return found

    def _look(self, place: Place | None, target: str) -> "Found | _Visit":
        """Return what is known of a place, or a visit to its item."""
        if place is None:
            return None
        if (target, place) in self._known:
            return self._known[target, place]
        name, index, output, at = place
        runs = self.runs.get(name, ())
        run = runs[index] if 0 <= index < len(runs) else None
        items = _pick(run.get("outputs") or (), output) if run else None
        if run is None or items is None or (name == target and not 0 <= at < len(items)):
            return _unavailable(name)
        if not 0 <= at < len(items):
            return None  # an author's own pairing with an item that is not there
        item: Item = items[at]
        if name == target:
            return item
        pairings = origins(item.get("pairedItem"))
        return _Visit(place, name, pairings[::-1], run["source"]) if pairings else _unavailable(name)
