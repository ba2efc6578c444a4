"""`tempor8 tenants`: tenants and their API keys."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.support.database import NO_TENANT, Tenant, on_database
from cli.support.options import verb

if TYPE_CHECKING:
    from service.tenants import ApiKey, TenantStore

app = verb()
T = TypeVar("T")


@app.callback()
def tenants() -> None:
    """Create tenants and API keys. A key is printed once and stored as a hash only.

    Exit code 0: done. 1: there is no such tenant or key. 2: usage, or Postgres does not answer.
    """


@app.command()
def create(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    key: Annotated[bool, typer.Option(help="Issue a first API key.")] = True,
) -> None:
    """Create a tenant and print its first API key on standard output."""

    async def work(store: "TenantStore") -> str:
        if not await store.create(tenant, name):
            typer.echo(f"tenant {tenant} exists already", err=True)
        return await store.issue(tenant, "first") if key else ""

    new_key = _run(work)
    if new_key:
        typer.echo("this key is shown once:", err=True)
        typer.echo(new_key)


@app.command()
def key(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    days: Annotated[int | None, typer.Option(help="Days until it expires; never when not given.", min=1)] = None,
) -> None:
    """Issue an API key and print it on standard output."""

    async def work(store: "TenantStore") -> str:
        return await store.issue(tenant, name, lifetime=timedelta(days=days) if days else None)

    new_key = _run(work)
    typer.echo("this key is shown once:", err=True)
    typer.echo(new_key)


@app.command()
def keys(tenant: Tenant) -> None:
    """List the keys of a tenant, without their secrets."""

    async def work(store: "TenantStore") -> "list[ApiKey]":
        return await store.keys(tenant)

    for each in _run(work):
        state = "revoked" if each.revoked_at else f"expires {each.expires_at:%Y-%m-%d}" if each.expires_at else "valid"
        typer.echo(f"{each.id}  {each.created_at:%Y-%m-%d %H:%M}  {state:18}  {each.name}")


@app.command()
def revoke(
    tenant: Tenant, key_id: Annotated[str, typer.Argument(help="Id as `tempor8 tenants keys` shows it.")]
) -> None:
    """Revoke a key; it stops working within seconds."""

    async def work(store: "TenantStore") -> bool:
        return await store.revoke(tenant, key_id)

    if not _run(work):
        typer.echo(f"tenant {tenant} has no valid key {key_id}", err=True)
        raise typer.Exit(1)


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
        allowed = _run(work)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if not allowed:
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1)


def _run(work: "Callable[[TenantStore], Awaitable[T]]") -> T:
    return on_database(lambda _, store: work(store))
