"""`tempor8 rules`: every diagnostic code."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from cli.support.options import verb

app = verb()


class Style(StrEnum):
    """How to write the list."""

    TEXT = "text"
    JSON = "json"


@app.command()
def rules(format_: Annotated[Style, typer.Option("--format", "-f")] = Style.TEXT) -> None:
    """List every diagnostic code with its severity and what it says."""
    from compiler.report.pages import rules as listed

    if format_ is Style.JSON:
        data = [
            {"code": each.code, "name": each.__name__, "severity": each.severity.value, "text": each.text}
            for each in listed()
        ]
        typer.echo(json.dumps(data, indent=2))
        return
    for each in listed():
        typer.echo(f"{each.code}  {each.severity.value:<7}  {each.__name__:<26}  {each.text}")
