"""What of a set of exports runs, and what to build or replace first."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from compiler.unit import Compilation, Grade
from schemas.diagnostic import Severity

LISTED: Final = 40
"""Findings per export that the page shows."""


@dataclass(frozen=True)
class Line:
    """A finding as the page shows it."""

    level: str
    code: str
    url: str
    text: str


@dataclass(frozen=True)
class Entry:
    """What the report keeps of one export: figures and lines, so that thousands fit into memory."""

    path: str
    name: str
    runnable: bool
    grades: Counter[Grade]
    missing: frozenset[str]
    """What keeps it from running and could be built: node types, versions and choices of nodes that a run reaches."""
    only_missing: bool
    """Whether nothing but unsupported nodes stands in its way."""
    differences: dict[str, str]
    """Node type -> how it differs."""
    errors: frozenset[str]
    """Codes of its errors."""
    lines: tuple[Line, ...]


def entry(made: Compilation) -> Entry:
    """The entry of one compilation."""
    errors = [each for each in made.diagnostics if each.level is Severity.ERROR]
    told = [each for each in made.diagnostics if each.level is not Severity.INFO]
    return Entry(
        path=made.file,
        name=made.export.name if made.export else "",
        runnable=made.runnable,
        grades=Counter(each.grade for each in made.verdicts),
        missing=frozenset(each.lacks for each in errors if each.unsupported),
        only_missing=all(each.unsupported for each in errors),
        differences={each.type: each.reason for each in made.verdicts if each.grade is Grade.DIFFERS},
        errors=frozenset(each.code for each in errors if not each.unsupported),
        lines=tuple(
            Line(each.level.value, each.code, each.url, _text(each.at.line, each.at.node, each.message, each.hint))
            for each in told[:LISTED]
        ),
    )


def _text(line: int | None, node: str | None, message: str, hint: str) -> str:
    place = ", ".join([*([f"line {line}"] if line else []), *([node] if node else [])])
    return f"{place}: {message}" + (f" ({hint})" if hint else "")


@dataclass
class Coverage:
    """The figures of a report."""

    entries: list[Entry] = field(default_factory=list)
    nodes: Counter[Grade] = field(default_factory=Counter)
    differences: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Node type -> how it differs."""
    codes: Counter[str] = field(default_factory=Counter)
    """Errors but unsupported nodes: code -> exports."""

    @property
    def runnable(self) -> int:
        """How many exports run."""
        return sum(each.runnable for each in self.entries)

    @property
    def total(self) -> int:
        """How many nodes there are."""
        return sum(self.nodes.values())

    def add(self, each: Entry) -> None:
        """Count one export."""
        self.entries.append(each)
        self.nodes.update(each.grades)
        self.codes.update(each.errors)
        for type_, reason in each.differences.items():
            self.differences[type_].add(reason)

    def missing(self) -> list[tuple[str, int, int]]:
        """(what, exports that need it, exports that run once it and all before it are there), in the order to build.

        Exports that run today are not counted, nor are nodes that never run; each export is unlocked once at most.
        """
        return _order([(set(each.missing), each.only_missing) for each in self.entries if each.missing])

    def figures(self) -> dict[str, Any]:
        """The figures as data, without the files."""
        return {
            "exports": len(self.entries),
            "runnable": self.runnable,
            "nodes": {"total": self.total} | {grade.value: self.nodes[grade] for grade in Grade},
            "missing": [{"type": type_, "exports": uses, "unlocks": more} for type_, uses, more in self.missing()],
        }


def coverage(entries: Iterable[Entry]) -> Coverage:
    """The figures over these exports."""
    made = Coverage()
    for each in entries:
        made.add(each)
    return made


def _order(wanting: list[tuple[set[str], bool]]) -> list[tuple[str, int, int]]:
    """Greedy: next comes the type that brings the most exports nearer to running, the nearly complete ones first."""
    uses = Counter(type_ for types, _ in wanting for type_ in types)
    left = set(uses)
    found: list[tuple[str, int, int]] = []
    while left:
        weight: Counter[str] = Counter()
        for types, _ in wanting:
            for type_ in types:
                weight[type_] += 1_000_000 // len(types) ** 2  # whole numbers, so that ties are ties on every machine
        best = max(left, key=lambda type_: (weight[type_], uses[type_], type_))
        found.append((best, uses[best], sum(only and types == {best} for types, only in wanting)))
        left.discard(best)
        for types, _ in wanting:
            types.discard(best)
        wanting = [each for each in wanting if each[0]]
    return found
