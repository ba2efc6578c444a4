"""Compiling many files: in parallel when there are many, one result after the other in the order of the files.

The text about a file is rendered in the process that compiled it, so that the process that writes holds text and counts only.
"""

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from cli.support.check_options import CheckOptions
from cli.support.formats import render_findings
from cli.support.inputs import STDIN, content
from cli.support.progress import progress_bar
from compiler import Compilation, compile_exports
from runtime.catalog import CATALOG
from schemas.diagnostic import Location, Severity
from schemas.diagnostic.reading import Unreadable

if TYPE_CHECKING:
    from compiler.report.coverage import ReportEntry

__all__ = ["CompiledWorkflow", "Tally", "compile_files", "show_progress"]

PARALLEL_FROM_FILES: Final = 48
"""With fewer files, starting processes takes longer than it saves."""


@dataclass(frozen=True)
class CompiledWorkflow:
    """One workflow of one file: its counts, and the text about it."""

    file: str
    workflow: int
    runnable: bool
    levels: dict[Severity, int]
    text: str = ""
    """In the format of the options; without a line break at the end."""
    plan: str | None = None
    entry: "ReportEntry | None" = None


@dataclass
class Tally:
    """Counts of the results so far."""

    files: int = 0
    runnable: int = 0
    levels: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))

    def add(self, each: CompiledWorkflow) -> None:
        """Count one result."""
        self.files += 1
        self.runnable += each.runnable
        for level, count in each.levels.items():
            self.levels[level] += count


def compile_files(names: list[str], options: CheckOptions) -> Iterator[CompiledWorkflow]:
    """Yield the results in the order of the files. A file that cannot be read is a result with a diagnostic."""
    work = partial(_compile_file, options=options)
    if len(names) < PARALLEL_FROM_FILES or (os.cpu_count() or 1) < 2:
        for name in names:
            yield from work(name)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    CATALOG.load()  # once, instead of once per process
    gc.freeze()  # what is loaded already is shared with the children instead of copied
    gc.set_threshold(100_000, 20, 20)  # a compilation makes many small objects and few circles
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 8), mp_context=context) as pool:
        for each in pool.map(work, names, chunksize=8):
            yield from each


def show_progress(results: Iterable[CompiledWorkflow], total: int, *, text: bool) -> Iterator[CompiledWorkflow]:
    """Yield the same results, with a progress bar where they are a text that goes elsewhere than to the terminal."""
    with progress_bar(total, "exports", shown=text and not sys.stdout.isatty()) as advance:
        for each in results:
            yield each
            if each.workflow == 0:
                advance()


def _compile_file(name: str, options: CheckOptions) -> list[CompiledWorkflow]:
    try:
        source = content(name)
    except OSError as error:
        at = Location(file=name)
        unreadable = Unreadable(at=at, reason=error.strerror or str(error))
        return [_result(Compilation(None, (unreadable,), (), name), options, 0)]
    compilations = compile_exports(
        source,
        file="<stdin>" if name == STDIN else name,
        catalog=CATALOG,
        allow_unsupported=options.allow_unsupported,
        timezone=options.timezone,
        ignore=options.ignore,
        known=options.known,
        target=options.target,
    )
    return [_result(each, options, index) for index, each in enumerate(compilations)]


def _result(compilation: Compilation, options: CheckOptions, index: int) -> CompiledWorkflow:
    selected = [each for each in compilation.diagnostics if not options.select or each.code.startswith(options.select)]
    levels = {level: sum(each.level is level for each in selected) for level in Severity}
    text = (
        render_findings(compilation, selected, options.format, verbose=options.verbose, colours=options.colours)
        if options.format
        else ""
    )
    plan = compilation.plan.canonical() if compilation.plan and options.plan else None
    return CompiledWorkflow(
        compilation.file,
        index,
        compilation.runnable,
        levels,
        text,
        plan,
        _entry(compilation) if options.report else None,
    )


def _entry(compilation: Compilation) -> "ReportEntry":
    from compiler.report.coverage import report_entry

    return report_entry(compilation)
