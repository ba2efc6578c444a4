"""`tempor8 tenants`: tenants and their API keys."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

from cli.support.database import NO_TENANT, Change, Tenant, on_database
from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.platform.postgres import Database
    from service.api_keys import ApiKey, IssuedKey
    from service.tenants import TenantStore

app = verb()
T = TypeVar("T")
DELETION_POLL_SECONDS: Final = 1.0
"""Seconds between two looks at a deletion that goes on."""


@app.callback()
def tenants() -> None:
    """Create and delete tenants, issue, rotate and revoke API keys. A key is printed once and stored as a hash only.

    Exit code 0: done. 1: there is no such tenant or key. 2: usage, or Postgres does not answer.
    """


@app.command()
def create(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    key: Annotated[bool, typer.Option(help="Issue a first API key, which may do everything.")] = True,
    json: Json = False,
) -> None:
    """Create a tenant and print its first API key on standard output."""
    if not _run(lambda store: store.create(tenant, name), Change(tenant, "tenant.create", f"tenant/{tenant}")):
        typer.echo(f"tenant {tenant} exists already", err=True)
    if key:
        _show(_run(lambda store: store.issue_key(tenant, "first"), _issue(tenant)), as_json=json)


@app.command()
def key(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    days: Annotated[int | None, typer.Option(help="Days until it expires; never when not given.", min=1)] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do: read, run, publish or admin; once for each. All of them when not given."),
    ] = None,
    json: Json = False,
) -> None:
    """Issue an API key and print it on standard output."""
    from service.api_keys import KeyScope, scopes_of

    if unknown := sorted(set(scope or ()) - set(KeyScope)):
        typer.echo(f"no such scope: {', '.join(unknown)}. There are: {', '.join(KeyScope)}", err=True)
        raise typer.Exit(2)
    scopes = scopes_of(scope or list(KeyScope))

    async def work(store: "TenantStore") -> "IssuedKey":
        return await store.issue_key(tenant, name, scopes=scopes, lifetime=timedelta(days=days) if days else None)

    _show(_run(work, _issue(tenant)), as_json=json)


@app.command()
def keys(tenant: Tenant, json: Json = False) -> None:
    """List the keys of a tenant, without their secrets: id, when it was issued, state, last use, scopes, name."""

    async def work(store: "TenantStore") -> "list[ApiKey]":
        return await store.keys(tenant)

    def line(each: "ApiKey") -> str:
        state = "revoked" if each.revoked_at else f"expires {each.expires_at:%Y-%m-%d}" if each.expires_at else "valid"
        used = f"used {each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else "never used"
        scopes = ",".join(sorted(each.scopes))
        return f"{each.id}  {each.created_at:%Y-%m-%d %H:%M}  {state:18}  {used:21}  {scopes:22}  {each.name}"

    write_list(_run(work), line, asdict, as_json=json)


@app.command()
def rotate(
    tenant: Tenant,
    key_id: Annotated[str, typer.Argument(help="Id as `tempor8 tenants keys` shows it.")],
    overlap: Annotated[
        float, typer.Option("--overlap-hours", help="For how long the old key goes on to work.", min=0, max=720)
    ] = 24,
    json: Json = False,
) -> None:
    """Issue the key that takes the place of another, with the same name, scopes and lifetime, and print it."""
    from service.api_keys import KeyExpiredError, KeyReplacedError

    async def work(store: "TenantStore") -> "IssuedKey | None":
        return await store.rotate(tenant, key_id, timedelta(hours=overlap))

    try:
        issued = _run(work, Change(tenant, "key.rotate", f"key/{key_id}", lambda result: result is not None))
    except (KeyExpiredError, KeyReplacedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if issued is None:
        _refuse_key(tenant, key_id)
    _show(issued, as_json=json)


@app.command()
def revoke(
    tenant: Tenant, key_id: Annotated[str, typer.Argument(help="Id as `tempor8 tenants keys` shows it.")]
) -> None:
    """Revoke a key; it stops working within seconds."""

    async def work(store: "TenantStore") -> bool:
        return await store.revoke(tenant, key_id)

    if not _run(work, Change(tenant, "key.revoke", f"key/{key_id}")):
        _refuse_key(tenant, key_id)


@app.command("export")
def export_(
    tenant: Tenant,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """Write a tenant's data into a folder: workflows as n8n exports (all versions), runs with steps and results, variables, tables,
    names of credentials, and the audit log. Values are in clear there.

    Not in it: values of credentials, memories of chats and vectors, files of runs.
    """
    from cli.support.tenant_folder import write_tenant

    async def work(database: "Database", store: "TenantStore") -> "dict[str, int] | None":
        return await write_tenant(tenant, folder, database) if await store.get(tenant) else None

    try:
        counts = on_database(work, Change(tenant, "tenant.export", f"tenant/{tenant}", lambda done: done is not None))
    except FileExistsError:
        typer.echo(f"{folder} exists: an export is written into a new folder", err=True)
        raise typer.Exit(2) from None
    if counts is None:
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1)
    for path, number in sorted(counts.items()):
        if path.endswith(".jsonl"):
            typer.echo(f"{number:>8}  {folder / path}")
    typer.echo(f"{sum(path.endswith('.json') for path in counts):>8}  {folder / 'templates'}")


@app.command()
def delete(
    tenant: Tenant,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until everything is gone.")] = True,
) -> None:
    """Delete a tenant: templates, schedules, runs (open ones are terminated), payloads, credentials, tables, keys.

    Keys and webhooks stop working at once. The rest is removed by a running `tempor8 serve`, within minutes, also when it
    is stopped and started again; --no-wait leaves it to that.
    """
    if not yes and typer.prompt(f"Everything of {tenant} will be gone for good. Type its id to go on") != tenant:
        typer.echo("nothing was deleted", err=True)
        raise typer.Exit(1)

    async def request(database: "Database", _: "TenantStore") -> bool:
        from service.deletion_store import DeletionStore

        return await DeletionStore(database).request_tenant(tenant, "operator") is not None

    async def watch(database: "Database", _: "TenantStore") -> None:
        from service.deletion_store import DeletionStore

        store, shown = DeletionStore(database), ""
        while (deletion := await store.get(tenant)) is not None:
            state = f"{deletion.progress or 'requested'}{f' ({deletion.error})' if deletion.error else ''}"
            if state != shown:
                typer.echo(f"deleting: {state}", err=True)
            shown = state
            await asyncio.sleep(DELETION_POLL_SECONDS)

    if not on_database(request, Change(tenant, "tenant.delete", f"tenant/{tenant}")):
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1)
    if wait:
        on_database(watch)
    typer.echo(f"tenant {tenant} {'is deleted' if wait else 'is being deleted'}")


@app.command()
def allow(
    tenant: Tenant,
    hosts: Annotated[
        list[str] | None, typer.Argument(help="Hosts, host:port or networks (10.1.0.0/16); none closes them all again.")
    ] = None,
) -> None:
    """Open hosts or networks that are not on the public internet to the steps of a tenant, in place of those before."""

    async def work(store: "TenantStore") -> bool:
        return await store.allow_egress(tenant, hosts or [])

    try:
        allowed = _run(work, Change(tenant, "tenant.egress", f"tenant/{tenant}"))
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if not allowed:
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1)


def _run(work: "Callable[[TenantStore], Awaitable[T]]", change: Change | None = None) -> T:
    return on_database(lambda _, store: work(store), change)


def _issue(tenant: str) -> Change:
    def about(issued: "IssuedKey") -> str:
        return f"key/{issued.key.id}"

    return Change(tenant, "key.issue", about)


def _show(issued: "IssuedKey", *, as_json: bool) -> None:
    typer.echo("this key is shown once:", err=True)
    write_list(
        [issued], lambda each: each.secret, lambda each: asdict(each.key) | {"key": each.secret}, as_json=as_json
    )


def _refuse_key(tenant: str, key_id: str) -> NoReturn:
    typer.echo(f"tenant {tenant} has no valid key {key_id}", err=True)
    raise typer.Exit(1)
