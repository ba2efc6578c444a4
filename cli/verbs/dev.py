"""`tempor8 dev`: the whole service on this machine, until Ctrl-C."""

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import typer

from cli.support.options import verb
from cli.support.signals import stop_event

if TYPE_CHECKING:
    from cli.support.stack import Stack
    from compiler import Compilation
    from service.tenants import TenantStore

app = verb()

TENANT: Final = "dev"
KEY_FILE: Final = "dev-api-key"
"""In the state folder, beside what seals its data: the key of the last start, which scripts and browsers still have."""


@app.command()
def dev(
    exports: Annotated[Path, typer.Option("--exports", help="The folder whose exports are published.")] = Path(
        "n8n_exports"
    ),
    open_: Annotated[bool, typer.Option("--open", help="Open the console in a browser.")] = False,
) -> None:
    """Start Temporal, Postgres, worker, API and console; publish every export of the folder, again when a file changes.

    Exit code 2: something is in the way; the message says what.
    """
    from runtime.platform.embedded import EmbeddedError
    from runtime.platform.settings import Settings, SettingsError

    try:
        asyncio.run(_dev(Settings.load(), exports, open_=open_))
    except (SettingsError, EmbeddedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


async def _dev(settings: object, exports: Path, *, open_: bool) -> None:
    from cli.support.stack import stack

    stop = stop_event()
    async with stack(settings) as up:  # type: ignore[arg-type]
        stopped, answering = asyncio.create_task(stop.wait()), asyncio.create_task(up.answers())
        await asyncio.wait({stopped, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not stopped.done() and not answering.result():
            typer.echo(f"the API does not answer; {up.profile.folder}/logs says why", err=True)
        answering.cancel()
        await up.tenants.create(TENANT, "Development")
        key = await api_key(up.tenants, up.profile.folder / KEY_FILE)
        typer.echo(f"API       {up.url}  (tenant {TENANT}, key {key})")
        typer.echo(f"Console   {up.url}/console  (sign in with this key)")
        typer.echo(f"Temporal  {up.profile.addresses.temporal_ui_url}")
        typer.echo(f"State     {up.profile.folder} (logs in logs/). Ctrl-C stops everything.")
        if open_:
            await asyncio.to_thread(typer.launch, f"{up.url}/console")
        watching = asyncio.create_task(_publish_changes(up, exports))
        keeping = asyncio.create_task(up.profile.supervise(partial(typer.echo, err=True)))
        await asyncio.wait({keeping, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, stopped, keeping):
            task.cancel()
        typer.echo("stopping")
    with contextlib.suppress(asyncio.CancelledError):
        await keeping  # raises what ended it, if it was not we


async def api_key(tenants: "TenantStore", file: Path) -> str:
    """Return the key that an earlier start has written to `file`, or write and return a new one when that is not valid."""
    with contextlib.suppress(OSError, ValueError):
        key = file.read_text(encoding="ascii").strip()
        if await tenants.verify(key) is not None:
            return key
    key = await tenants.issue(TENANT, "dev")
    file.touch(mode=0o600)
    file.write_text(key, encoding="ascii")
    return key


def describe_findings(compilation: "Compilation") -> str:
    """Return errors and warnings, each with its node, what to do, and the page about its code."""
    from compiler.report.text import findings
    from schemas.diagnostic import Severity

    return "\n".join(
        line
        for each in compilation.diagnostics
        if each.level is not Severity.INFO
        for line in (*findings([each], compilation.lines), f"     = {each.url}")
    )


async def _publish_changes(up: "Stack", folder: Path) -> None:
    """Publish what is new or changed in the folder, twice a second; print findings instead where it does not compile."""
    from cli.support.publish_file import publish_file
    from compiler import compile_export
    from runtime.catalog import CATALOG
    from runtime.platform.postgres import DatabaseUnavailable
    from service.template_records import WebhookConflict

    known: dict[Path, int] = {}
    while True:
        for path in sorted(folder.glob("*.json")):
            changed = path.stat().st_mtime_ns
            if known.get(path) == changed:
                continue
            known[path] = changed
            compilation = await asyncio.to_thread(compile_export, path.read_bytes(), file=str(path), catalog=CATALOG)
            try:
                published = await publish_file(up.templates, TENANT, path, compilation)
            except (WebhookConflict, DatabaseUnavailable) as error:
                typer.echo(f"{path}: not published: {error}", err=True)
                continue
            if published is None:
                typer.echo(describe_findings(compilation), err=True)
                typer.echo(f"{path}: not published", err=True)
            elif (version := published.publication) is not None:
                typer.echo(f"published {version.key} version {version.version} ({version.plan_hash[:12]})")
                if found := describe_findings(compilation):
                    typer.echo(found, err=True)
                typer.echo(f"  {up.url}/console/templates/{quote(version.key)}")
                if published.idle:
                    typer.echo(
                        "  it is not active, so it does not start by itself until somebody activates it: on that page, or"
                        f" tempor8 templates activate {version.key} --url {up.url} --key KEY"
                    )
        await asyncio.sleep(0.5)
