"""What a tenant's workflows read as `$vars`, in Postgres."""

from typing import Final

from psycopg.errors import CheckViolation

from runtime.platform.postgres import Database
from service.columns import Columns

__all__ = ["BadVariable", "VariableStore"]

MAX_CHARACTERS: Final = 1000
"""Of a value."""
REFUSED: Final = "a key has letters, digits and underscores, 50 at most; a value 1,000 characters at most"


class BadVariable(Exception):
    """A key or a value that no variable may have. The message says what is allowed."""


class VariableStore:
    """Variables by tenant and key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, tenant: str) -> dict[str, str]:
        """Return the value of each variable of a tenant, sorted by key. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select key, value, sealed from variables where tenant_id = %s order by key", (tenant,)
            )
            rows = await cursor.fetchall()
        columns = await Columns(self._database.keys, tenant).load(row["sealed"] for row in rows)
        return {row["key"]: columns.text(("variables", row["key"]), row["value"], row["sealed"]) or "" for row in rows}

    async def set(self, tenant: str, key: str, value: str) -> None:
        """Set a variable.

        Raises:
            BadVariable: the key or the value is not one of a variable.
            DatabaseUnavailable: nothing was set.
            psycopg.errors.ForeignKeyViolation: there is no such tenant.
        """
        if len(value) > MAX_CHARACTERS:
            raise BadVariable(REFUSED)
        columns = await Columns.of(self._database, tenant)
        clear, sealed = columns.pair(("variables", key), value)
        try:
            async with self._database.tenant_transaction(tenant) as connection:
                await connection.execute(
                    "insert into variables (tenant_id, key, value, sealed) values (%s, %s, %s, %s) on conflict"
                    " (tenant_id, key) do update set value = excluded.value, sealed = excluded.sealed, updated_at = now()",
                    (tenant, key, clear, sealed),
                )
        except CheckViolation as error:
            raise BadVariable(REFUSED) from error

    async def delete(self, tenant: str, key: str) -> bool:
        """Delete a variable; False when the tenant has no such variable. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute("delete from variables where tenant_id = %s and key = %s", (tenant, key))
            return cursor.rowcount == 1
