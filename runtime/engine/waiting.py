"""Nodes with several inputs that wait until each of them has its items, or until nothing else is left to run."""

from typing import Any, Final

from runtime.engine.graph import Graph
from schemas.item import Items, Source
from schemas.plan import Plan

__all__ = ["Entry", "WaitingNodes"]

Entry = dict[str, Any]
"""What is to run: {node, inputs: [items|None], source: [source|None]}."""


class WaitingNodes:
    """What waits, by node.

    Args:
        plan: what is executed.
        graph: the plan's.
        entries: what waits already, plain JSON, which this changes. A node may wait more than once.
    """

    def __init__(self, plan: Plan, graph: Graph, entries: dict[str, list[Entry]]) -> None:
        self._plan, self._graph = plan, graph
        self._v1: Final = plan.settings.order == "v1"
        self.entries = entries

    def take(self, node: str, slot: int, items: Items, source: Source) -> tuple[Entry | None, bool]:
        """Keep items for an input of a node. Return what is complete with them, or None, and whether the node began to wait."""
        slots = len(self._graph.incoming[node])
        entries = self.entries.setdefault(node, [])
        fresh = not entries
        entry = next((each for each in entries if each["inputs"][slot] is None), None)
        if entry is None:
            entry = {"node": node, "inputs": [None] * slots, "source": [None] * slots, "place": len(entries)}
            # n8n numbers by count: when an earlier one has gone, the new one takes the place of the last, which is lost
            entries[:] = [each for each in entries if each.get("place", 0) != entry["place"]]
            entries.append(entry)
        entry["inputs"][slot], entry["source"][slot] = items, source
        if any(each is None for each in entry["inputs"]):
            return None, fresh
        entries.remove(entry)
        if not entries:
            del self.entries[node]
        return entry, False

    def release(self) -> Entry | None:
        """Take out one that may run without its other inputs, for when nothing else is left; None: there is none."""
        again = True
        while again:
            again = False
            for name in list(self.entries):
                if not self._may_release(name):
                    continue
                entries = self.entries[name]
                entry = entries.pop(0)
                if not entries:
                    del self.entries[name]
                entry["inputs"] = [[] if items is None else items for items in entry["inputs"]]
                if any(entry["inputs"]):
                    return entry
                again = True
                break
        return None

    def _may_release(self, name: str) -> bool:
        if any(ancestor in self.entries for ancestor in self._graph.ancestors(name) if ancestor != name):
            return False
        required = self._plan.step[name].required_inputs if self._v1 else None
        if required is None:
            return True
        filled = [i for i, items in enumerate(self.entries[name][0]["inputs"]) if items is not None]
        return len(filled) >= required if isinstance(required, int) else all(i in filled for i in required)
