"""`tempor8 variables`: what a tenant's workflows read as `$vars`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from cli.support.options import verb
from cli.verbs.tenants import Tenant, on_database

app = verb()
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
    from psycopg.errors import CheckViolation

    try:
        _within(
            tenant,
            "insert into variables (tenant_id, key, value) values (%s, %s, %s)"
            " on conflict (tenant_id, key) do update set value = excluded.value, updated_at = now()",
            (tenant, key, value),
        )
    except CheckViolation:
        typer.echo("a key has letters, digits and underscores, 50 at most; a value 1,000 characters at most", err=True)
        raise typer.Exit(2) from None


@app.command("list")
def list_(tenant: Tenant) -> None:
    """Every variable with its value."""
    for row in _within(tenant, "select key, value from variables where tenant_id = %s order by key", (tenant,))[1]:
        typer.echo(f"{row['key']}={row['value']}")


@app.command()
def delete(tenant: Tenant, key: Key) -> None:
    """Delete a variable."""
    count, _ = _within(tenant, "delete from variables where tenant_id = %s and key = %s", (tenant, key))
    if not count:
        typer.echo(f"tenant {tenant} has no variable {key}", err=True)
        raise typer.Exit(1)


def _within(tenant: str, query: str, values: tuple[str, ...]) -> tuple[int, list[dict[str, str]]]:
    async def inside(database: object, _: object) -> tuple[int, list[dict[str, str]]]:
        from runtime.platform.postgres import Database

        assert isinstance(database, Database)
        async with database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(query.encode(), values)
            return cursor.rowcount, list(await cursor.fetchall()) if cursor.description else []

    work: Callable[[object, object], Awaitable[tuple[int, list[dict[str, str]]]]] = inside
    return on_database(work)
