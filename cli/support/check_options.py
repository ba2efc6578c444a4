"""Options of the verbs that compile files: the command line and `tempor8.toml` together. Options win, lists add up."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import typer

from cli.support.config import Config, load
from cli.support.formats import paint
from cli.support.inputs import files, known_workflows, nothing_in
from cli.support.options import FailOn, Format
from compiler.report.text import Paint, plain

__all__ = ["CheckOptions", "check_options", "fail_level", "load_inputs", "terminal_paint"]


@dataclass(frozen=True)
class CheckOptions:
    """How to compile files, and what to write about each."""

    allow_unsupported: bool = False
    timezone: str = "America/New_York"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    known: frozenset[str] | None = None
    """Ids and names of the workflows that can be called; None: unknown, so calls are not checked."""
    format: Format | None = Format.TEXT
    """None: nothing is written about single files."""
    verbose: bool = False
    colours: bool = False
    plan: bool = False
    """Whether results carry their plan."""
    report: bool = False
    """Whether results carry their entry of the report."""
    target: str | None = None
    """The version of n8n whose changes are reported, too."""


def check_options(
    config: Config,
    names: list[str],
    format_: Format | None = Format.TEXT,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    allow_unsupported: bool | None = None,
    verbose: bool = False,
) -> CheckOptions:
    """Return the options for these files. Several files are one another's sub-workflows."""
    return CheckOptions(
        allow_unsupported=config.allow_unsupported if allow_unsupported is None else allow_unsupported,
        timezone=config.timezone,
        select=tuple(_codes(select or config.select)),
        ignore=tuple(_codes([*config.ignore, *(ignore or ())])),
        known=known_workflows(names) if len(names) > 1 else None,
        verbose=verbose,
        colours=format_ is Format.TEXT and sys.stdout.isatty() and not _no_color(),
        format=format_,
    )


def load_inputs(paths: list[Path]) -> tuple[Config, list[str]]:
    """Return the configuration, and the files below `paths`.

    Raises:
        typer.BadParameter: (exit code 2) there is no file below them.
    """
    config = load()
    names = files(paths, config.exclude)
    if not names:
        raise typer.BadParameter(nothing_in(paths, config.exclude))
    return config, names


def fail_level(config: Config, fail_on: FailOn | None) -> FailOn:
    """Return the severity from which on the exit code is 1."""
    return fail_on or FailOn(config.fail_on)


def terminal_paint(out: Path | None) -> Paint:
    """Return the painter of a text: with colours when it goes to a terminal."""
    return paint if out is None and sys.stdout.isatty() and not _no_color() else plain


def _codes(values: Iterable[str]) -> list[str]:
    return [code.strip().upper() for each in values for code in each.split(",") if code.strip()]


def _no_color() -> bool:
    return bool(os.environ.get("NO_COLOR"))
