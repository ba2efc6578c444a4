"""The runs of a node in a long execution: those that somebody can still read, and how many there were."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from schemas.item import Run

__all__ = ["ForgottenRunError", "Recorded", "from_json", "known", "to_json"]


class ForgottenRunError(ValueError):
    """A run was read that is no longer kept. This would be a fault of ours; it must not pass for "no such run"."""


class Recorded(Sequence[Run]):
    """Like the list of all runs, but the ones that nobody can read any more are gone. Made by `runtime.engine.liveness`."""

    __slots__ = ("_count", "_kept")

    def __init__(self, kept: Mapping[int, Run], count: int) -> None:
        self._kept = dict(kept)
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> "Recorded": ...
    def __getitem__(self, index: int | slice) -> "Run | Recorded":
        if isinstance(index, slice):
            asked = range(self._count)[index]
            return Recorded({i: self._kept[i] for i in asked if i in self._kept}, len(asked))
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(index)
        run = self._kept.get(place)
        if run is None:
            raise ForgottenRunError(f"run {place} is no longer kept")
        return run

    def __iter__(self) -> Iterator[Run]:
        return (self[i] for i in range(self._count))

    def append(self, run: Run) -> None:
        """Add the next run."""
        self._kept[self._count] = run
        self._count += 1

    def items(self) -> Iterable[tuple[int, Run]]:
        """The runs that are kept, with their index, in order."""
        return self._kept.items()


def known(runs: Sequence[Run]) -> Iterable[tuple[int, Run]]:
    """The runs that are there, with their index, in order."""
    return runs.items() if isinstance(runs, Recorded) else enumerate(runs)


def to_json(runs: Sequence[Run]) -> Any:
    """A plain list while all are there, else {count, kept: {index: run}}."""
    if isinstance(runs, Recorded):
        return {"count": len(runs), "kept": {str(i): run for i, run in runs.items()}}
    return runs


def from_json(document: Any) -> list[Run] | Recorded:
    """What `to_json` made."""
    if isinstance(document, dict):
        return Recorded({int(i): run for i, run in document["kept"].items()}, document["count"])
    runs: list[Run] = document
    return runs
