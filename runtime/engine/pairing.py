"""Paired items: which item of an earlier node an item stems from, with n8n's messages when that cannot be told."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.engine.graph import Graph
from schemas.item import Item, Run, Source


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
    """The pairings of an item as a list of {item, input?, sourceOverwrite?}."""
    if paired is None:
        return []
    entries = paired if isinstance(paired, list) else [paired]
    return [entry if isinstance(entry, dict) else {"item": entry} for entry in entries]


class Trail:
    """Follows pairings back through the recorded runs of one execution."""

    def __init__(self, graph: Graph, runs: Mapping[str, Sequence[Run]]) -> None:
        self.graph = graph
        self.runs = runs

    def find(self, current: str, item: Item | None, source: Sequence[Source | None], target: str) -> Item | None:
        """The item of `target` from which `item`, an input item of `current`, stems; None when its
        trail ends at a start node without passing there.

        Raises PairingError with n8n's message.
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
        found: list[Item | None] = []
        failure: PairingError | None = None
        entries = origins(paired)
        if not entries:
            raise _unavailable(node if node != target else target)
        for entry in entries:
            try:
                found.append(self._step(entry, source, target, seen))
            except PairingError as error:
                failure = failure or error
        if not found:
            raise failure or _unavailable(target)
        there = [each for each in found if each is not None]
        if any(each is not there[0] for each in there):
            raise PairingError("Multiple matches found")
        return there[0] if there else None

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
