"""`tempor8 diff`: how two exports differ in meaning."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.support.options import verb

app = verb()


class Style(StrEnum):
    """How to write the difference."""

    TEXT = "text"
    JSON = "json"


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="The export as it was, or - for standard input.")],
    after: Annotated[Path, typer.Argument(help="The export as it is.")],
    format_: Annotated[Style, typer.Option("--format", "-f")] = Style.TEXT,
) -> None:
    """Show how two exports differ in meaning: positions, ids and notes do not count.

    Exit code 0: they mean the same. 1: they differ. 2: a file cannot be read or is no export.
    """
    from cli.support.compile_export import compile_to_plan
    from compiler.report.difference import difference

    changes = difference(compile_to_plan(before), compile_to_plan(after))
    if format_ is Style.JSON:
        typer.echo(json.dumps(changes.to_json(), ensure_ascii=False, indent=2))
    else:
        for line in changes.lines():
            typer.echo(line)
    if changes:
        raise typer.Exit(1)
