"""`tempor8 report`: what of a folder of exports runs, and what to build or replace first."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AllowUnsupported, Paths, verb

if TYPE_CHECKING:
    from cli.checking import Checked
    from compiler.report.coverage import Coverage

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
    from cli import wishes
    from cli.checking import check_files
    from compiler.report.html import page as html
    from compiler.report.summary import summary

    config, names = wishes.settings(paths)
    wish = wishes.quiet(wishes.wish_of(config, allow_unsupported=allow_unsupported))
    found = _coverage(wishes.progress(check_files(names, wish), len(names)))
    if format_ is Style.JSON:
        text = json.dumps(found.to_json(), ensure_ascii=False, indent=2)
    else:
        text = html(found) if format_ is Style.HTML else "\n".join(summary(found, wishes.painter(out)))
    if out is None:
        typer.echo(text)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8", errors="replace")


def page(path: Path, results: "Iterable[Checked]") -> None:
    """Write the page of `--report`."""
    from compiler.report.html import page as html

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(_coverage(results)) + "\n", encoding="utf-8", errors="replace")


def _coverage(results: "Iterable[Checked]") -> "Coverage":
    from compiler.report.coverage import Entry, coverage

    return coverage(Entry(each.file, each.name, each.runnable, each.verdicts, each.diagnostics) for each in results)
