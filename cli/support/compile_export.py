"""One export for verbs that look at it, whether it runs or not."""

from pathlib import Path

import typer

from cli.support.inputs import content
from compiler import Compilation, compile_export
from compiler.report.text import findings
from runtime.catalog import CATALOG
from schemas.diagnostic import Severity
from schemas.plan import Plan


def compiled(path: Path) -> Compilation:
    """The export, compiled leniently: nodes that cannot run are in the plan too.

    Exits with 2 when the file cannot be read or is no export.
    """
    try:
        source = content(str(path))
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(2) from error
    return compiled_source(source, str(path))


def compiled_source(source: bytes, name: str) -> Compilation:
    """The same for bytes that have been read."""
    made = compile_export(source, file="<stdin>" if name == "-" else name, catalog=CATALOG, lenient=True)
    if made.plan is None:
        errors = [each for each in made.diagnostics if each.level is Severity.ERROR]
        for line in findings(errors, made.lines):
            typer.echo(line, err=True)
        raise typer.Exit(2)
    return made


def plan_of(path: Path) -> Plan:
    """The lenient plan of an export. Exits with 2 when there is none."""
    plan = compiled(path).plan
    assert plan is not None
    return plan
