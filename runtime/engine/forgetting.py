"""Drop the runs that no expression can read any more, so that a loop of any length keeps what it needs and no more.

When it happens depends on the state alone, so that a replay does it at the same place; the work is in proportion to what was
recorded since the last time.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from functools import cached_property
from typing import Any, Final

from runtime.engine.graph import Graph
from runtime.engine.liveness import Liveness
from runtime.engine.node_runs import SparseRuns, indexed_runs
from runtime.engine.waiting import Entry
from schemas.item import NodeRun
from schemas.plan import Plan

__all__ = ["Forgetting"]

FORGET_AFTER_RUNS: Final = 1_000
"""Runs that are recorded before the first are dropped."""
ITEMS_PER_RUN: Final = 50
"""Weight of one run, in items, when deciding whether to forget."""


class Forgetting:
    """How much was recorded, and what was dropped.

    Args:
        plan: what is executed.
        graph: the plan's.
        runs: the runs by node, from which it drops.
        order: what ran, in order: [node, run], and its number among all as a third once some are dropped.
        state: what `state` returned; empty at the beginning.
    """

    def __init__(
        self, plan: Plan, graph: Graph, runs: MutableMapping[str, list[NodeRun] | SparseRuns], order: list[list[Any]],
        state: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._plan, self._graph = plan, graph
        self._runs, self._order = runs, order
        self.totals: dict[str, dict[str, int]] = state.get("forgotten", {})
        """Node -> of its dropped runs: {runs, errors, items}."""
        self.weight: int = state.get("weight", 0)
        """Weight, in items, of what was recorded since runs were last dropped: ITEMS_PER_RUN per run and 1 per item."""
        self.allowed: int = state.get("allowed", FORGET_AFTER_RUNS * ITEMS_PER_RUN)

    def state(self) -> dict[str, Any]:
        """Return what it goes on with, plain JSON."""
        return {"weight": self.weight, "allowed": self.allowed, **({"forgotten": self.totals} if self.totals else {})}

    def note(self, run: NodeRun) -> None:
        """Count a run that was recorded."""
        self.weight += _weight(run)

    @property
    def due(self) -> bool:
        """Whether as much was recorded as is worth a look."""
        return self.weight >= self.allowed

    def forget(self, entries: Sequence[Entry], memory: Mapping[str, dict[str, Any]], *, keeps_all: bool) -> None:
        """Drop what neither `entries`, which are still to run, nor `memory`, the nodes' own, leads to; nothing with `keeps_all`."""
        lookups = 0
        if not (keeps_all or self._liveness.everything or self._looks_back()):
            live, lookups = self._liveness.live(self._runs, entries, memory)
            live.update((name, run) for name, run, *_ in self._order[:1])  # a retry from the start takes its items
            self._drop_all_but(live)
        remaining = sum(_weight(run) for runs in self._runs.values() for _, run in indexed_runs(runs))
        self.weight, self.allowed = 0, max(FORGET_AFTER_RUNS * ITEMS_PER_RUN, remaining, lookups)

    @cached_property
    def _liveness(self) -> Liveness:
        return Liveness(self._plan, self._graph)

    def _looks_back(self) -> bool:
        """Return whether old runs may be read by order v0: it does when a node with several inputs begins to wait."""
        return self._plan.settings.order != "v1" and any(len(slots) > 1 for slots in self._graph.incoming.values())

    def _drop_all_but(self, live: set[tuple[str, int]]) -> None:
        complete = self._liveness.complete
        order = []
        for number, (name, index, *place) in enumerate(self._order):
            if name in complete or (name, index) in live:
                order.append([name, index, place[0] if place else number])
                continue
            run = self._runs[name][index]
            totals = self.totals.setdefault(name, {"runs": 0, "errors": 0, "items": 0})
            totals["runs"] += 1
            totals["errors"] += run.get("status") == "error"
            totals["items"] += _items(run)
        if len(order) == len(self._order):
            return
        self._order[:] = order
        for name, runs in self._runs.items():
            if name not in complete and name in self.totals:
                self._runs[name] = SparseRuns({i: run for i, run in indexed_runs(runs) if (name, i) in live}, len(runs))


def _items(run: NodeRun) -> int:
    return sum(len(items or ()) for items in run["outputs"])


def _weight(run: NodeRun) -> int:
    return ITEMS_PER_RUN + _items(run)
