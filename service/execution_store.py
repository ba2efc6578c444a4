"""The projection of runs in Postgres: written in batches by the projector, read by lists, history and metrics."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg import DataError
from psycopg.errors import PipelineAborted
from psycopg.rows import DictRow

from runtime.platform.postgres import Connection, Database
from schemas.kinds import RunStatus
from service.columns import Columns
from service.execution_rows import ExecutionRow, StepRow, UsageRow
from service.execution_writes import write_runs
from service.figure_series import FigureSeries, read_series
from service.page_cursor import page_cursor, parse_cursor
from service.rollups import Metrics, read_metrics
from service.run_columns import open_error, open_problem, open_user, user_forms
from service.run_fields import field_forms
from service.storable import storable_text

__all__ = ["OPEN_FAILURES", "ExecutionRow", "ExecutionStore", "Filter", "Metrics", "StepRow", "UsageRow"]

ORDER: Final = "order by started_at desc, id desc limit %(limit)s"
FAILED: Final = "status in ('failed', 'timed_out')"
OPEN_FAILURES: Final = f"""{FAILED} and not exists (select from workflow_executions again
    where again.tenant_id = %(tenant)s and again.retry_of = workflow_executions.id)"""
"""Runs that failed and that no run tries again."""
STATUSES: Final = tuple(status.value for status in RunStatus)
MAX_COUNT: Final = 10_000
"""Runs that are counted of a filter."""
WITH_FIELD: Final = """id in (select execution_id from run_fields
    where tenant_id = %(tenant)s and field = any(%(field)s::text[]))"""
LATEST: Final = """
    select each.key, runs.id, runs.status, runs.started_at from unnest(%(keys)s::text[]) as each (key)
    cross join lateral (select id, status, started_at from workflow_executions
        where tenant_id = %(tenant)s and template_key = each.key order by started_at desc, id desc limit %(limit)s) runs"""
NOTED_SECONDS: Final = 600.0
"""For how long a tenant that has had runs counts as one."""


@dataclass(frozen=True)
class RunDot:
    """A run as one sign among others."""

    id: str
    status: str
    started_at: datetime


@dataclass(frozen=True)
class Filter:
    """Which runs to list. `before` is a cursor of the page before."""

    status: str | None = None
    template: str | None = None
    user_id: str | None = None
    problem: bool | None = None
    """True: only runs with a problem; False: only those without."""
    trigger: str | None = None
    fingerprint: str | None = None
    """Failed runs of one cause, see `service.failure_fingerprint`."""
    field: tuple[str, str] | None = None
    """Name and value of what the run declares of itself, see `service.run_fields`."""
    since: datetime | None = None
    """Started then or later."""
    until: datetime | None = None
    """Started earlier than that."""
    open_failures: bool = False
    """Only runs that failed and that nobody has tried again."""
    before: str | None = None
    limit: int = 50


def cursor_of(row: ExecutionRow) -> str:
    """Return the cursor of the page that follows `row`."""
    return page_cursor(row.started_at, row.id)


class ExecutionStore:
    """Rows of `workflow_executions`, `workflow_events` and `agent_utilization`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, float] = {}
        """Tenant that is known to have had runs -> until when that is believed: it may be deleted and made again."""

    async def page(self, tenant: str, filter_: Filter) -> list[ExecutionRow]:
        """Return runs, newest first; one more than `limit` when there is a next page.

        Raises:
            BadCursor: `before` is not a cursor of this list.
        """
        clauses, values = _clauses(tenant, filter_)
        query, order = f"select * from workflow_executions where {' and '.join(clauses)}", ORDER  # noqa: S608  # names are ours
        columns = await Columns.of(self._database, tenant)
        if filter_.field is not None:
            values["field"] = field_forms(columns, *filter_.field)
        if filter_.user_id is not None:  # one index scan per form: a list of forms would be sorted as a whole
            forms = dict(enumerate(user_forms(columns, filter_.user_id)))
            values |= {f"user{number}": form for number, form in forms.items()}
            parts = [f"({query} and user_id = %(user{number})s {order})" for number in forms]
            query = f"select * from ({' union all '.join(parts)}) runs"  # noqa: S608  # names are ours
        async with self._database.tenant_transaction(tenant) as connection:
            rows = await (await connection.execute(f"{query} {order}".encode(), values)).fetchall()
        return [await _execution(columns, row) for row in rows]

    async def count(self, tenant: str, filter_: Filter) -> int:
        """Return how many runs fit a filter, whatever its limit; MAX_COUNT for more."""
        clauses, values = _clauses(tenant, filter_)
        columns = await Columns.of(self._database, tenant)
        if filter_.field is not None:
            values["field"] = field_forms(columns, *filter_.field)
        if filter_.user_id is not None:
            values["users"] = user_forms(columns, filter_.user_id)
            clauses.append("user_id = any(%(users)s::text[])")
        query = f"select count(*) as n from (select from workflow_executions where {' and '.join(clauses)} limit {MAX_COUNT}) runs"  # noqa: S608  # names are ours
        async with self._database.tenant_transaction(tenant) as connection:
            row = await (await connection.execute(query.encode(), values)).fetchone()
        return int(row["n"]) if row else 0

    async def latest(self, tenant: str, templates: Sequence[str], limit: int = 10) -> dict[str, list[RunDot]]:
        """Return the last runs of each of these templates, the latest first."""
        found: dict[str, list[RunDot]] = {key: [] for key in templates}
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(LATEST, {"tenant": tenant, "keys": list(templates), "limit": limit})
            for row in await cursor.fetchall():
                found[row["key"]].append(RunDot(row["id"], row["status"], row["started_at"]))
        return found

    async def get(self, tenant: str, id_: str, *, with_steps: bool = False) -> ExecutionRow | None:
        """Return one run; None when the tenant has none of that id."""
        id_ = storable_text(id_)
        async with self._database.tenant_transaction(tenant) as connection:
            row = await (
                await connection.execute(
                    "select * from workflow_executions where tenant_id = %s and id = %s", (tenant, id_)
                )
            ).fetchone()
            if row is None:
                return None
            events = await _events(connection, tenant, id_) if with_steps else None
        columns = Columns(self._database.keys, tenant)
        steps = None if events is None else [await _step(columns, event) for event in events]
        return await _execution(columns, row, steps)

    async def get_within(self, connection: Connection, tenant: str, id_: str) -> ExecutionRow | None:
        """Return one run, without its steps, in a transaction of the tenant; None when there is none of that id."""
        cursor = await connection.execute(
            "select * from workflow_executions where tenant_id = %s and id = %s", (tenant, id_)
        )
        row = await cursor.fetchone()
        return None if row is None else await _execution(Columns(self._database.keys, tenant), row)

    async def write(self, tenant: str, rows: Sequence[ExecutionRow]) -> None:
        """Insert or update runs with their steps, in one transaction. Writing the same again changes nothing.

        Raises:
            psycopg.Error: Postgres refuses one of them, and none is written.
            DatabaseUnavailable: nothing is written.
        """
        await self.write_batch([replace(row, tenant=tenant) for row in rows])

    async def write_batch(self, rows: Sequence[ExecutionRow]) -> None:
        """Write runs of several tenants in one transaction, each tenant's under its own row-level security. Raise as `write`."""
        by_tenant: defaultdict[str, list[ExecutionRow]] = defaultdict(list)
        for row in rows:
            by_tenant[row.tenant].append(row)
        columns = {tenant: await Columns.of(self._database, tenant) for tenant in by_tenant}
        async with self._database.transaction() as connection:
            try:
                async with connection.pipeline():  # one round trip for all
                    for tenant in sorted(
                        by_tenant
                    ):  # the same order everywhere: writers of a tenant wait for each other
                        noted = time.monotonic() < self._noted.get(tenant, 0.0)
                        await write_runs(connection, columns[tenant], tenant, by_tenant[tenant], noted=noted)
            except PipelineAborted as error:  # what follows a refused statement; it looks like a server that is away
                raise DataError("one of the rows is refused") from error
        self._noted |= dict.fromkeys(by_tenant, time.monotonic() + NOTED_SECONDS)

    async def metrics(self, tenant: str, since: datetime | None) -> "Metrics":
        """Return figures over the runs that started in the hour of `since` or later (None: all that are kept)."""
        return await read_metrics(self._database, tenant, since)

    async def series(self, tenant: str, days: int, template: str | None = None) -> FigureSeries:
        """Return figures of the last days over time, see `read_series`."""
        return await read_series(self._database, tenant, days, template)


