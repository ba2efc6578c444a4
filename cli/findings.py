"""Writes results in the format asked for, to standard output, and counts them."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TextIO

from cli.checking import Checked, paint
from cli.options import FailOn, Format
from compiler.report.github import annotations
from compiler.report.text import plain
from schemas.diagnostic import Diagnostic, Severity


@dataclass
class Tally:
    """What was seen so far."""

    files: int = 0
    runnable: int = 0
    levels: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))

    def add(self, each: Checked) -> None:
        """Count one result."""
        self.files += 1
        self.runnable += each.runnable
        for level in Severity:
            self.levels[level] += each.count(level)

    def fails(self, on: FailOn) -> bool:
        """Whether the exit code is 1."""
        errors, warnings = self.levels[Severity.ERROR], self.levels[Severity.WARNING]
        return on is not FailOn.NEVER and (errors > 0 or (on is FailOn.WARNING and warnings > 0))

    def sentence(self, colours: bool) -> str:
        """The last line of the text format."""
        style = paint if colours else plain
        errors, warnings, infos = (self.levels[each] for each in Severity)
        head = f"{self.runnable} of {_count(self.files, 'export')} runnable"
        said = [style(head, "good" if self.runnable == self.files else "bold")]
        said += [style(_count(errors, "error"), "error")] if errors else []
        said += [style(_count(warnings, "warning"), "warning")] if warnings else []
        said += [f"{_count(infos, 'note')} (-v)"] if infos else []
        return ", ".join(said)


def write(results: Iterable[Checked], format_: Format, *, to_stderr: bool = False) -> Tally:
    """Write every result as it comes; text goes to standard error where standard output carries data."""
    tally = Tally()
    seen = _counted(results, tally)
    if format_ is Format.TEXT:
        for each in seen:
            _out(*each.lines, to=sys.stderr if to_stderr else sys.stdout)
    elif format_ is Format.GITHUB:
        for each in seen:
            _out(*annotations(each.diagnostics))
    elif format_ is Format.JSON:
        _json(seen)
    else:
        _sarif(seen)
    return tally


def _counted(results: Iterable[Checked], tally: Tally) -> Iterator[Checked]:
    for each in results:
        tally.add(each)
        yield each


def _json(results: Iterable[Checked]) -> None:
    """A list with one object per workflow, written as they come."""
    separator = "[\n"
    for each in results:
        _out(separator + json.dumps(as_json(each), ensure_ascii=False), end="")
        separator = ",\n"
    _out("[]" if separator == "[\n" else "\n]")


def as_json(each: Checked) -> dict[str, object]:
    """One result as data."""
    return {
        "path": each.file,
        "name": each.name,
        "runnable": each.runnable,
        "nodes": [
            {"name": v.node, "type": v.type, "version": v.version, "verdict": v.grade.value, "reason": v.reason}
            for v in each.verdicts
        ],
        "diagnostics": [found.to_json() for found in each.diagnostics],
    }


def _sarif(results: Iterable[Checked]) -> None:
    from compiler.report.sarif import document

    found: list[Diagnostic] = [finding for each in results for finding in each.diagnostics]
    _out(json.dumps(document(found, version("tempor8")), ensure_ascii=False, indent=2))


def _out(*lines: str, end: str = "\n", to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    for each in lines:
        # a lone surrogate of a node's name has no UTF-8 form
        stream.write(each.encode("utf-8", "replace").decode() + end)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
