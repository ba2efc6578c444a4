"""`tempor8 fmt`: exports in one canonical form."""

from pathlib import Path
from typing import Annotated

import typer

from cli.support.options import Paths, verb

app = verb()


@app.command()
def fmt(
    paths: Paths,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 when a file would change.")
    ] = False,
) -> None:
    """Write exports in one canonical form, for review in git: in place, or to standard output for -.

    Exit code 0: done. 1: --check places something to change. 2: a file cannot be read or is no export.
    """
    from cli.support.inputs import STDIN, content, files

    changed = 0
    for name in files(paths):
        before = content(name)
        after = _formatted(name, before)
        if name == STDIN:
            typer.echo(after, nl=False)
        elif after.encode("utf-8", "surrogatepass") != before:
            changed += 1
            typer.echo(f"{'would change' if check else 'changed'} {name}", err=True)
            if not check:
                Path(name).write_bytes(after.encode("utf-8", "surrogatepass"))
    if check and changed:
        raise typer.Exit(1)


def _formatted(name: str, source: bytes) -> str:
    """Return the canonical text. A wrapper around the workflow is removed; several workflows in one file are refused."""
    import json

    from cli.support.compile_export import compile_bytes
    from compiler.source.canonical import canonical
    from compiler.source.wrappers import find_workflows, value_at

    text = compile_bytes(source, name).text
    document = json.loads(text)
    places = find_workflows(document)
    if len(places) > 1:
        typer.echo(f"{name}: {len(places)} workflows in one file; keep one per file to format them", err=True)
        raise typer.Exit(2)
    return canonical(value_at(document, places[0]))
