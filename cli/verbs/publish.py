"""`tempor8 publish`: compile exports and publish them for a tenant."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from compiler import Compilation
    from service.template_records import Publication
    from service.templates import TemplateStore

app = verb()


@app.command()
def publish(
    paths: Annotated[list[Path], typer.Argument(help="Exports, or folders of them; a file's name becomes its key.")],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Whose they are; '*': every tenant may start them.")],
    allow_unsupported: Annotated[
        bool, typer.Option("--allow-unsupported", help="Steps that cannot run fail when they are reached.")
    ] = False,
    json: Json = False,
) -> None:
    """Publish exports: each becomes the current version of its template and listens at its webhooks.

    Exit code 0: all are published. 1: one does not compile or its webhook is taken; those before it stay published.
    2: files, or Postgres does not answer.
    """
    from cli.support.database import Change, on_database
    from compiler import compile_export
    from runtime.catalog import CATALOG
    from runtime.platform.postgres import SHARED, Database
    from service.templates import TemplateStore
    from service.tenants import TenantStore

    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]

    async def work(database: Database, tenants: TenantStore) -> bool:
        if tenant == SHARED:
            await tenants.create(SHARED, "Operator")
        store = TemplateStore(database)
        results = []
        for file in files:
            compiled = await asyncio.to_thread(
                compile_export, _read(file), file=str(file), catalog=CATALOG, allow_unsupported=allow_unsupported
            )
            results.append(await _publish(store, tenant, file, compiled, as_json=json))
        return all(results)

    change = Change(tenant, "template.publish", ", ".join(f"template/{file.stem}" for file in files))
    if not on_database(work, change):
        raise typer.Exit(1)


async def _publish(store: "TemplateStore", tenant: str, file: Path, compiled: "Compilation", *, as_json: bool) -> bool:
    from service.publishing import publish
    from service.template_records import WebhookConflict

    try:
        publication = await publish(store, tenant, file.stem, compiled)
    except WebhookConflict as error:
        typer.echo(f"{file}: {error}", err=True)
        return False
    if publication is None:
        for each in compiled.diagnostics:
            if each.level == "error":
                typer.echo(f"{file}:{each.at.line or 1}: {each.code} {each.message}", err=True)
        return False

    def line(each: "Publication") -> str:
        what = "published" if each.created else "unchanged"
        return f"{what} {each.key} version {each.version} ({each.plan_hash[:12]})"

    write_list([publication], line, partial(_members, file), as_json=as_json)
    return True


def _members(file: Path, each: "Publication") -> dict[str, object]:
    return {
        "file": str(file),
        "key": each.key,
        "version": each.version,
        "plan_hash": each.plan_hash,
        "created": each.created,
    }


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        typer.echo(f"{file}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
