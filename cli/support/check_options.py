"""Command line and `tempor8.toml` together: options win, lists add up."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from cli.support.compile_files import Checked, Tally, Wish, check_files
from cli.support.config import Config, load
from cli.support.formats import paint
from cli.support.inputs import files, known_workflows, nothing_in
from cli.support.options import FailOn, Format
from cli.support.write_results import sentence, write
from compiler.report.text import Paint, plain


def wish_of(
    config: Config,
    names: list[str],
    format_: Format | None = Format.TEXT,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    allow_unsupported: bool | None = None,
    verbose: bool = False,
) -> Wish:
    """How to compile these files and what to show. Several files are one another's sub-workflows."""
    return Wish(
        allow_unsupported=config.allow_unsupported if allow_unsupported is None else allow_unsupported,
        timezone=config.timezone,
        select=tuple(_codes(select or config.select)),
        ignore=tuple(_codes([*config.ignore, *(ignore or ())])),
        known=known_workflows(names) if len(names) > 1 else None,
        verbose=verbose,
        colours=format_ is Format.TEXT and sys.stdout.isatty() and not _no_color(),
        format=format_,
    )


def painter(out: Path | None) -> Paint:
    """Colours when the text goes to a terminal."""
    return paint if out is None and sys.stdout.isatty() and not _no_color() else plain


def run(names: list[str], wish: Wish, format_: Format) -> Tally:
    """Check and write; the summary of the text format goes last."""
    tally = write(progress(check_files(names, wish), len(names)), format_)
    if format_ is Format.TEXT:
        typer.echo(sentence(tally, colours=wish.colours))
    return tally


def progress(results: Iterable[Checked], total: int) -> Iterable[Checked]:
    """The same results, with a bar on standard error when somebody is watching several files."""
    if total < 20 or not sys.stderr.isatty() or sys.stdout.isatty():
        return results
    return _bar(results, total)


def _bar(results: Iterable[Checked], total: int) -> Iterator[Checked]:
    with typer.progressbar(length=total, label="exports", file=sys.stderr) as bar:
        for each in results:
            yield each
            if each.workflow == 0:
                bar.update(1)


def settings(paths: list[Path]) -> tuple[Config, list[str]]:
    """The configuration, and the files that the paths mean.

    Raises typer.BadParameter (exit code 2) when they mean none: no file is no success.
    """
    config = load()
    names = files(paths, config.exclude)
    if not names:
        raise typer.BadParameter(nothing_in(paths, config.exclude))
    return config, names


def limit(config: Config, fail_on: FailOn | None) -> FailOn:
    """From which severity on the exit code is 1."""
    return fail_on or FailOn(config.fail_on)


def _codes(given: Iterable[str]) -> list[str]:
    return [code.strip().upper() for each in given for code in each.split(",") if code.strip()]


def _no_color() -> bool:
    return bool(os.environ.get("NO_COLOR"))
