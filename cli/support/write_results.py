"""Writes results as they come, in the format of the options, and their summary."""

import sys
from collections.abc import Iterable
from importlib.metadata import version
from typing import TextIO

import typer

from cli.support.check_options import CheckOptions
from cli.support.compile_files import CompiledWorkflow, Tally, compile_files, show_progress
from cli.support.formats import paint
from cli.support.options import FailOn, Format
from compiler.report.text import plain
from schemas.diagnostic import Severity

__all__ = ["check_and_write", "has_failed", "summary_line", "write_results"]


def check_and_write(names: list[str], options: CheckOptions, format_: Format) -> Tally:
    """Compile the files, write the results, and return the counts; the summary of the text format comes last."""
    tally = write_results(
        show_progress(compile_files(names, options), len(names), text=format_ is Format.TEXT), format_
    )
    if format_ is Format.TEXT:
        typer.echo(summary_line(tally, colours=options.colours))
    return tally


def write_results(results: Iterable[CompiledWorkflow], format_: Format, *, to_stderr: bool = False) -> Tally:
    """Write every result as it comes and return the counts. `to_stderr`: where standard output carries a plan."""
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
    """Return the text before, between and after the results."""
    if format_ in (Format.JSON, Format.GITLAB):
        return "[\n", ",\n", "\n]\n"
    if format_ is Format.SARIF:
        from compiler.report.sarif import frame

        head, tail = frame(version("tempor8"))
        return head, ",\n", tail + "\n"
    return "", "\n", ""


def summary_line(tally: Tally, *, colours: bool) -> str:
    """Return the last line of the text format."""
    style = paint if colours else plain
    errors, warnings, infos = (tally.levels[each] for each in Severity)
    head = f"{tally.runnable} of {_count(tally.files, 'export')} runnable"
    parts = [style(head, "good" if tally.runnable == tally.files else "bold")]
    parts += [style(_count(errors, "error"), "error")] if errors else []
    parts += [style(_count(warnings, "warning"), "warning")] if warnings else []
    parts += [f"{_count(infos, 'note')} (-v)"] if infos else []
    return ", ".join(parts)


def has_failed(tally: Tally, on: FailOn) -> bool:
    """Return whether the exit code is 1."""
    errors, warnings = tally.levels[Severity.ERROR], tally.levels[Severity.WARNING]
    return on is not FailOn.NEVER and (errors > 0 or (on is FailOn.WARNING and warnings > 0))


def _put(text: str, stream: TextIO) -> None:
    stream.write(text.encode("utf-8", "replace").decode())  # a lone surrogate of a node's name has no UTF-8 form


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
