"""Lists of runs cost as much as they show, whatever the filter and however many runs the tenant has."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.columns import Columns
from service.execution_store import ExecutionRow, ExecutionStore, Filter, cursor_of
from service.run_columns import seal_user
from service.run_fields import field_forms
from service.tenants import TenantStore
from tests.integration.service.test_chat_memory import rows_read

RUNS = 20_000
RARE = 4_000
"""One of so many runs has the rare values."""
FAILED = 30
"""One of so many runs has failed."""
NOW = datetime.now(UTC)


class _Explained:
    """A connection that explains what it reads."""

    def __init__(self, connection: Any, plans: list[dict[str, Any]]) -> None:
        self._connection, self._plans = connection, plans

    async def execute(self, statement: str | bytes, values: Any = None) -> Any:
        text = statement.encode() if isinstance(statement, str) else statement
        cursor = await self._connection.execute(b"explain (analyze, format json) " + text, values)
        self._plans.append((await cursor.fetchone())["QUERY PLAN"][0]["Plan"])
        return await self._connection.execute(statement, values)


class Explaining:
    """The pool, with the plans of what is read through it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.plans: list[dict[str, Any]] = []

    @property
    def keys(self) -> Any:
        return self._database.keys

    @asynccontextmanager
    async def tenant_transaction(self, tenant: str) -> AsyncIterator[Any]:
        async with self._database.tenant_transaction(tenant) as connection:
            yield _Explained(connection, self.plans)


@pytest.fixture(scope="module")
async def tenant(database: Database, keys: Keyring, embedded: EmbeddedProfile) -> str:
    """A tenant with many runs, of which a few are unlike the others."""
    name = f"t{uuid.uuid4().hex}"
    await TenantStore(database, keys).create(name)
    columns = await Columns.of(database, name)
    values = {
        "tenant": name, "runs": RUNS, "every": RARE, "failed": FAILED, "user": seal_user(columns, "u1"), "now": NOW,
        "field": field_forms(columns, "order", "1")[0], "often": field_forms(columns, "shop", "a")[0],
    }  # fmt: skip
    async with database.tenant_transaction(name) as connection:
        await connection.execute(
            "insert into workflow_executions (tenant_id, id, template_key, plan_hash, user_id, trigger_kind, status,"
            " started_at, closed_at, problem, fingerprint) select %(tenant)s, 'run' || n,"
            " case when rare then 'rare' else 'often' end, 'h', case when rare then %(user)s end,"
            " case when rare then 'form' else 'api' end, case when rare then 'timed_out' when n %% %(failed)s = 0 then 'failed' else 'completed' end,"
            " %(now)s - n * interval '1 second', %(now)s, case when rare then '{\"kind\": \"unreadable\"}'::json end,"
            " case when rare then 'f1' when n %% %(failed)s = 0 then 'f2' end"
            " from (select n, n %% %(every)s = 0 as rare from generate_series(1, %(runs)s) as n) as numbered",
            values,
        )
        await connection.execute(
            "insert into run_fields (tenant_id, field, execution_id) select %(tenant)s, %(field)s, id"
            " from workflow_executions where tenant_id = %(tenant)s and template_key = 'rare'"
            " union all select %(tenant)s, %(often)s, id from workflow_executions where tenant_id = %(tenant)s",
            values,
        )
    with psycopg.connect(embedded.addresses.database_admin_url or "", autocommit=True) as owner:
        owner.execute("analyze workflow_executions")
        owner.execute("analyze run_fields")
    return name


FILTERS = {
    "all": (Filter(), 0),
    "status": (Filter(status="timed_out"), 0),
    "template": (Filter(template="rare"), 0),
    "user": (Filter(user_id="u1"), 0),
    "problem": (Filter(problem=True), 0),
    "cause": (Filter(fingerprint="f1"), RUNS // FAILED),
    "cause and template": (Filter(fingerprint="f1", template="rare"), 0),
    "trigger": (Filter(trigger="form"), 0),
    "field": (Filter(field=("order", "1")), 0),
    "time": (Filter(since=NOW - timedelta(seconds=RUNS), until=NOW - timedelta(seconds=RUNS - 10)), 0),
    "status and template": (Filter(status="timed_out", template="rare"), 0),
    "trigger and status": (Filter(trigger="form", status="timed_out"), 0),
    "trigger and template": (Filter(trigger="form", template="rare"), 0),
    "trigger and time": (Filter(trigger="form", since=NOW - timedelta(days=1)), 0),
    "failures that nobody tries again": (Filter(open_failures=True, template="rare"), 0),
    "a field that most runs have": (Filter(field=("shop", "a")), 0),
    "a trigger that started none": (Filter(trigger="schedule"), 0),
    "a status that no run has": (Filter(status="canceled"), 0),
    "a template that there is not": (Filter(template="never"), 0),
}
"""Filter, and how many runs it may read that it does not show: of a cause, those that failed."""


NEVER = {"canceled", "never", "schedule"}
"""Values that no run has."""


@pytest.mark.parametrize(("filter_", "others"), FILTERS.values(), ids=FILTERS)
async def test_a_list_reads_little_more_than_it_shows(
    database: Database, tenant: str, filter_: Filter, others: int
) -> None:
    """A rare status, user, template, trigger, cause or field among many runs is found by an index; and so is the next page."""
    explaining = Explaining(database)
    store = ExecutionStore(explaining)  # type: ignore[arg-type]  # a pool, as far as it is asked
    found = await store.page(tenant, replace(filter_, limit=2))
    assert len(found) == (0 if {filter_.status, filter_.template, filter_.trigger} & NEVER else 3)
    if found:
        await store.page(tenant, replace(filter_, limit=2, before=cursor_of(found[1])))
    for plan in explaining.plans:
        assert max(rows_read(plan)) <= others + 20


async def test_figures_read_sums_and_no_runs(database: Database, keys: Keyring, embedded: EmbeddedProfile) -> None:
    """A report over hundreds of runs reads a row for each hour, template, status and duration, and no run."""
    name = f"t{uuid.uuid4().hex}"
    await TenantStore(database, keys).create(name)
    begun = NOW.replace(minute=0) - timedelta(hours=2)
    runs = [
        ExecutionRow(
            tenant=name, id=f"{name}:t:{number}", run_id="r", template="t", plan_hash="h", trigger_kind="api",
            status="completed", started_at=begun + timedelta(seconds=number), closed_at=begun + timedelta(seconds=number + 1),
        )
        for number in range(600)
    ]  # fmt: skip
    await ExecutionStore(database).write(name, runs)
    with psycopg.connect(embedded.addresses.database_admin_url or "", autocommit=True) as owner:
        owner.execute("analyze workflow_executions")
        owner.execute("analyze run_rollups")
    explaining = Explaining(database)
    metrics = await ExecutionStore(explaining).metrics(name, None)  # type: ignore[arg-type]  # see above
    assert metrics.overall["completed"] == 600
    # where the table is small, Postgres may read the sums of all tenants
    assert max(max(rows_read(plan)) for plan in explaining.plans) < len(runs) / 2
