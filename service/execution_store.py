"""The projection of runs in Postgres: written in batches by the projector, read by lists, history and metrics."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg.rows import DictRow

from runtime.platform.postgres import Connection, Database
from schemas.kinds import RunStatus

__all__ = ["BadCursor", "ExecutionRow", "ExecutionStore", "Filter", "StepRow", "UsageRow"]

STATUSES: Final = tuple(status.value for status in RunStatus)


class BadCursor(ValueError):
    """A page cursor that `cursor_of` did not return."""


@dataclass(frozen=True)
class StepRow:
    """One run of one node."""

    node: str
    type: str
    run: int
    tries: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    items_in: list[int]
    items_out: list[int]
    error: dict[str, Any] | None
    place: int = 0
    """Its number among the steps of the run."""


@dataclass(frozen=True)
class UsageRow:
    """One model request of an agent."""

    agent: str
    node: str
    model: str | None
    input_tokens: int
    output_tokens: int
    duration_ms: int
    status: str
    occurred_at: datetime
    cost_usd: float | None = None
    requests: int = 1


@dataclass(frozen=True)
class ExecutionRow:
    """One run, with its steps when it is about to be written."""

    tenant: str
    id: str
    run_id: str
    template: str
    plan_hash: str
    trigger_kind: str
    status: str
    started_at: datetime
    closed_at: datetime | None = None
    user_id: str | None = None
    parent_id: str | None = None
    error: dict[str, Any] | None = None
    step_count: int = 0
    steps: Sequence[StepRow] | None = None
    """None: not known, so stored steps stay."""
    usage: Sequence[UsageRow] = field(default_factory=list)
    history_kept: bool = True
    """False: by the settings of its workflow, only this row is kept of the run."""
    empty: bool = False
    """A poll that found nothing: n8n does not list such a run, so no row is kept."""


@dataclass(frozen=True)
class Filter:
    """Which runs to list. `before` is a cursor of the page before."""

    status: str | None = None
    template: str | None = None
    user_id: str | None = None
    before: str | None = None
    limit: int = 50


def cursor_of(row: ExecutionRow) -> str:
    """Return the cursor of the page that follows `row`."""
    return base64.urlsafe_b64encode(f"{row.started_at.isoformat()}|{row.id}".encode()).decode().rstrip("=")


def _parse_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        when, _, id_ = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        position = datetime.fromisoformat(when)
    except (binascii.Error, ValueError) as error:
        raise BadCursor("the cursor is not one of ours") from error
    if position.tzinfo is None or not id_:
        raise BadCursor("the cursor is not one of ours")
    return position, id_


class ExecutionStore:
    """Rows of `workflow_executions`, `workflow_events` and `agent_utilization`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: str, filter_: Filter) -> list[ExecutionRow]:
        """Return runs, newest first; one more than `limit` when there is a next page.

        Raises:
            BadCursor: `before` is not a cursor of this list.
        """
        clauses, values = ["tenant_id = %(tenant)s"], {"tenant": tenant, "limit": filter_.limit + 1}
        for column, value in (
            ("status", filter_.status), ("template_key", filter_.template), ("user_id", filter_.user_id)
        ):  # fmt: skip
            if value is not None:
                clauses.append(f"{column} = %({column})s")
                values[column] = value
        if filter_.before is not None:
            values["when"], values["id"] = _parse_cursor(filter_.before)
            clauses.append("(started_at, id) < (%(when)s, %(id)s)")
        query = (
            f"select * from workflow_executions where {' and '.join(clauses)}"  # noqa: S608  # names are ours
            " order by started_at desc, id desc limit %(limit)s"
        )
        async with self._database.tenant_transaction(tenant) as connection:
            rows = await (await connection.execute(query.encode(), values)).fetchall()
        return [_execution(row) for row in rows]

    async def get(self, tenant: str, id_: str, *, with_steps: bool = False) -> ExecutionRow | None:
        """Return one run; None when the tenant has none of that id."""
        async with self._database.tenant_transaction(tenant) as connection:
            row = await (
                await connection.execute(
                    "select * from workflow_executions where tenant_id = %s and id = %s", (tenant, id_)
                )
            ).fetchone()
            if row is None:
                return None
            steps = await _steps(connection, tenant, id_) if with_steps else None
        return _execution(row, steps)

    async def write(self, tenant: str, rows: Sequence[ExecutionRow]) -> None:
        """Insert or update runs with their steps, in one transaction. Writing the same again changes nothing."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = connection.cursor()
            if empty := [row.id for row in rows if row.empty]:
                await cursor.execute(
                    "delete from workflow_executions where tenant_id = %s and id = any(%s)", (tenant, empty)
                )
            rows = [row for row in rows if not row.empty]
            await cursor.executemany(UPSERT, [_values(row) for row in rows])
            closed = [row for row in rows if row.steps is not None]
            await cursor.executemany(UPSERT_EVENT, [_event(row, step) for row in closed for step in row.steps or ()])
            await cursor.executemany(
                UPSERT_USAGE, [_usage(row, place, each) for row in closed for place, each in enumerate(row.usage)]
            )

    async def open_before(self, tenant: str, age: timedelta, limit: int = 200) -> list[ExecutionRow]:
        """Return runs that count as open and were last seen longer than `age` ago, `limit` at most."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select * from workflow_executions where tenant_id = %s and status = 'running'"
                " and updated_at < now() - %s order by updated_at limit %s",
                (tenant, age, limit),
            )
            return [_execution(row) for row in await cursor.fetchall()]

    async def touch(self, tenant: str, ids: Sequence[str]) -> None:
        """Record that these runs are still open."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "update workflow_executions set updated_at = now() where tenant_id = %s and id = any(%s)",
                (tenant, list(ids)),
            )

    async def metrics(self, tenant: str, since: datetime | None) -> "Metrics":
        """Return figures over the runs that started at or after `since` (None: all that are stored)."""
        values = {"tenant": tenant, "since": since or datetime(1970, 1, 1, tzinfo=UTC)}
        async with self._database.tenant_transaction(tenant) as connection:
            by_template = await (await connection.execute(BY_TEMPLATE, values)).fetchall()
            overall = await (await connection.execute(OVERALL, values)).fetchone()
            agents = await (await connection.execute(BY_AGENT, values)).fetchall()
        return Metrics(dict(overall or {}), [dict(row) for row in by_template], [dict(row) for row in agents])


@dataclass(frozen=True)
class Metrics:
    """Rows of figures: `overall` and per template (counts by status, durations in ms), and per agent."""

    overall: dict[str, Any]
    templates: list[dict[str, Any]]
    agents: list[dict[str, Any]]


FIGURES: Final = """
    count(*) as total,
    count(*) filter (where status = 'running') as running,
    count(*) filter (where status = 'completed') as completed,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'canceled') as canceled,
    count(*) filter (where status = 'terminated') as terminated,
    count(*) filter (where status = 'timed_out') as timed_out,
    coalesce(sum(steps), 0) as steps,
    avg(extract(epoch from closed_at - started_at) * 1000) as mean_ms,
    percentile_cont(0.5) within group (order by extract(epoch from closed_at - started_at) * 1000) as p50_ms,
    percentile_cont(0.95) within group (order by extract(epoch from closed_at - started_at) * 1000) as p95_ms
    from workflow_executions where tenant_id = %(tenant)s and started_at >= %(since)s"""
OVERALL: Final = f"select min(started_at) as first_started_at, {FIGURES}".encode()
BY_TEMPLATE: Final = f"select template_key, {FIGURES} group by template_key order by template_key".encode()
BY_AGENT: Final = b"""
    select agent, count(distinct execution_id) as runs, sum(requests) as requests, sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd, sum(duration_ms) as busy_ms,
    count(*) filter (where status <> 'success') as failed
    from agent_utilization where tenant_id = %(tenant)s and occurred_at >= %(since)s group by agent order by agent"""

UPSERT: Final = """
    insert into workflow_executions (tenant_id, id, run_id, template_key, template_version, plan_hash, user_id,
        trigger_kind, status, started_at, closed_at, steps, error, usage, parent_id)
    values (%(tenant)s, %(id)s, %(run_id)s, %(template)s,
        (select version from workflow_templates where key = %(template)s and plan_hash = %(plan_hash)s
         order by (tenant_id = '*') limit 1),
        %(plan_hash)s, %(user_id)s, %(trigger_kind)s, %(status)s, %(started_at)s, %(closed_at)s, %(step_count)s,
        %(error)s, %(usage)s, %(parent_id)s)
    on conflict (tenant_id, id) do update set run_id = excluded.run_id, status = excluded.status,
        started_at = least(workflow_executions.started_at, excluded.started_at), closed_at = excluded.closed_at,
        steps = greatest(workflow_executions.steps, excluded.steps), error = excluded.error, usage = excluded.usage,
        updated_at = now()
    -- a late sighting of the open run must not reopen what has been closed since
    where not (workflow_executions.status <> 'running' and excluded.status = 'running'
               and workflow_executions.run_id = excluded.run_id)"""
UPSERT_EVENT: Final = """
    insert into workflow_events (tenant_id, execution_id, sequence, node, type, run_index, try, status, started_at,
        finished_at, items_in, items_out, error, detail)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (tenant_id, execution_id, sequence) do nothing"""
UPSERT_USAGE: Final = """
    insert into agent_utilization (tenant_id, execution_id, sequence, agent, node, model, requests, input_tokens,
        output_tokens, cost_usd, duration_ms, status, occurred_at)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (tenant_id, execution_id, sequence) do nothing"""


def _values(row: ExecutionRow) -> dict[str, Any]:
    usage = {
        "requests": sum(each.requests for each in row.usage),
        "input_tokens": sum(each.input_tokens for each in row.usage),
        "output_tokens": sum(each.output_tokens for each in row.usage),
    }
    return {
        "tenant": row.tenant, "id": row.id, "run_id": row.run_id, "template": row.template, "plan_hash": row.plan_hash,
        "user_id": row.user_id, "trigger_kind": row.trigger_kind, "status": row.status, "started_at": row.started_at,
        "closed_at": row.closed_at, "step_count": row.step_count, "parent_id": row.parent_id,
        "error": _json(row.error), "usage": json.dumps(usage if row.usage else {}),
    }  # fmt: skip


def _event(row: ExecutionRow, step: StepRow) -> tuple[Any, ...]:
    detail = {"items_in": step.items_in} if len(step.items_in) > 1 else {}
    return (
        row.tenant, row.id, step.place, step.node, step.type, step.run, step.tries, step.status, step.started_at,
        step.finished_at, sum(step.items_in), step.items_out, _json(step.error), json.dumps(detail),
    )  # fmt: skip


def _usage(row: ExecutionRow, place: int, each: UsageRow) -> tuple[Any, ...]:
    return (
        row.tenant, row.id, place, each.agent, each.node, each.model, each.requests, each.input_tokens,
        each.output_tokens, each.cost_usd, each.duration_ms, each.status, each.occurred_at,
    )  # fmt: skip


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


async def _steps(connection: Connection, tenant: str, id_: str) -> list[StepRow]:
    cursor = await connection.execute(
        "select * from workflow_events where tenant_id = %s and execution_id = %s order by sequence", (tenant, id_)
    )
    return [
        StepRow(row["node"], row["type"], row["run_index"], row["try"], row["status"], row["started_at"],
                row["finished_at"], row["detail"].get("items_in", [row["items_in"]]), row["items_out"], row["error"], row["sequence"])
        for row in await cursor.fetchall()
    ]  # fmt: skip


def _execution(row: DictRow, steps: Sequence[StepRow] | None = None) -> ExecutionRow:
    return ExecutionRow(
        tenant=row["tenant_id"], id=row["id"], run_id=row["run_id"] or "", template=row["template_key"],
        plan_hash=row["plan_hash"], trigger_kind=row["trigger_kind"], status=row["status"],
        started_at=row["started_at"], closed_at=row["closed_at"], user_id=row["user_id"], parent_id=row["parent_id"],
        error=row["error"], step_count=row["steps"], steps=steps,
    )  # fmt: skip
