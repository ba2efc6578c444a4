"""Writes results as they come, in the format asked for, and sums them up."""

import sys
from collections.abc import Iterable
from importlib.metadata import version
from typing import TextIO

from cli.support.compile_files import Checked, Tally
from cli.support.formats import paint
from cli.support.options import FailOn, Format
from compiler.report.text import plain
from schemas.diagnostic import Severity


def write(results: Iterable[Checked], format_: Format, *, to_stderr: bool = False) -> Tally:
    """Write every result as it comes; text goes to standard error where standard output carries data."""
    tally = Tally()
    stream = sys.stderr if to_stderr else sys.stdout
    head, separator, tail = _frame(format_)
    _put(head, stream)
    between = ""
    for each in results:
        tally.add(each)
        if each.text:
            _put(between + each.text, stream)
            between = separator
    _put(("\n" if between and separator == "\n" else "") + tail, stream)
    return tally


def _frame(format_: Format) -> tuple[str, str, str]:
    """What stands before, between and after the results."""
    if format_ is Format.JSON:
        return "[\n", ",\n", "\n]\n"
    if format_ is Format.SARIF:
        from compiler.report.sarif import frame

        head, tail = frame(version("tempor8"))
        return head, ",\n", tail + "\n"
    return "", "\n", ""


def sentence(tally: Tally, *, colours: bool) -> str:
    """The last line of the text format."""
    style = paint if colours else plain
    errors, warnings, infos = (tally.levels[each] for each in Severity)
    head = f"{tally.runnable} of {_count(tally.files, 'export')} runnable"
    said = [style(head, "good" if tally.runnable == tally.files else "bold")]
    said += [style(_count(errors, "error"), "error")] if errors else []
    said += [style(_count(warnings, "warning"), "warning")] if warnings else []
    said += [f"{_count(infos, 'note')} (-v)"] if infos else []
    return ", ".join(said)


def fails(tally: Tally, on: FailOn) -> bool:
    """Whether the exit code is 1."""
    errors, warnings = tally.levels[Severity.ERROR], tally.levels[Severity.WARNING]
    return on is not FailOn.NEVER and (errors > 0 or (on is FailOn.WARNING and warnings > 0))


def _put(text: str, stream: TextIO) -> None:
    stream.write(text.encode("utf-8", "replace").decode())  # a lone surrogate of a node's name has no UTF-8 form


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
