"""`tempor8 variables`: what a tenant's workflows read as `$vars`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.support.database import Change, Tenant, on_database
from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from service.variables import VariableStore

app = verb()
T = TypeVar("T")
Key = Annotated[str, typer.Argument(help="Letters, digits, underscores; 50 at most.")]


@app.callback()
def variables() -> None:
    """Set variables. A run sees them as they are when it starts. They are no place for secrets: use credentials.

    Exit code 0: done. 1: there is no such tenant or variable. 2: usage, or Postgres does not answer.
    """


@app.command("set")
def set_(
    tenant: Tenant, key: Key, value: Annotated[str, typer.Argument(help="Its value, 1,000 characters at most.")]
) -> None:
    """Set a variable."""
    from service.variables import BadVariable

    try:
        _within(lambda store: store.set(tenant, key, value), Change(tenant, "variable.set", f"variable/{key}"))
    except BadVariable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@app.command("list")
def list_(tenant: Tenant, json: Json = False) -> None:
    """List every variable with its value."""
    found = _within(lambda store: store.all(tenant)).items()
    write_list(found, "=".join, lambda each: {"key": each[0], "value": each[1]}, as_json=json)


@app.command()
def delete(tenant: Tenant, key: Key) -> None:
    """Delete a variable."""
    if not _within(lambda store: store.delete(tenant, key), Change(tenant, "variable.delete", f"variable/{key}")):
        typer.echo(f"tenant {tenant} has no variable {key}", err=True)
        raise typer.Exit(1)


def _within(work: "Callable[[VariableStore], Awaitable[T]]", change: Change | None = None) -> T:
    from service.variables import VariableStore

    return on_database(lambda database, _: work(VariableStore(database)), change)
