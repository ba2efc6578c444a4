"""`tempor8 graph`: an export as a picture."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.support.options import verb

app = verb()


class Style(StrEnum):
    """How to draw."""

    MERMAID = "mermaid"
    SVG = "svg"


@app.command()
def graph(
    path: Annotated[Path, typer.Argument(help="An export, or - for standard input.")],
    format_: Annotated[Style, typer.Option("--format", "-f", help="How to draw.")] = Style.MERMAID,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file instead of standard output.")] = None,
) -> None:
    """Draw an export as a Mermaid flowchart, or as SVG from its own positions; nodes that cannot run are marked."""
    from cli.support.compile_export import compile_to_plan

    plan = compile_to_plan(path)
    if format_ is Style.MERMAID:
        from compiler.report.mermaid import flowchart

        text = flowchart(plan)
    else:
        from compiler.report.svg import drawing

        text = drawing(plan)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        out.write_text(text, encoding="utf-8", errors="replace")
