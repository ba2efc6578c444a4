"""What of a set of exports runs, and what to build or replace first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.unit import Grade, Verdict
from schemas.diagnostic import Diagnostic, Severity


@dataclass(frozen=True)
class Entry:
    """One export of the report."""

    path: str
    name: str
    runnable: bool
    verdicts: Sequence[Verdict]
    diagnostics: Sequence[Diagnostic]

    @property
    def errors(self) -> list[Diagnostic]:
        """What stands in its way."""
        return [each for each in self.diagnostics if each.level is Severity.ERROR]

    @property
    def missing(self) -> set[str]:
        """Unsupported node types in it."""
        return {each.type for each in self.verdicts if each.grade is Grade.UNSUPPORTED}


@dataclass
class Coverage:
    """The figures of a report."""

    entries: list[Entry] = field(default_factory=list)
    nodes: Counter[Grade] = field(default_factory=Counter)
    differences: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Node type -> how it differs."""
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def runnable(self) -> int:
        """How many exports run."""
        return sum(each.runnable for each in self.entries)

    @property
    def total(self) -> int:
        """How many nodes there are."""
        return sum(self.nodes.values())

    def missing(self) -> list[tuple[str, int, int]]:
        """(type, exports that use it, exports that run once it and all before it are there), in the order to build."""
        return _order([(each.missing, _only_missing(each)) for each in self.entries])

    def to_json(self) -> dict[str, Any]:
        """The report as data."""
        grades = {grade.value: self.nodes[grade] for grade in Grade}
        return {
            "exports": len(self.entries),
            "runnable": self.runnable,
            "nodes": {"total": self.total} | grades,
            "missing": [{"type": type_, "exports": uses, "unlocks": more} for type_, uses, more in self.missing()],
            "files": [
                {
                    "path": each.path,
                    "runnable": each.runnable,
                    "diagnostics": [found.to_json() for found in each.diagnostics],
                }
                for each in self.entries
            ],
        }


def coverage(entries: Iterable[Entry]) -> Coverage:
    """The figures over these exports."""
    made = Coverage()
    for each in entries:
        made.entries.append(each)
        made.nodes.update(verdict.grade for verdict in each.verdicts)
        made.codes.update({found.code for found in each.errors})
        for verdict in each.verdicts:
            if verdict.grade is Grade.DIFFERS:
                made.differences[verdict.type].add(verdict.reason)
    return made


def _only_missing(each: Entry) -> bool:
    """Whether nothing but unsupported nodes stands in its way."""
    return all(found.code in ("N8T301", "N8T302") for found in each.errors)


def _order(wanting: list[tuple[set[str], bool]]) -> list[tuple[str, int, int]]:
    """Greedy: next comes the type that brings the most exports nearer to running, the nearly complete ones first."""
    open_ = [set(types) for types, _ in wanting if types]
    uses = Counter(type_ for types in open_ for type_ in types)
    counted = [set(types) for types, only in wanting if types and only]
    found: list[tuple[str, int, int]] = []
    while uses.keys() - {type_ for type_, _, _ in found}:
        weight: dict[str, float] = dict.fromkeys(uses.keys() - {type_ for type_, _, _ in found}, 0.0)
        for types in open_:
            for type_ in types:
                weight[type_] += 1 / len(types) ** 2
        best = max(weight, key=lambda type_: (round(weight[type_], 9), uses[type_], type_))
        unlocked = sum(types == {best} for types in counted)
        found.append((best, uses[best], unlocked))
        for types in (*open_, *counted):
            types.discard(best)
    return found
