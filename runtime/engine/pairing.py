"""Paired items: find the item of an earlier node that an item stems from, with n8n's messages when that is not possible."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.engine.graph import Graph
from schemas.item import Item, NodeRun, Source


class PairingError(Exception):
    """`$('Node').item` has no answer. `message` is n8n's."""

    def __init__(self, message: str, description: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.description = description


def _unavailable(node: str, what: str = "item") -> PairingError:
    return PairingError(
        f"Paired item data for {what} from node '{node}' is unavailable. Ensure '{node}' is providing the required output."
    )


def origins(paired: Any) -> list[dict[str, Any]]:
    """Return the pairings of an item as a list of {item, input?, sourceOverwrite?}."""
    if paired is None:
        return []
    entries = paired if isinstance(paired, list) else [paired]
    return [entry if isinstance(entry, dict) else {"item": entry} for entry in entries]


class Trail:
    """Follows pairings back through the recorded runs of one execution."""

    def __init__(self, graph: Graph, runs: Mapping[str, Sequence[NodeRun]]) -> None:
        self.graph = graph
        self.runs = runs

    def find(self, current: str, item: Item | None, source: Sequence[Source | None], target: str) -> Item | None:
        """Return the item of `target` from which `item`, an input item of `current`, stems; None when its trail ends at a
        start node without passing there.

        Raise PairingError with n8n's message.
        """
        if target not in self.graph.ancestors(current):
            raise PairingError("Invalid expression", "No path back to referenced node")
        if not self.runs.get(target):
            raise PairingError(f"Node '{target}' hasn't been executed")
        if item is None:
            raise _unavailable(target)
        return self._follow(item.get("pairedItem"), source, target, current, set())

    def _follow(
        self, paired: Any, source: Sequence[Source | None], target: str, node: str, seen: set[tuple[str, int, int, int]]
    ) -> Item | None:
        matches: list[Item | None] = []
        failure: PairingError | None = None
        entries = origins(paired)
        if not entries:
            raise _unavailable(node if node != target else target)
        for entry in entries:
            try:
                matches.append(self._step(entry, source, target, seen))
            except PairingError as error:
                failure = failure or error
        if not matches:
            raise failure or _unavailable(target)
        items = [each for each in matches if each is not None]
        if any(each is not items[0] for each in items):
            raise PairingError("Multiple matches found")
        return items[0] if items else None

    def _step(
        self,
        entry: Mapping[str, Any],
        source: Sequence[Source | None],
        target: str,
        seen: set[tuple[str, int, int, int]],
    ) -> Item | None:
        origin = entry.get("sourceOverwrite") or _pick(source, entry.get("input") or 0)
        if origin is None:
            return None
        name = origin["previousNode"]
        place = (name, origin.get("previousNodeRun") or 0, origin.get("previousNodeOutput") or 0, entry["item"])
        runs = self.runs.get(name, ())
        run = runs[place[1]] if place[1] < len(runs) else None
        items = _pick((run or {}).get("outputs") or (), place[2]) if run else None
        if run is None or items is None or not 0 <= place[3] < len(items):
            raise _unavailable(target if name == target else name)
        item: Item = items[place[3]]
        if name == target:
            return item
        if place in seen:
            raise _unavailable(target)
        return self._follow(item.get("pairedItem"), run["source"], target, name, seen | {place})


def _pick(values: Any, index: int) -> Any:
    if index < len(values):
        return values[index]
    return None
