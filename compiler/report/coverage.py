"""Figures about a set of exports: what runs, and what to build or replace first."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from compiler.unit import Compilation, Grade
from schemas.diagnostic import Diagnostic, Severity

MAX_LINES_PER_EXPORT: Final = 40
"""How many findings per export the page shows."""
TARGETS: Final = "N8T8"
"""Family of the findings about another version of n8n."""


@dataclass(frozen=True)
class ReportLine:
    """A finding as the page shows it."""

    level: str
    code: str
    url: str
    text: str


@dataclass(frozen=True)
class ReportEntry:
    """The figures and lines of one export, small enough that thousands fit into memory."""

    path: str
    name: str
    runnable: bool
    grades: Counter[Grade]
    missing: frozenset[str]
    """Node types, versions and choices that this build lacks and a run would reach."""
    only_missing: bool
    """Whether it would run if everything in `missing` were supported."""
    differences: dict[str, str]
    """Node type -> how it differs."""
    errors: frozenset[str]
    """Codes of its errors."""
    lines: tuple[ReportLine, ...]
    changes: tuple[ReportLine, ...] = ()
    """What another version of n8n does otherwise, node by node."""


def report_entry(compilation: Compilation) -> ReportEntry:
    """Return what the report needs of one compilation."""
    errors = [each for each in compilation.diagnostics if each.level is Severity.ERROR]
    changes = [each for each in compilation.diagnostics if each.code.startswith(TARGETS)]
    listed = [each for each in compilation.diagnostics if each.level is not Severity.INFO and each not in changes]
    return ReportEntry(
        path=compilation.file,
        name=compilation.export.name if compilation.export else "",
        runnable=compilation.runnable,
        grades=Counter(each.grade for each in compilation.verdicts),
        missing=frozenset(each.lacks for each in errors if each.unsupported),
        only_missing=all(each.unsupported for each in errors),
        differences={each.type: each.reason for each in compilation.verdicts if each.grade is Grade.DIFFERS},
        errors=frozenset(each.code for each in errors if not each.unsupported),
        lines=tuple(map(_line, listed[:MAX_LINES_PER_EXPORT])),
        changes=tuple(map(_line, changes)),
    )


def _line(each: Diagnostic) -> ReportLine:
    return ReportLine(each.level.value, each.code, each.url, _text(each.at.line, each.at.node, each.message, each.hint))


def _text(line: int | None, node: str | None, message: str, hint: str) -> str:
    place = ", ".join([*([f"line {line}"] if line else []), *([node] if node else [])])
    return f"{place}: {message}" + (f" ({hint})" if hint else "")


@dataclass
class Coverage:
    """The figures of a report."""

    entries: list[ReportEntry] = field(default_factory=list)
    nodes: Counter[Grade] = field(default_factory=Counter)
    differences: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Node type -> how it differs."""
    codes: Counter[str] = field(default_factory=Counter)
    """Code -> exports with that error; unsupported nodes are not counted."""

    @property
    def runnable(self) -> int:
        """How many exports run."""
        return sum(each.runnable for each in self.entries)

    @property
    def total(self) -> int:
        """How many nodes there are."""
        return sum(self.nodes.values())

    def add(self, entry: ReportEntry) -> None:
        """Count one export."""
        self.entries.append(entry)
        self.nodes.update(entry.grades)
        self.codes.update(entry.errors)
        for type_, reason in entry.differences.items():
            self.differences[type_].add(reason)

    def missing(self) -> list[tuple[str, int, int]]:
        """Return (what, exports that need it, exports that run once it and all before it exist) for each missing type,
        in the order to build.

        Exports that run today are not counted, nor are nodes that never run; each export is unlocked once at most.
        """
        return _build_order([(set(each.missing), each.only_missing) for each in self.entries if each.missing])

    def figures(self) -> dict[str, Any]:
        """Return the figures as data, without the files."""
        return {
            "exports": len(self.entries),
            "runnable": self.runnable,
            "nodes": {"total": self.total} | {grade.value: self.nodes[grade] for grade in Grade},
            "missing": [{"type": type_, "exports": uses, "unlocks": more} for type_, uses, more in self.missing()],
        }


def coverage(entries: Iterable[ReportEntry]) -> Coverage:
    """Return the figures over these exports."""
    result = Coverage()
    for each in entries:
        result.add(each)
    return result


def _build_order(exports: list[tuple[set[str], bool]]) -> list[tuple[str, int, int]]:
    """Return the missing types in the order to build them (greedy): next comes the type that brings most exports closer
    to running, nearly complete ones first.
    """
    uses = Counter(type_ for types, _ in exports for type_ in types)
    remaining = set(uses)
    order: list[tuple[str, int, int]] = []
    while remaining:
        weight: Counter[str] = Counter()
        for types, _ in exports:
            for type_ in types:
                weight[type_] += 1_000_000 // len(types) ** 2  # whole numbers, so that ties are ties on every machine
        best = max(remaining, key=lambda type_: (weight[type_], uses[type_], type_))
        order.append((best, uses[best], sum(only and types == {best} for types, only in exports)))
        remaining.discard(best)
        for types, _ in exports:
            types.discard(best)
        exports = [each for each in exports if each[0]]
    return order
