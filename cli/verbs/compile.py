"""`tempor8 compile`: exports to plans, for CI and for deployment."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.options import AllowUnsupported, FailOns, Format, Formats, Ignore, Paths, Select, Verbose, verb

if TYPE_CHECKING:
    from cli.support.compile_files import Checked

app = verb()


@app.command("compile")
def compile_(
    paths: Paths,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder for the plans.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with the verdicts of all exports.")] = None,
    format_: Formats = Format.TEXT,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOns = None,
    allow_unsupported: AllowUnsupported = None,
    verbose: Verbose = False,
) -> None:
    """Compile exports into plans: one `<name>.plan.json` per export below --out.

    Without --out a single plan goes to standard output. Exit code 0: all compiled. 1: findings. 2: usage, input, output.
    """
    from dataclasses import replace

    from cli.support import check_options as wishes
    from cli.support.compile_files import check_files
    from cli.support.inputs import plan_files
    from cli.support.write_results import fails, sentence, write
    from cli.verbs.report import page

    config, names = wishes.settings(paths)
    wish = wishes.wish_of(config, names, format_, select, ignore, allow_unsupported, verbose)
    wish = replace(wish, plan=True, report=report is not None)
    single = out is None and len(names) == 1 and format_ is Format.TEXT
    kept: list[Checked] = []
    results = _kept(wishes.progress(check_files(names, wish), len(names)), kept, out, plan_files(names))
    tally = write(results, format_, to_stderr=single)
    if report is not None:
        page(report, (each.entry for each in kept if each.entry))
    if single and kept[0].plan is not None:
        typer.echo(kept[0].plan)
    if format_ is Format.TEXT:
        where = f", plans in {out}" if out and any(each.plan is not None for each in kept) else ""
        typer.echo(sentence(tally, colours=wish.colours) + where, err=single)
    if fails(tally, wishes.limit(config, fail_on)):
        raise typer.Exit(1)


def _kept(
    results: "Iterable[Checked]", kept: "list[Checked]", out: Path | None, targets: dict[str, str]
) -> "Iterator[Checked]":
    """The same results; their plans go to files on the way, and what a report needs is kept."""
    from dataclasses import replace

    for each in results:
        if out is not None and each.plan is not None:
            number = f"-{each.workflow}" if each.workflow else ""
            path = out / f"{targets[each.file]}{number}.plan.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((each.plan + "\n").encode("utf-8", "surrogatepass"))
        kept.append(replace(each, text="", plan=each.plan and ("" if out else each.plan)))
        yield each
