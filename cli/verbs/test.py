"""`tempor8 test`: run recorded cases offline and report what differs."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.support.json_text import json_text, printable
from cli.support.options import verb

app = verb()


class Host(StrEnum):
    """Where cases run."""

    LOCAL = "local"
    TEMPORAL = "temporal"


class TestFormat(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


@app.command()
def test(
    paths: Annotated[list[Path] | None, typer.Argument(help="Case files, or folders of them.")] = None,
    host: Annotated[Host, typer.Option("--host", help="In this process, or on the embedded Temporal.")] = Host.LOCAL,
    out: Annotated[Path | None, typer.Option("--out", help="Write one file per case with what happened.")] = None,
    format_: Annotated[TestFormat, typer.Option("--format", "-f")] = TestFormat.TEXT,
    update: Annotated[
        bool, typer.Option("--update", help="Write what happened into the cases that have no expectation.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="With --update: replace what cases expect by what happened.")
    ] = False,
    record: Annotated[
        str | None,
        typer.Option("--record", help="Print a case made of a run (its id), or of an export's pinned data (its file)."),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that one case may take.")] = 60.0,
) -> None:
    """Run cases (workflow, pinned data, input -> expected status, order, outputs) and report what differs, node by node.

    Exit code 0: all passed. 1: some differ. 2: no case, or a file that cannot be read.
    """
    if record is not None:
        _record(record)
        return
    if not paths:
        raise typer.BadParameter("name case files or folders, or --record")
    if accept and not update:
        raise typer.BadParameter("--accept says what --update may do; give both")
    from cli.support.inputs import files
    from cli.support.progress import progress_bar
    from cli.testing.suite import case_files, run_locally, run_on_temporal

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    cases = case_files(files(paths), out, update=update, accept=accept, seconds=timeout)
    shown = host is Host.LOCAL and format_ is TestFormat.TEXT
    with progress_bar(len(cases), "cases", shown=shown) as advance:
        results = run_on_temporal(cases) if host is Host.TEMPORAL else run_locally(cases, advance)
    _write_results(results, format_)
    if not results or any(each.broken for each in results):
        raise typer.Exit(2)
    if not all(each.passed for each in results):
        raise typer.Exit(1)


def _record(what: str) -> None:
    """Print a case. The embedded servers are used where no database is set, as `tempor8 worker` does."""
    import asyncio

    from cli.testing.recording import CannotRecordError, from_export, from_run
    from runtime.platform.embedded import attached, running
    from runtime.platform.postgres import DatabaseUnavailable
    from runtime.platform.settings import Settings, SettingsError
    from runtime.platform.temporal import TemporalUnavailable

    lost: list[str] = []
    try:
        if Path(what).is_file():
            case = asyncio.run(from_export(Path(what)))
        else:
            settings = Settings.load()
            if settings.database_url is None and (addresses := running(settings.state_folder.resolve())) is not None:
                settings = attached(settings, addresses)
            case, lost = asyncio.run(from_run(settings, what))
    except (CannotRecordError, SettingsError, DatabaseUnavailable, TemporalUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if lost:
        typer.echo(f"pinned data cannot reproduce every run of: {', '.join(lost)}", err=True)
    typer.echo(json_text(case, indent=2))


HEADINGS: Final = {
    "new": "NEW {name}: this is what it expects now",
    "changed": "CHANGED {name}: what it expected was replaced",
    "refused": "UNCHANGED {name}: it expects something else; --accept replaces that by what happened",
}


def _as_json(results: list[Any]) -> dict[str, Any]:
    """Return {"cases", "passed", "failed"}, and "expectations" where cases were updated, "warnings" where there are some."""
    failed = [each for each in results if not each.passed]
    updated = [each for each in results if each.expectation is not None]
    document: dict[str, Any] = {
        "cases": len(results),
        "passed": sum(each.passed for each in results),
        "failed": [{"case": each.name, "differs": list(each.differences or each.expectation.lines)} for each in failed],
    }
    if updated:
        document["expectations"] = [
            {"case": each.name, "state": each.expectation.state, "lines": list(each.expectation.lines)}
            for each in updated
        ]
    if warnings := [line for each in results for line in each.warnings]:
        document["warnings"] = warnings
    return document


def _write_results(results: list[Any], format_: TestFormat) -> None:
    passed = sum(each.passed for each in results)
    for warning in (line for each in results for line in each.warnings):
        typer.echo(f"warning: {warning}", err=True)
    if format_ is TestFormat.JSON:
        typer.echo(json.dumps(_as_json(results), indent=1))
        return
    for each in results:
        if each.expectation is not None:
            typer.echo(f"{HEADINGS[each.expectation.state].format(name=each.name)}")
        elif not each.passed:
            typer.echo(f"FAIL {each.name}")
        for line in each.expectation.lines if each.expectation is not None else each.differences:
            typer.echo(f"  {printable(line)}")
    typer.echo(f"{passed} of {len(results)} cases passed")
