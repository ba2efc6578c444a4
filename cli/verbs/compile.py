"""`tempor8 compile`: exports to plans, for CI and for deployment."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.options import AllowUnsupported, FailOns, Format, Formats, Ignore, Paths, Select, Verbose, verb

if TYPE_CHECKING:
    from cli.support.compile_files import CompiledWorkflow

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

    from cli.support.check_options import check_options, fail_level, load_inputs
    from cli.support.compile_files import compile_files, show_progress
    from cli.support.inputs import plan_files
    from cli.support.write_results import has_failed, summary_line, write_results
    from cli.verbs.report import write_page

    config, names = load_inputs(paths)
    options = check_options(config, names, format_, select, ignore, allow_unsupported, verbose)
    options = replace(options, plan=True, report=report is not None)
    single = out is None and len(names) == 1 and format_ is Format.TEXT
    written: list[CompiledWorkflow] = []
    results = show_progress(compile_files(names, options), len(names), text=format_ is Format.TEXT)
    results = _write_plans(results, written, out, plan_files(names))
    tally = write_results(results, format_, to_stderr=single)
    if report is not None:
        write_page(report, (each.entry for each in written if each.entry))
    if single and written[0].plan is not None:
        typer.echo(written[0].plan)
    if format_ is Format.TEXT:
        where = f", plans in {out}" if out and any(each.plan is not None for each in written) else ""
        typer.echo(summary_line(tally, colours=options.colours) + where, err=single)
    if has_failed(tally, fail_level(config, fail_on)):
        raise typer.Exit(1)


def _write_plans(
    results: "Iterable[CompiledWorkflow]", written: "list[CompiledWorkflow]", out: Path | None, targets: dict[str, str]
) -> "Iterator[CompiledWorkflow]":
    """Yield the same results; write their plans to files, and append to `written` what a report needs of each."""
    from dataclasses import replace

    for each in results:
        if out is not None and each.plan is not None:
            number = f"-{each.workflow}" if each.workflow else ""
            path = out / f"{targets[each.file]}{number}.plan.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((each.plan + "\n").encode("utf-8", "surrogatepass"))
        written.append(replace(each, text="", plan=each.plan and ("" if out else each.plan)))
        yield each
