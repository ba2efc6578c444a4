"""`tempor8 report`: what of a folder of exports runs, and what to build or replace first."""

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
    from cli.support.compile_files import Checked
    from compiler.report.coverage import Coverage, ReportEntry

app = verb()


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
) -> None:
    """Say what of a folder of exports runs, and what to build or replace first. Findings do not change the exit code."""
    from cli.support import check_options as wishes
    from cli.support.compile_files import check_files
    from compiler.report.coverage import Coverage

    config, names = wishes.settings(paths)
    format_of_files = Format.JSON if format_ is Style.JSON else None
    wish = replace(wishes.wish_of(config, names, format_of_files, None, None, allow_unsupported), report=True)
    found, results = Coverage(), wishes.progress(check_files(names, wish), len(names))
    if format_ is Style.JSON:
        _json(found, results, out)
        return
    for each in results:
        _add(found, each)
    _write(_text(found, format_, out), out)


def page(path: Path, entries: "Iterable[ReportEntry]") -> None:
    """Write the page of `--report`."""
    from compiler.report.coverage import coverage
    from compiler.report.html import page as html

    _write(html(coverage(entries)), path)


def _text(found: "Coverage", format_: Style, out: Path | None) -> str:
    from cli.support import check_options as wishes
    from compiler.report.html import page as html
    from compiler.report.summary import summary

    return html(found) if format_ is Style.HTML else "\n".join(summary(found, wishes.painter(out)))


def _add(found: "Coverage", each: "Checked") -> None:
    if each.entry is not None:
        found.add(each.entry)


def _json(found: "Coverage", results: "Iterable[Checked]", out: Path | None) -> None:
    """The figures come first in the document and last in time: the files wait in a temporary file."""
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as files:
        separator = ""
        for each in results:
            _add(found, replace(each, entry=each.entry and replace(each.entry, lines=())))
            files.write(separator + each.text)
            separator = ",\n"
        head = json.dumps(found.figures(), ensure_ascii=False, indent=2).removesuffix("\n}")
        files.seek(0)
        with _opened(out) as stream:
            stream.write(head + ',\n  "files": [\n')
            shutil.copyfileobj(files, stream)
            stream.write("\n  ]\n}\n")


@contextmanager
def _opened(out: Path | None) -> "Iterator[TextIO]":
    if out is None:
        yield sys.stdout
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", errors="replace") as stream:
        yield stream


def _write(text: str, out: Path | None) -> None:
    with _opened(out) as stream:
        stream.write(text.encode("utf-8", "replace").decode() + "\n")
