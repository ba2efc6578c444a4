"""Options that several verbs share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


def verb() -> typer.Typer:
    """Return the app of a verb, with the settings that all verbs share."""
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """The format of findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"


class FailOn(StrEnum):
    """The severity from which on the exit code is 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


Paths: TypeAlias = Annotated[
    list[Path], typer.Argument(help="Files, folders (every *.json below), or - for standard input.", show_default=False)
]
Formats: TypeAlias = Annotated[Format, typer.Option("--format", "-f", help="How to write the findings.")]
Select: TypeAlias = Annotated[
    list[str] | None, typer.Option("--select", help="Only codes that start with this (N8T3); may be repeated.")
]
Ignore: TypeAlias = Annotated[
    list[str] | None, typer.Option("--ignore", help="No codes that start with this; may be repeated.")
]
FailOns: TypeAlias = Annotated[FailOn | None, typer.Option("--fail-on", help="From which severity on to exit with 1.")]
AllowUnsupported: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--allow-unsupported/--no-allow-unsupported",
        help="Compile unsupported nodes as steps that raise when they are reached.",
        show_default=False,
    ),
]
Verbose: TypeAlias = Annotated[bool, typer.Option("--verbose", "-v", help="Show findings of level info too.")]
Watch: TypeAlias = Annotated[bool, typer.Option("--watch", "-w", help="Check again whenever a file changes.")]
