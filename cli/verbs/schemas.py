"""`tempor8 schemas`: JSON Schemas of exports, plans, findings and node parameters, for editors and other tools."""

from pathlib import Path
from typing import Annotated

import typer

from cli.support.options import verb

app = verb()


@app.command()
def schemas(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the schemas.")] = Path("schemas/generated"),
) -> None:
    """Write JSON Schemas of exports, plans, findings and the parameters of every node type."""
    from compiler.report.schemas import files
    from runtime.catalog import CATALOG

    texts = files(CATALOG)
    for name, text in texts.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in (out / "nodes").glob("*.schema.json"):
        if f"nodes/{path.name}" not in texts:
            path.unlink()
    typer.echo(f"{len(texts)} schemas in {out}", err=True)
