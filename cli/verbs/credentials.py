"""`tempor8 credentials`: what a tenant's steps log in with."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from cli.support.database import Tenant, on_database
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.platform.credentials import CredentialStore
    from runtime.platform.postgres import Database
    from service.tenants import TenantStore

app = verb()
T = TypeVar("T")

Type = Annotated[str, typer.Argument(help="n8n's type: httpHeaderAuth, openAiApi, smtp ...")]
Name = Annotated[str, typer.Argument(help="Its name, as the nodes of the export say it.")]


@app.callback()
def credentials() -> None:
    """Set credentials, in the sealed table or in Vault. Values are read from standard input or a file, are never printed, and
    only steps of the tenant see them.

    Exit code 0: done. 1: there is no such tenant or credential. 2: usage, or the store does not answer.
    """


@app.command("set")
def set_(tenant: Tenant, type_: Type, name: Name) -> None:
    """Set a credential to the fields that come in as a JSON object on standard input, such as
    {"name": "X-Api-Key", "value": "..."}. Fields that it had before are gone.
    """
    if not type_.strip() or not name.strip():
        _refuse("a credential has a type and a name, as the nodes of the export say them")
    if sys.stdin.isatty():
        typer.echo("fields as a JSON object, then Ctrl-D:", err=True)
    fields = _json(sys.stdin.read(), "standard input")
    if not isinstance(fields, dict):
        _refuse('standard input: the fields are a JSON object, such as {"user": "...", "password": "..."}')
    _on_store(lambda store: store.put(tenant, type_, name, fields))


@app.command("import")
def import_(
    tenant: Tenant,
    file: Annotated[
        Path, typer.Argument(help="What `n8n export:credentials --decrypted` wrote; - for standard input.")
    ],
) -> None:
    """Set the credentials of an n8n. None is set when one of them is malformed."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"{file}: {error.strerror if isinstance(error, OSError) else 'not UTF-8'}")
    document = _json(text, str(file))
    entries = [_entry(each, i, file) for i, each in enumerate(document if isinstance(document, list) else [document])]

    async def work(store: "CredentialStore") -> None:
        for type_, name, fields in entries:
            await store.put(tenant, type_, name, fields)

    _on_store(work)
    for type_, name, _ in entries:
        typer.echo(f"{type_}  {name}")


@app.command("list")
def list_(tenant: Tenant) -> None:
    """List type and name of each, without values."""
    for type_, name in _on_store(lambda store: store.names(tenant)):
        typer.echo(f"{type_}  {name}")


@app.command()
def delete(tenant: Tenant, type_: Type, name: Name) -> None:
    """Delete a credential, with all its versions."""
    _on_store(lambda store: store.delete(tenant, type_, name))


def _entry(document: Any, i: int, file: Path) -> tuple[str, str, Mapping[str, Any]]:
    where = f"{file}: entry {i + 1}"
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), str) and document[key].strip() for key in ("type", "name")
    ):
        _refuse(f"{where} has no type and name: this is no export of n8n's credentials")
    data = document.get("data")
    if isinstance(data, str):
        _refuse(
            f"{where} ({document['name']!r}) is sealed with n8n's key: export with `n8n export:credentials --decrypted`"
        )
    if not isinstance(data, dict):
        _refuse(f"{where} ({document['name']!r}) has no fields in `data`")
    return document["type"], document["name"], data


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:  # its message has a place, and nothing of the text
        _refuse(f"{where}: not JSON ({error})")


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(2)


def _on_store(work: "Callable[[CredentialStore], Awaitable[T]]") -> T:
    from runtime.platform.credential_store import credential_store
    from runtime.platform.credentials import CredentialMissing, CredentialsUnavailable
    from runtime.platform.keys import keyring
    from runtime.platform.settings import Settings

    async def inside(database: "Database", _: "TenantStore") -> T:
        settings = Settings.load()
        return await work(credential_store(settings, database, keyring(settings)))

    try:
        return on_database(inside)
    except CredentialMissing as error:
        typer.echo(f"tenant {error.tenant} has no credential {error.name!r} of type {error.type}", err=True)
        raise typer.Exit(1) from None
    except CredentialsUnavailable as error:
        _refuse(str(error))
