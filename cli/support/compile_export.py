"""Compile one export for verbs that show it, whether it can run or not."""

from pathlib import Path

import typer

from cli.support.inputs import content
from compiler import Compilation, compile_export
from compiler.report.text import findings
from runtime.catalog import CATALOG
from schemas.diagnostic import Severity
from schemas.plan import Plan


def compile_file(path: Path) -> Compilation:
    """Compile an export leniently: nodes that cannot run are in the plan too.

    Raises:
        typer.Exit: code 2, the file cannot be read or is no export; the reason is on standard error.
    """
    try:
        source = content(str(path))
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(2) from error
    return compile_bytes(source, str(path))


def compile_bytes(source: bytes, name: str) -> Compilation:
    """Compile the bytes of an export: see `compile_file`. `name` is the file's."""
    compilation = compile_export(source, file="<stdin>" if name == "-" else name, catalog=CATALOG, lenient=True)
    if compilation.plan is None:
        errors = [each for each in compilation.diagnostics if each.level is Severity.ERROR]
        for line in findings(errors, compilation.lines):
            typer.echo(line, err=True)
        raise typer.Exit(2)
    return compilation


def compile_to_plan(path: Path) -> Plan:
    """Return the lenient plan of an export: see `compile_file`."""
    plan = compile_file(path).plan
    assert plan is not None
    return plan
