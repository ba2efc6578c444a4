"""The runs of a node in a long execution: those that an expression can still read, and how many there were."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from schemas.item import NodeRun

__all__ = ["ForgottenRunError", "SparseRuns", "from_json", "indexed_runs", "to_json"]


class ForgottenRunError(ValueError):
    """A forgotten run was read: a bug of the liveness analysis, which must not pass for "no such run"."""


class SparseRuns(Sequence[NodeRun]):
    """The list of all runs of a node without those that no expression can read any more (see `runtime.engine.liveness`).

    Length and indexes are those of the whole list. Raises ForgottenRunError when a forgotten run is read.
    """

    __slots__ = ("_count", "_runs")

    def __init__(self, runs: Mapping[int, NodeRun], count: int) -> None:
        self._runs = dict(runs)
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> NodeRun: ...
    @overload
    def __getitem__(self, index: slice) -> "SparseRuns": ...
    def __getitem__(self, index: int | slice) -> "NodeRun | SparseRuns":
        if isinstance(index, slice):
            indexes = range(self._count)[index]
            return SparseRuns({i: self._runs[i] for i in indexes if i in self._runs}, len(indexes))
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(index)
        run = self._runs.get(place)
        if run is None:
            raise ForgottenRunError(f"run {place} is no longer stored")
        return run

    def __iter__(self) -> Iterator[NodeRun]:
        return (self[i] for i in range(self._count))

    def append(self, run: NodeRun) -> None:
        """Add the next run."""
        self._runs[self._count] = run
        self._count += 1

    def items(self) -> Iterable[tuple[int, NodeRun]]:
        """Return (index, run) of the runs that are stored, in order."""
        return self._runs.items()


def indexed_runs(runs: Sequence[NodeRun]) -> Iterable[tuple[int, NodeRun]]:
    """Return (index, run) of the runs that are stored, in order."""
    return runs.items() if isinstance(runs, SparseRuns) else enumerate(runs)


def to_json(runs: Sequence[NodeRun]) -> Any:
    """Return a plain list while no run is forgotten, else {count, kept: {index: run}}."""
    if isinstance(runs, SparseRuns):
        return {"count": len(runs), "kept": {str(i): run for i, run in runs.items()}}
    return runs


def from_json(document: Any) -> list[NodeRun] | SparseRuns:
    """Return the runs that a value of `to_json` describes."""
    if isinstance(document, dict):
        return SparseRuns({int(i): run for i, run in document["kept"].items()}, document["count"])
    runs: list[NodeRun] = document
    return runs
