"""Compiling many files: in parallel when there are many, one result after the other in the order of the files."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from cli.inputs import content
from compiler import Compilation, Verdict, compile_export
from compiler.report.text import findings, plain
from runtime.catalog import CATALOG
from schemas.diagnostic import Diagnostic, Location, Severity
from schemas.diagnostic.reading import Unreadable

PARALLEL_FROM: Final = 48
"""Files; below that, starting processes costs more than it gains."""
STYLES: Final = {"error": "31;1", "warning": "33;1", "info": "36", "dim": "2", "bold": "1", "good": "32"}


@dataclass(frozen=True)
class Wish:
    """How to compile and what to show."""

    allow_unsupported: bool = False
    timezone: str = "America/New_York"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    verbose: bool = False
    colours: bool = False
    text: bool = True
    plan: bool = False
    workflow: int | None = None


@dataclass(frozen=True)
class Checked:
    """One workflow of one file, ready to be written."""

    file: str
    name: str
    runnable: bool
    is_export: bool
    diagnostics: tuple[Diagnostic, ...]
    verdicts: tuple[Verdict, ...]
    lines: tuple[str, ...] = ()
    plan: str | None = None
    plan_id: str | None = None
    workflow: int = 0

    def count(self, level: Severity) -> int:
        """How many findings of a severity."""
        return sum(each.level is level for each in self.diagnostics)


def check_files(names: list[str], wish: Wish) -> Iterator[Checked]:
    """Results in the order of the files."""
    work = partial(_check, wish=wish)
    if len(names) < PARALLEL_FROM or (os.cpu_count() or 1) < 2:
        for name in names:
            yield from work(name)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
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
    compiled = partial(
        compile_export,
        source,
        file="<stdin>" if name == "-" else name,
        catalog=CATALOG,
        allow_unsupported=wish.allow_unsupported,
        timezone=wish.timezone,
        ignore=wish.ignore,
    )
    first = compiled(workflow=0)
    others = (compiled(workflow=index) for index in range(1, first.workflows))
    return [_checked(each, wish, index) for index, each in enumerate((first, *others))]


def _checked(made: Compilation, wish: Wish, index: int) -> Checked:
    shown = tuple(each for each in made.diagnostics if not wish.select or each.code.startswith(wish.select))
    printed = [each for each in shown if wish.verbose or each.level is not Severity.INFO]
    lines = tuple(findings(printed, made.text, paint if wish.colours else plain)) if wish.text else ()
    return Checked(
        file=made.file,
        name=made.export.name if made.export else "",
        runnable=made.runnable,
        is_export=made.export is not None,
        diagnostics=shown,
        verdicts=made.verdicts,
        lines=lines,
        plan=made.plan.canonical() if made.plan and wish.plan else None,
        plan_id=made.plan.id if made.plan and wish.plan else None,
        workflow=index,
    )


def paint(text: str, style: str) -> str:
    """Text with ANSI colours."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"
