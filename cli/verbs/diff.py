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
    """Say how two exports differ in meaning: positions, ids and notes do not count.

    Exit code 0: they mean the same. 1: they differ. 2: a file cannot be read or is no export.
    """
    from cli.support.compile_export import plan_of
    from compiler.report.difference import difference

    found = difference(plan_of(before), plan_of(after))
    if format_ is Style.JSON:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        for line in found.lines():
            typer.echo(line)
    if found:
        raise typer.Exit(1)
