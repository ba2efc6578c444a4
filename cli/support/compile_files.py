"""Compiling many files: in parallel when there are many, one result after the other in the order of the files.

What is written about a file is made where it was compiled, so that the process that writes holds text and counts only.
"""

import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from cli.support.formats import rendered
from cli.support.inputs import STDIN, content
from cli.support.options import Format
from compiler import Compilation, compile_exports
from runtime.catalog import CATALOG
from schemas.diagnostic import Location, Severity
from schemas.diagnostic.reading import Unreadable

if TYPE_CHECKING:
    from compiler.report.coverage import ReportEntry

PARALLEL_FROM: Final = 48
"""Files; below that, starting processes costs more than it gains."""


@dataclass(frozen=True)
class Wish:
    """How to compile and what to show."""

    allow_unsupported: bool = False
    timezone: str = "America/New_York"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    known: frozenset[str] | None = None
    """Ids and names of the workflows that can be called."""
    format: Format | None = Format.TEXT
    """None: nothing is to be written about single files."""
    verbose: bool = False
    colours: bool = False
    plan: bool = False
    report: bool = False
    """Whether an entry for the report is wanted."""


@dataclass(frozen=True)
class Checked:
    """One workflow of one file: its counts, and what is to be written about it."""

    file: str
    workflow: int
    runnable: bool
    levels: dict[Severity, int]
    text: str = ""
    """In the format asked for; without a line break at the end."""
    plan: str | None = None
    entry: "ReportEntry | None" = None


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
        for level, count in each.levels.items():
            self.levels[level] += count


def check_files(names: list[str], wish: Wish) -> Iterator[Checked]:
    """Results in the order of the files."""
    work = partial(_check, wish=wish)
    if len(names) < PARALLEL_FROM or (os.cpu_count() or 1) < 2:
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


def _check(name: str, wish: Wish) -> list[Checked]:
    try:
        source = content(name)
    except OSError as error:
        at = Location(file=name)
        broken = Unreadable(at=at, reason=error.strerror or str(error))
        return [_checked(Compilation(None, (broken,), (), name), wish, 0)]
    compiled = compile_exports(
        source,
        file="<stdin>" if name == STDIN else name,
        catalog=CATALOG,
        allow_unsupported=wish.allow_unsupported,
        timezone=wish.timezone,
        ignore=wish.ignore,
        known=wish.known,
    )
    return [_checked(each, wish, index) for index, each in enumerate(compiled)]


def _checked(made: Compilation, wish: Wish, index: int) -> Checked:
    shown = [each for each in made.diagnostics if not wish.select or each.code.startswith(wish.select)]
    levels = {level: sum(each.level is level for each in shown) for level in Severity}
    text = rendered(made, shown, wish.format, verbose=wish.verbose, colours=wish.colours) if wish.format else ""
    plan = made.plan.canonical() if made.plan and wish.plan else None
    return Checked(made.file, index, made.runnable, levels, text, plan, _entry(made) if wish.report else None)


def _entry(made: Compilation) -> "ReportEntry":
    from compiler.report.coverage import report_entry

    return report_entry(made)
