"""Data that a tenant's workflows share between runs, in Postgres: data tables, and values that were seen before."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar, cast

from runtime.contract.capabilities import Store
from runtime.platform.postgres import Connection, Database
from runtime.platform.sealing import TenantKeys
from runtime.values.tables import Column, Row, Table
from service.columns import Columns

__all__ = ["PostgresStore", "run_once"]

THREAD_ROWS: Final = 200
"""Rows of a table from which they are opened in a thread: each takes some ten microseconds."""
T = TypeVar("T")
"""JSON."""


async def run_once(database: Database, tenant: str, key: str, work: Callable[[Store], Awaitable[T]]) -> T:
    """Return what `work` returns, run once for this `key` (of an execution's step): its result is in the same transaction.

    Raises DatabaseUnavailable: nothing was done.
    """
    columns = await Columns.of(database, tenant)
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{tenant}/{key}",))
        cursor = await connection.execute(
            "select result, sealed from kept_results where tenant_id = %s and key = %s", (tenant, key)
        )
        if (row := await cursor.fetchone()) is not None:
            await columns.load([row["sealed"]])
            return cast("T", columns.json(("kept_results", key), row["result"], row["sealed"]))
        store = PostgresStore(connection, tenant, database.keys)
        result = await work(store)
        if await store.save():
            clear, sealed = columns.pair(("kept_results", key), json.dumps(result))
            await connection.execute(
                "insert into kept_results (tenant_id, key, result, sealed) values (%s, %s, %s, %s)",
                (tenant, key, clear, sealed),
            )
        return result


class PostgresStore:
    """Implements `runtime.contract.Store` within one transaction; `save` writes what changed in opened tables."""

    def __init__(self, connection: Connection, tenant: str, keys: TenantKeys) -> None:
        self._connection, self._tenant, self._columns = connection, tenant, Columns(keys, tenant)
        self._opened: dict[str, Table] = {}
        self._wrote = False

    async def tables(self) -> Sequence[Table]:
        """See Store."""
        cursor = await self._connection.execute(
            "select id, name, columns, next_id, created_at, updated_at from data_tables"
            " where tenant_id = %s order by created_at, id",
            (self._tenant,),
        )
        return [_table(row) for row in await cursor.fetchall()]

    async def open(self, id_: str) -> Table:
        """See Store."""
        if id_ not in self._opened:
            cursor = await self._connection.execute(
                "select id, name, columns, next_id, created_at, updated_at from data_tables"
                " where tenant_id = %s and id = %s for update",
                (self._tenant, id_),
            )
            row = await cursor.fetchone()
            assert row is not None, "callers take the id from `tables`"
            table = self._opened[id_] = _table(row)
            cursor = await self._connection.execute(
                "select id, row, sealed from data_table_rows where tenant_id = %s and table_id = %s order by id",
                (self._tenant, id_),
            )
            rows = await cursor.fetchall()
            await self._columns.load(row["sealed"] for row in rows)
            many = len(rows) >= THREAD_ROWS
            table.rows = await asyncio.to_thread(self._open_rows, id_, rows) if many else self._open_rows(id_, rows)
        return self._opened[id_]

    async def create(self, name: str, columns: Sequence[Column], now: str) -> Table:
        """See Store."""
        table = Table(uuid.uuid4().hex[:16], name, columns, created_at=now, updated_at=now)
        await self._connection.execute(
            "insert into data_tables (tenant_id, id, name, columns, created_at, updated_at) values (%s, %s, %s, %s, %s, %s)",
            (self._tenant, table.id, name, json.dumps([[each.name, each.type] for each in columns]), now, now),
        )
        self._wrote = True
        return table

    async def rename(self, id_: str, name: str, now: str) -> None:
        """See Store."""
        await self._connection.execute(
            "update data_tables set name = %s, updated_at = %s where tenant_id = %s and id = %s",
            (name, now, self._tenant, id_),
        )
        self._wrote = True

    async def drop(self, id_: str) -> None:
        """See Store."""
        await self._connection.execute("delete from data_tables where tenant_id = %s and id = %s", (self._tenant, id_))
        self._opened.pop(id_, None)
        self._wrote = True

    def _open_rows(self, id_: str, rows: Sequence[Row]) -> dict[int, Row]:
        return {
            row["id"]: self._columns.json(("data_table_rows", id_, str(row["id"])), row["row"], row["sealed"])
            for row in rows
        }

    async def seen(self, scope: str) -> list[str]:
        """See Store."""
        await self._connection.execute(
            "insert into seen_values (tenant_id, scope, list) values (%s, %s, '[]') on conflict do nothing",
            (self._tenant, scope),
        )
        cursor = await self._connection.execute(
            "select list, sealed from seen_values where tenant_id = %s and scope = %s for update", (self._tenant, scope)
        )
        row = await cursor.fetchone()
        if row is None:
            return []
        await self._columns.load([row["sealed"]])
        return list(self._columns.json(("seen_values", scope), row["list"], row["sealed"]))

    async def note(self, scope: str, values: Sequence[str]) -> None:
        """See Store."""
        await self._columns.load()
        clear, sealed = self._columns.pair(("seen_values", scope), json.dumps(list(values)))
        await self._connection.execute(
            "insert into seen_values (tenant_id, scope, list, sealed) values (%s, %s, %s, %s)"
            " on conflict (tenant_id, scope) do update set list = excluded.list, sealed = excluded.sealed",
            (self._tenant, scope, clear, sealed),
        )
        self._wrote = True

    async def save(self) -> bool:
        """Write what changed in the tables that were opened; return whether anything was written in this transaction."""
        await self._columns.load()
        for table in self._opened.values():
            if not table.changed:
                continue
            self._wrote = True
            deleted = [id_ for id_ in table.changed if id_ not in table.rows]
            upserts = [
                (self._tenant, table.id, id_,
                 *self._columns.pair(("data_table_rows", table.id, str(id_)), json.dumps(table.rows[id_])))
                for id_ in table.changed - set(deleted)
            ]  # fmt: skip
            async with self._connection.cursor() as cursor:
                await cursor.execute(
                    "delete from data_table_rows where tenant_id = %s and table_id = %s and id = any(%s)",
                    (self._tenant, table.id, deleted),
                )
                await cursor.executemany(
                    "insert into data_table_rows (tenant_id, table_id, id, row, sealed) values (%s, %s, %s, %s, %s)"
                    " on conflict (tenant_id, table_id, id) do update set row = excluded.row, sealed = excluded.sealed",
                    upserts,
                )
                await cursor.execute(
                    "update data_tables set next_id = %s where tenant_id = %s and id = %s",
                    (table.next_id, self._tenant, table.id),
                )
        return self._wrote


def _table(row: Row) -> Table:
    return Table(
        row["id"], row["name"], [Column(name, type_) for name, type_ in row["columns"]], next_id=row["next_id"],
        created_at=row["created_at"], updated_at=row["updated_at"],
    )  # fmt: skip
