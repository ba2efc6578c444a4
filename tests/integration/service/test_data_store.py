"""What nodes run_once between runs: once per step whatever is tried again, all or nothing, and closed to other tenants."""

import asyncio
import uuid
from typing import Any

import pytest

from runtime.contract import Store
from runtime.platform.postgres import Database
from runtime.values.tables import Column, Table
from service.data_store import run_once

NOW = "2026-01-01T00:00:00.000Z"


class Steps:
    """Work on a table of this test's own."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex

    async def make(self, store: Store) -> Any:
        return (await store.create(self.name, [Column("n", "number")], NOW)).id

    async def _open(self, store: Store) -> Table:
        return await store.open(next(table.id for table in await store.tables() if table.name == self.name))

    async def insert(self, store: Store) -> Any:
        table = await self._open(store)
        return table.insert({"n": len(table.rows)}, NOW)

    async def count(self, store: Store) -> Any:
        return len((await self._open(store)).rows)

    async def note(self, store: Store) -> Any:
        await store.note(self.name, ["x"])

    async def seen(self, store: Store) -> Any:
        return await store.seen(self.name)


async def test_a_step_that_is_tried_again_gets_its_first_result_and_changes_nothing(
    database: Database, tenants: tuple[str, str]
) -> None:
    tenant, steps = tenants[0], Steps()
    await run_once(database, tenant, steps.name + "a", steps.make)
    first = await run_once(database, tenant, steps.name + "b", steps.insert)
    assert await run_once(database, tenant, steps.name + "b", steps.insert) == first
    assert await run_once(database, tenant, steps.name + "c", steps.count) == 1


async def test_two_attempts_at_the_same_time_are_one(database: Database, tenants: tuple[str, str]) -> None:
    tenant, steps = tenants[0], Steps()
    await run_once(database, tenant, steps.name + "a", steps.make)
    results = await asyncio.gather(*(run_once(database, tenant, steps.name + "b", steps.insert) for _ in range(4)))
    assert all(each == results[0] for each in results)
    assert await run_once(database, tenant, steps.name + "c", steps.count) == 1


async def test_steps_of_two_runs_that_write_one_table_wait_for_each_other(
    database: Database, tenants: tuple[str, str]
) -> None:
    tenant, steps = tenants[0], Steps()
    await run_once(database, tenant, steps.name + "a", steps.make)
    rows = await asyncio.gather(*(run_once(database, tenant, f"{steps.name}{i}", steps.insert) for i in range(8)))
    assert sorted(row["id"] for row in rows) == list(range(1, 9))


async def test_a_step_that_fails_has_changed_nothing(database: Database, tenants: tuple[str, str]) -> None:
    tenant, steps = tenants[0], Steps()
    await run_once(database, tenant, steps.name + "a", steps.make)

    async def fail(store: Store) -> Any:
        await steps.insert(store)
        await steps.note(store)
        raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        await run_once(database, tenant, steps.name + "b", fail)
    assert await run_once(database, tenant, steps.name + "c", steps.count) == 0
    assert await run_once(database, tenant, steps.name + "d", steps.seen) == []


async def test_another_tenant_sees_neither_tables_nor_what_was_seen(
    database: Database, tenants: tuple[str, str]
) -> None:
    steps = Steps()
    await run_once(database, tenants[0], steps.name + "a", steps.make)
    await run_once(database, tenants[0], steps.name + "b", steps.note)

    async def names(store: Store) -> Any:
        return [table.name for table in await store.tables()]

    assert steps.name not in await run_once(database, tenants[1], steps.name + "a", names)
    assert await run_once(database, tenants[1], steps.name + "b", steps.seen) == []
    assert await run_once(database, tenants[0], steps.name + "c", steps.seen) == ["x"]
