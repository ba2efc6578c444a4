"""`tempor8 keys`: the data keys of tenants, and what of their data is still in clear."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.support.database import NO_TENANT, Change, audited, on_database
from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.platform.postgres import Database
    from service.tenant_keys import KeyStatus, TenantDataKeys
    from service.tenants import TenantStore

app = verb()
T = TypeVar("T")
SomeTenant = Annotated[str | None, typer.Argument(help="Id of one tenant; all when not given.")]


@app.callback()
def keys() -> None:
    """Rotate the data keys of tenants while everything runs, and show what is sealed with them.

    Exit code 0: done. 1: there is no such tenant. 2: usage, or Postgres or Vault does not answer.
    """


@app.command()
def status(tenant: SomeTenant = None, json: Json = False) -> None:
    """Show the newest key of each tenant, and how many values of its data are in clear: a running `tempor8 serve` seals them."""

    def line(each: "KeyStatus") -> str:
        clear = ", ".join(f"{name} {count}" for name, count in each.clear.items()) or "nothing"
        made = f"key {each.version} of {each.created_at:%Y-%m-%d %H:%M}" if each.created_at else "no key"
        return f"{each.tenant}  {made}  in clear: {clear}"

    found = [each for _, each in _each(tenant, lambda keys, of: keys.status(of))]
    write_list(found, line, asdict, as_json=json)


@app.command()
def rotate(tenant: SomeTenant = None) -> None:
    """Make a new key, which seals from now on (within half a minute, in every process). What older keys sealed still opens."""

    def change(of: str) -> Change:
        return Change(of, "data_key.rotate", lambda version: f"data_key/{version}", bool)

    for each, version in _each(tenant, lambda keys, of: keys.rotate(of), change):
        typer.echo(f"{each}  key {version}" if version else f"{each}  is being deleted")


@app.command()
def rewrap(tenant: SomeTenant = None) -> None:
    """Encrypt the stored keys with the master key or Vault key of today: after a new master key, or a change to Vault.

    Nothing that they sealed is touched.
    """

    def change(of: str) -> Change:
        return Change(of, "data_key.rewrap", lambda count: f"data_key/1-{count}", bool)

    for each, count in _each(tenant, lambda keys, of: keys.wrap_again(of), change):
        typer.echo(f"{each}  {count} keys")


def _each(
    tenant: str | None,
    work: "Callable[[TenantDataKeys, str], Awaitable[T]]",
    change: Callable[[str], Change] | None = None,
) -> list[tuple[str, T]]:
    """Return the result of `work` for each tenant, or the one given; each change is a row of that tenant's audit log."""
    from service.tenant_keys import TenantDataKeys

    async def inside(database: "Database", tenants: "TenantStore") -> list[tuple[str, T]]:
        keys, found = TenantDataKeys(database, tenants.keyring), list[tuple[str, T]]()
        for each in await keys.tenants(tenant):
            doing = work(keys, each)
            found.append((each, await (doing if change is None else audited(database, doing, change(each)))))
        return found

    found = on_database(inside)
    if not found:
        typer.echo(NO_TENANT, err=True)
        raise typer.Exit(1)
    return found
