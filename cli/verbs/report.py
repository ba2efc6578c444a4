"""`tempor8 report`: what of a folder of exports can run, and what to build or replace first."""

import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from cli.support.options import AllowUnsupported, Format, Paths, verb

if TYPE_CHECKING:
    from cli.support.compile_files import CompiledWorkflow
    from compiler.report.coverage import Coverage, ReportEntry

app = verb()


class Target(StrEnum):
    """A version of n8n whose changes are reported."""

    N8N_3 = "n8n-3"


class Style(StrEnum):
    """How to write the report."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


@app.command()
def report(
    paths: Paths,
    format_: Annotated[Style, typer.Option("--format", "-f", help="How to write the report.")] = Style.TEXT,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file instead of standard output.")] = None,
    allow_unsupported: AllowUnsupported = None,
    target: Annotated[
        Target | None, typer.Option(help="Say, too, what this version of n8n removes or changes, node by node.")
    ] = None,
) -> None:
    """Report what of a folder of exports can run, and what to build or replace first. Findings do not change the exit code."""
    from cli.support.check_options import check_options, load_inputs
    from cli.support.compile_files import compile_files, show_progress
    from compiler.report.coverage import Coverage

    config, names = load_inputs(paths)
    format_of_files = Format.JSON if format_ is Style.JSON else None
    options = replace(
        check_options(config, names, format_of_files, None, None, allow_unsupported), report=True, target=target
    )
    coverage, results = (
        Coverage(),
        show_progress(compile_files(names, options), len(names), text=format_ is not Style.JSON),
    )
    if format_ is Style.JSON:
        _json(coverage, results, out)
        return
    for each in results:
        _add(coverage, each)
    _write(_text(coverage, format_, out, target), out)


def write_page(path: Path, entries: "Iterable[ReportEntry]") -> None:
    """Write the page of `--report`."""
    from compiler.report.coverage import coverage
    from compiler.report.html import page as html

    _write(html(coverage(entries)), path)


def _text(coverage: "Coverage", format_: Style, out: Path | None, target: Target | None) -> str:
    from cli.support.check_options import terminal_paint
    from compiler.report.html import page as html
    from compiler.report.summary import changes, summary

    if format_ is Style.HTML:
        return html(coverage, target)
    paint = terminal_paint(out)
    lines = [*summary(coverage, paint), *(changes(coverage, target, paint) if target else ())]
    return "\n".join(lines)


def _add(coverage: "Coverage", each: "CompiledWorkflow") -> None:
    if each.entry is not None:
        coverage.add(each.entry)


def _json(coverage: "Coverage", results: "Iterable[CompiledWorkflow]", out: Path | None) -> None:
    """Write the figures, then the files: these come first in time, so they go through a temporary file."""
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as files:
        separator = ""
        for each in results:
            _add(coverage, replace(each, entry=each.entry and replace(each.entry, lines=())))
            files.write(separator + each.text)
            separator = ",\n"
        head = json.dumps(coverage.figures(), ensure_ascii=False, indent=2).removesuffix("\n}")
        files.seek(0)
        with _open(out) as stream:
            stream.write(head + ',\n  "files": [\n')
            shutil.copyfileobj(files, stream)
            stream.write("\n  ]\n}\n")


@contextmanager
def _open(out: Path | None) -> "Iterator[TextIO]":
    if out is None:
        yield sys.stdout
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", errors="replace") as stream:
        yield stream


def _write(text: str, out: Path | None) -> None:
    with _open(out) as stream:
        stream.write(text.encode("utf-8", "replace").decode() + "\n")
