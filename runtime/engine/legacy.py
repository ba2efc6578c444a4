"""n8n's order v0 (exports without `executionOrder: v1`): breadth first, and nodes with several inputs pull their other
branches in, even where those were never taken.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.engine.machine import Engine
    from schemas.plan import Step


def must_defer(engine: "Engine", entry: dict[str, Any]) -> bool:
    """True when an input that has a wire got no data yet: the entry goes to the end of the stack."""
    slots = engine.graph.incoming.get(entry["node"], [])
    return any(slot and i < len(entry["inputs"]) and entry["inputs"][i] is None for i, slot in enumerate(slots))


def run_other_parents(engine: "Engine", parent: "Step", target: str, output: int) -> None:
    """A node began to wait: queue what its other inputs come from, with one empty item, where nothing of it has run."""
    siblings = {edge.target for edge in parent.edges if edge.output == output} - {target}
    for slot in engine.graph.incoming[target]:
        for other, _ in slot:
            if other == parent.name or other in siblings:
                continue
            if engine.runs.get(other) or any(entry["node"] == other for entry in engine.stack):
                continue
            start = _highest(engine, other, parent.name, siblings)
            if start is not None:
                slots = max(len(engine.graph.incoming.get(start, ())), 1)
                inputs: list[Any] = [[{"json": {}}]] + [[] for _ in range(slots - 1)]
                engine.stack.append({"node": start, "inputs": inputs, "source": [{"previousNode": parent.name}]})


def _highest(engine: "Engine", name: str, parent: str, siblings: set[str]) -> str | None:
    """The un-run node furthest up from `name`; None when something up there is about to run by itself."""
    stacked = {entry["node"] for entry in engine.stack}
    found: str | None = name
    for ancestor in engine.graph.ancestors(name):
        if (ancestor in siblings and ancestor != parent) or ancestor in stacked:
            return None
        if engine.runs.get(ancestor):
            continue
        found = ancestor
    return found
