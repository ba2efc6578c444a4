"""`tempor8 credentials`: what a tenant's steps log in with."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from cli.support.database import Change, Tenant, on_database
from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.platform.credentials import CredentialStore
    from runtime.platform.postgres import Database
    from service.tenants import TenantStore

app = verb()
T = TypeVar("T")

Type = Annotated[str, typer.Argument(metavar="type", help="n8n's type: httpHeaderAuth, openAiApi, smtp ...")]
Name = Annotated[str, typer.Argument(help="Its name, as the nodes of the export say it.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="Allow this host, too; see `tempor8 credentials allow`. May be repeated."),
]


@app.callback()
def credentials() -> None:
    """Set credentials, in the sealed table or in Vault. Values are read from standard input or a file, are never printed, and
    only steps of the tenant see them.

    Exit code 0: done. 1: there is no such tenant or credential, or it does not work. 2: usage, or the store does not answer.
    """


@app.command("set")
def set_(tenant: Tenant, type_: Type, name: Name, host: Hosts = None) -> None:
    """Set a credential to the fields that come in as a JSON object on standard input, such as
    {"name": "X-Api-Key", "value": "..."}. Fields that it had before are gone; the hosts that were allowed stay, and so does the
    account of the same OAuth2 client.
    """
    if not type_.strip() or not name.strip():
        _refuse("a credential has a type and a name, as the nodes of the export say them")
    if sys.stdin.isatty():
        typer.echo("fields as a JSON object, then Ctrl-D:", err=True)
    fields = _json(sys.stdin.read(), "standard input")
    if not isinstance(fields, dict):
        _refuse('standard input: the fields are a JSON object, such as {"user": "...", "password": "..."}')

    async def work(store: "CredentialStore") -> None:
        from runtime.http.credential_hosts import with_hosts, with_statement_of
        from runtime.http.oauth2_types import with_account_of

        earlier = await _earlier(store, tenant, type_, name)
        await store.put(
            tenant, type_, name, with_hosts(with_account_of(with_statement_of(fields, earlier), earlier), host or ())
        )

    _on_store(work, Change(tenant, "credential.set", f"credential/{type_}/{name}"))


@app.command("import")
def import_(
    tenant: Tenant,
    file: Annotated[Path, typer.Argument(help="What `n8n export:credentials` wrote; - for standard input.")],
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="File with n8n's encryption key, or n8n's own `config`, for an export without --decrypted. Otherwise the "
            "environment variable N8N_ENCRYPTION_KEY."
        ),
    ] = None,
    allow_all_domains: Annotated[
        bool,
        typer.Option(
            help="Credentials that n8n lets go to all domains may go to every host here, too. Without it they go to the "
            "vendor's hosts, to the constant hosts of workflows, and to those that are allowed."
        ),
    ] = False,
    host: Hosts = None,
) -> None:
    """Set the credentials of an n8n. None is set when one of them is malformed. Hosts that were allowed here stay, except for one
    that n8n keeps out of HTTP requests.
    """
    from cli.support.n8n_credentials import UnreadableExportError, encryption_key, read_credentials
    from runtime.http.credential_hosts import with_hosts, with_hosts_of, without_unconfirmed

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        entries = read_credentials(text, str(file), encryption_key(key_file))
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"{file}: {error.strerror if isinstance(error, OSError) else 'not UTF-8'}")
    except UnreadableExportError as error:
        _refuse(str(error))

    async def work(store: "CredentialStore") -> None:
        earlier = [await _earlier(store, tenant, each.type, each.name) for each in entries]
        for each, before in zip(entries, earlier, strict=True):
            data = with_hosts_of(without_unconfirmed(each.data, confirmed=allow_all_domains), before)
            await store.put(tenant, each.type, each.name, with_hosts(data, host or ()))

    names = ", ".join(f"credential/{each.type}/{each.name}" for each in entries)
    _on_store(work, Change(tenant, "credential.import", names))
    for each in entries:
        typer.echo(f"{each.type}  {each.name}")


@app.command()
def allow(
    tenant: Tenant,
    type_: Type,
    name: Name,
    hosts: Annotated[
        list[str] | None, typer.Argument(help="host, host:port, *.domain for its subdomains, or * for every host.")
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="These hosts and no others, not even constant ones of workflows.")
    ] = False,
) -> None:
    """Allow hosts for a credential, beside those of its vendor and the constant ones of workflows; print what its owner
    allows. Runs take it up at once.
    """

    async def work(store: "CredentialStore") -> str:
        from runtime.http.credential_hosts import statement, with_hosts

        data = await store.get(tenant, type_, name)
        if hosts or only:
            data = with_hosts(data, hosts or (), only=only)
            await store.put(tenant, type_, name, data)
        said = statement(data)
        if said.mode == "none":
            return "kept out of HTTP requests; `--only` with hosts changes that"
        return "\n".join(sorted(map(str, said.patterns))) or (
            "no host" if said.mode else "nothing beyond its own hosts"
        )

    change = Change(tenant, "credential.allow", f"credential/{type_}/{name}") if hosts or only else None
    typer.echo(_on_store(work, change))


@app.command()
def connect(
    tenant: Tenant,
    type_: Type,
    name: Name,
    listen: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="Take the browser back on this port of 127.0.0.1 (0: a free one) instead of at the API, and wait for it.",
        ),
    ] = None,
) -> None:
    """Connect an account by OAuth2: print the link at which its owner allows the use. Set the fields clientId and clientSecret
    before, and register the redirect URI that is shown with the app at the vendor.
    """
    from cli.support.accounts import connect_here, link_of, on_accounts
    from service.account_links import Account

    account = Account(tenant, type_, name)
    if listen is None:
        typer.echo(on_accounts(lambda accounts, links: link_of(accounts, links, account)))
        return
    on_accounts(
        lambda accounts, links: connect_here(accounts, links, account, listen),
        Change(tenant, "credential.connect", f"credential/{type_}/{name}"),
    )
    typer.echo(f"{type_}  {name}  connected")


@app.command()
def test(
    tenant: Tenant,
    type_: Type,
    name: Name,
    url: Annotated[
        str | None, typer.Option(help="GET this address, for types that do not say which server they are for.")
    ] = None,
) -> None:
    """Try a credential by a small request that changes nothing, within the egress guard of the tenant; mail and databases by a login.
    Tokens that have expired are renewed.
    """
    from cli.support.accounts import on_accounts
    from service.account_links import Account

    typer.echo(on_accounts(lambda accounts, _: accounts.test(Account(tenant, type_, name), url)))


@app.command()
def uses(
    tenant: Tenant,
    name: Name,
    type_: Annotated[str | None, typer.Option("--type", help="Of this type only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """List when steps used a credential: time, type, host, run and node. `refused`: the host is none of the credential's,
    and nothing was sent.
    """
    from service.credential_uses import CredentialUse, CredentialUses

    async def work(database: "Database", _: "TenantStore") -> list[CredentialUse]:
        return await CredentialUses(database).list(tenant, name, type_, limit)

    def line(use: CredentialUse) -> str:
        host = ("refused " if use.refused else "") + (use.host or "-")
        times = f"  x{use.times}" if use.times > 1 else ""
        at = use.used_at.astimezone(UTC).isoformat(timespec="seconds")
        return f"{at}  {use.type}  {host}  {use.execution_id}  {use.node}{times}"

    write_list(on_database(work), line, asdict, as_json=json)


@app.command("list")
def list_(tenant: Tenant, json: Json = False) -> None:
    """List type and name of each, without values."""
    found = _on_store(lambda store: store.names(tenant))
    write_list(found, "  ".join, lambda each: {"type": each[0], "name": each[1]}, as_json=json)


@app.command()
def delete(tenant: Tenant, type_: Type, name: Name) -> None:
    """Delete a credential, with all its versions."""
    change = Change(tenant, "credential.delete", f"credential/{type_}/{name}")
    _on_store(lambda store: store.delete(tenant, type_, name), change)


async def _earlier(store: "CredentialStore", tenant: str, type_: str, name: str) -> Mapping[str, Any]:
    """Return the fields of a credential as it is; none of one that is not there."""
    from runtime.platform.credentials import CredentialMissing

    try:
        return await store.get(tenant, type_, name)
    except CredentialMissing:
        return {}


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:  # its message has a place, and nothing of the text
        _refuse(f"{where}: not JSON ({error})")


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(2)


def _on_store(work: "Callable[[CredentialStore], Awaitable[T]]", change: Change | None = None) -> T:
    from runtime.platform.credential_store import credential_store
    from runtime.platform.credentials import CredentialMissing, CredentialsUnavailable
    from runtime.platform.settings import Settings
    from schemas.hosts import BadHostError

    async def inside(database: "Database", tenants: "TenantStore") -> T:
        # the keys of that database: Settings alone do not know the embedded one, where the data keys are
        return await work(credential_store(Settings.load(), database, tenants.keyring))

    try:
        return on_database(inside, change)
    except CredentialMissing as error:
        typer.echo(f"tenant {error.tenant} has no credential {error.name!r} of type {error.type}", err=True)
        raise typer.Exit(1) from None
    except (CredentialsUnavailable, BadHostError) as error:
        _refuse(str(error))
