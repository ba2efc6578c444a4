"""`tempor8 tables`: the data tables of a tenant."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.support.database import Change, Tenant, on_database
from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.contract import Store
    from runtime.platform.postgres import Database
    from runtime.values.tables import Table
    from service.tenants import TenantStore

app = verb()
T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="Name of the table.")]


@app.callback()
def tables() -> None:
    """Create and show the data tables that Data Table nodes work on. An export names a table by the id that it had in
    n8n; here it is found by its name.

    Exit code 0: done. 1: there is no such tenant or table, or there is one already. 2: usage, or Postgres does not answer.
    """


@app.command("list")
def list_(tenant: Tenant, json: Json = False) -> None:
    """List id, name and columns of each table."""

    async def work(store: "Store") -> "list[Table]":
        return list(await store.tables())

    write_list(
        _within(tenant, work),
        lambda table: f"{table.id}  {table.name}  {' '.join(f'{each.name}:{each.type}' for each in table.columns)}",
        lambda table: {"id": table.id, "name": table.name, "columns": {each.name: each.type for each in table.columns}},
        as_json=json,
    )


@app.command()
def create(
    tenant: Tenant,
    name: Name,
    columns: Annotated[list[str], typer.Argument(help="name:type, type one of string, number, boolean, date.")],
    json: Json = False,
) -> None:
    """Create a table and print its id."""
    from runtime.values.tables import Column, TableError, moment

    try:
        pairs = [each.partition(":") for each in columns]
        declared = [Column(column, type_ or "string") for column, _, type_ in pairs]  # type: ignore[arg-type]  # it checks
    except TableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None

    async def work(store: "Store") -> "Table | None":
        if any(table.name == name for table in await store.tables()):
            return None
        return await store.create(name, declared, moment(time.time() * 1000))

    table = _within(tenant, work, _change(tenant, "table.create", name))
    if table is None:
        typer.echo(f"tenant {tenant} has a table '{name}' already", err=True)
        raise typer.Exit(1)
    write_list([table], lambda each: each.id, lambda each: {"id": each.id, "name": each.name}, as_json=json)


@app.command()
def rows(tenant: Tenant, name: Name) -> None:
    """Print the rows of a table, one JSON object a line."""

    async def work(store: "Store") -> "Table | None":
        table = next((table for table in await store.tables() if table.name == name), None)
        return await store.open(table.id) if table else None

    for row in _require_table(tenant, name, _within(tenant, work)).rows.values():
        typer.echo(json.dumps(row, ensure_ascii=False))


@app.command()
def delete(tenant: Tenant, name: Name) -> None:
    """Delete a table and its rows."""

    async def work(store: "Store") -> "Table | None":
        table = next((table for table in await store.tables() if table.name == name), None)
        if table is not None:
            await store.drop(table.id)
        return table

    _require_table(tenant, name, _within(tenant, work, _change(tenant, "table.delete", name)))


def _change(tenant: str, action: str, name: str) -> Change:
    return Change(tenant, action, f"table/{name}", lambda table: table is not None)


def _require_table(tenant: str, name: str, table: "Table | None") -> "Table":
    if table is None:
        typer.echo(f"tenant {tenant} has no table '{name}'; see: tempor8 tables list {tenant}", err=True)
        raise typer.Exit(1)
    return table


def _within(tenant: str, work: "Callable[[Store], Awaitable[T]]", change: Change | None = None) -> T:
    from service.data_store import PostgresStore

    async def inside(database: "Database", _: "TenantStore") -> T:
        async with database.tenant_transaction(tenant) as connection:
            return await work(PostgresStore(connection, tenant, database.keys))

    return on_database(inside, change)