def _clauses(tenant: str, filter_: Filter) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of a filter, and their values. Raise BadCursor."""
    clauses, values = ["tenant_id = %(tenant)s"], {"tenant": tenant, "limit": filter_.limit + 1}
    compared: dict[str, tuple[str, Any]] = {
        "status": ("status =", filter_.status),
        "template": ("template_key =", filter_.template),
        "trigger": ("trigger_kind =", filter_.trigger),
        "fingerprint": ("fingerprint =", filter_.fingerprint),
        "since": ("started_at >=", filter_.since),
        "until": ("started_at <", filter_.until),
    }
    for name, (comparison, value) in compared.items():
        if value is not None:
            clauses.append(f"{comparison} %({name})s")
            values[name] = storable_text(value) if isinstance(value, str) else value
    if filter_.problem is not None:
        clauses.append(f"problem is {'not ' if filter_.problem else ''}null")
    if filter_.field is not None:
        clauses.append(WITH_FIELD)
    if filter_.fingerprint is not None:
        clauses.append(FAILED)  # there is an index of these
    if filter_.open_failures:
        clauses.append(OPEN_FAILURES)
    if filter_.before is not None:
        when, id_ = parse_cursor(filter_.before)
        values["when"], values["id"] = when, storable_text(id_)
        clauses.append("(started_at, id) < (%(when)s, %(id)s)")
    return clauses, values


async def _events(connection: Connection, tenant: str, id_: str) -> list[DictRow]:
    cursor = await connection.execute(
        "select * from workflow_events where tenant_id = %s and execution_id = %s order by sequence", (tenant, id_)
    )
    return await cursor.fetchall()


async def _step(columns: Columns, row: DictRow) -> StepRow:
    place = (row["execution_id"], str(row["sequence"]))
    error = await open_error(columns, place, row["error"], row["sealed_error"])
    return StepRow(
        row["node"], row["type"], row["run_index"], row["try"], row["status"], row["started_at"], row["finished_at"],
        row["detail"].get("items_in", [row["items_in"]]), row["items_out"], error, row["sequence"],
    )  # fmt: skip


async def _execution(columns: Columns, row: DictRow, steps: Sequence[StepRow] | None = None) -> ExecutionRow:
    return ExecutionRow(
        tenant=row["tenant_id"], id=row["id"], run_id=row["run_id"] or "", template=row["template_key"],
        plan_hash=row["plan_hash"], trigger_kind=row["trigger_kind"], status=row["status"],
        started_at=row["started_at"], closed_at=row["closed_at"], parent_id=row["parent_id"],
        retry_of=row["retry_of"], fingerprint=row["fingerprint"],
        user_id=await open_user(columns, row["user_id"]), step_count=row["steps"], steps=steps,
        error=await open_error(columns, (row["id"],), row["error"], row["sealed_error"]),
        problem=await open_problem(columns, row["id"], row["problem"]),
    )  # fmt: skip
