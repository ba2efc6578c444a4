# ruff: noqa: S608  # the statements are put together of constants
"""Write rows of runs, with their steps, their model requests and the sums of them. Everything may be written again."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from runtime.platform.postgres import Connection
from service.columns import Columns
from service.execution_rows import ExecutionRow, StepRow, UsageRow
from service.failure_fingerprint import fingerprint
from service.run_columns import error_pair, seal_problem, seal_user
from service.run_fields import field_hashes
from service.storable import MAX_INTEGER, storable_count, storable_text

__all__ = ["begin_runs", "write_runs"]

MAX_COST: Final = 10**8 - 1
"""US dollars of one request that the column takes."""
BEGIN: Final = """
    select set_config('app.tenant_id', %(tenant)s, true),
        pg_advisory_xact_lock(hashtextextended('runs of ' || %(tenant)s, 0))"""

DURATION_BUCKET: Final = """case when closed_at is null then -1
    else greatest(0, least(1000, 1 + floor(ln(greatest(1e-3, extract(epoch from closed_at - started_at) * 1000)) / ln(1.1))))
    end::integer"""
"""Of a run: see `run_rollups.duration_bucket`."""
RUN_SUMS: Final = f"""
    insert into run_rollups (tenant_id, hour, template_key, status, duration_bucket, runs, steps, duration_ms)
    select %(tenant)s, date_trunc('hour', started_at, 'UTC'), template_key, status, {DURATION_BUCKET},
        sum(n), sum(n * steps), coalesce(sum(n * extract(epoch from closed_at - started_at) * 1000), 0)
    from changes where not exists (select from projector_tenants p
        where p.tenant_id = %(tenant)s and changes.id > p.rollup_position)
    group by 2, 3, 4, 5 having sum(n) <> 0 or sum(n * steps) <> 0
    on conflict (tenant_id, hour, template_key, status, duration_bucket) do update set
        runs = run_rollups.runs + excluded.runs, steps = run_rollups.steps + excluded.steps,
        duration_ms = run_rollups.duration_ms + excluded.duration_ms"""
"""Add `changes` (rows of runs, n = 1 or -1) to the sums, but for runs that the back-fill has not reached yet."""
BEFORE: Final = """select id, template_key, status, started_at, closed_at, steps
        from workflow_executions where tenant_id = %(tenant)s and id = any(%(id)s::text[])"""

UPSERT_RUNS: Final = f"""
    with incoming as (
        select * from unnest(%(id)s::text[], %(run_id)s::text[], %(template)s::text[], %(plan_hash)s::text[],
            %(user_id)s::text[], %(trigger_kind)s::text[], %(status)s::text[], %(started_at)s::timestamptz[],
            %(closed_at)s::timestamptz[], %(steps)s::integer[], %(error)s::text[], %(usage)s::text[],
            %(parent_id)s::text[], %(problem)s::text[], %(sealed_error)s::bytea[], %(fingerprint)s::text[], %(retry_of)s::text[],
            %(retry_kind)s::text[], %(retry_reason)s::text[],
            %(retry_attempts)s::integer[], %(retry_after)s::interval[])
        as each (id, run_id, template_key, plan_hash, user_id, trigger_kind, status, started_at, closed_at, steps, error,
            usage, parent_id, problem, sealed_error, fingerprint, retry_of, retry_kind, retry_reason, retry_attempts, retry_after)
    ), before as materialized ({BEFORE}), written as (
        insert into workflow_executions as stored (tenant_id, id, run_id, template_key, template_version, plan_hash,
            user_id, trigger_kind, status, started_at, closed_at, steps, error, usage, parent_id, problem, sealed_error,
            fingerprint, retry_of)
        select %(tenant)s, id, run_id, template_key,
            (select version from workflow_templates t where t.key = incoming.template_key
                and t.plan_hash = incoming.plan_hash and t.tenant_id in (%(tenant)s, '*')
             order by (t.tenant_id = '*') limit 1),
            plan_hash, user_id, trigger_kind, status, started_at, closed_at, steps, error::json, usage::jsonb, parent_id,
            problem::json, sealed_error, fingerprint, retry_of
        from incoming
        on conflict (tenant_id, id) do update set run_id = excluded.run_id, status = excluded.status,
            -- a schedule's run has no plan before its first workflow task
            plan_hash = coalesce(nullif(excluded.plan_hash, ''), stored.plan_hash),
            template_version = coalesce(excluded.template_version, stored.template_version),
            trigger_kind = coalesce(nullif(excluded.trigger_kind, ''), stored.trigger_kind),
            user_id = coalesce(excluded.user_id, stored.user_id),
            started_at = least(stored.started_at, excluded.started_at), closed_at = excluded.closed_at,
            steps = greatest(stored.steps, excluded.steps), error = excluded.error,
            sealed_error = excluded.sealed_error, fingerprint = excluded.fingerprint,
            retry_of = coalesce(excluded.retry_of, stored.retry_of), usage = excluded.usage,
            problem = case when excluded.problem ->> 'cause' = stored.problem ->> 'cause' then stored.problem
                -- what a list does not show of an open run: the search for problems writes and clears it
                when excluded.problem is null and (excluded.run_id, excluded.status) = (stored.run_id, 'running')
                    and stored.problem ->> 'kind' <> 'unreadable' then stored.problem
                else excluded.problem end,
            updated_at = case when (stored.run_id, stored.status) = (excluded.run_id, excluded.status)
                and stored.steps >= excluded.steps then stored.updated_at else now() end
        -- a late sighting of the open run must not reopen what has been closed since
        where not (stored.status <> 'running' and excluded.status = 'running' and stored.run_id = excluded.run_id)
        returning id, template_key, status, started_at, closed_at, steps, run_id, plan_hash
    ), opened as (
        insert into open_runs (tenant_id, id, run_id, planned)
        select %(tenant)s, id, run_id, plan_hash <> '' from written where status = 'running'
        on conflict (tenant_id, id) do update set run_id = excluded.run_id, planned = excluded.planned, seen_at = now(),
            problem = case when open_runs.run_id = excluded.run_id then open_runs.problem end
    ), ended as (
        delete from open_runs
        where tenant_id = %(tenant)s and id in (select id from written where status <> 'running')
    ), read_again as (
        insert into projector_retries (tenant_id, id, run_id, kind, reason, attempts, next_try)
        select %(tenant)s, id, run_id, retry_kind, retry_reason, retry_attempts, now() + retry_after
        from incoming where retry_kind is not null and id in (select id from written)
        on conflict (tenant_id, id) do update set run_id = excluded.run_id, kind = excluded.kind,
            reason = excluded.reason, attempts = excluded.attempts, next_try = excluded.next_try
    ), done as (
        delete from projector_retries
        where tenant_id = %(tenant)s and id in (select id from incoming where retry_kind is null)
    ), changes as (
        select 1 as n, id, template_key, status, started_at, closed_at, steps from written
        union all select -1, * from before where id in (select id from written)
    ) {RUN_SUMS}"""
DELETE_RUNS: Final = f"""
    with gone as (delete from workflow_executions where tenant_id = %(tenant)s and id = any(%(id)s::text[])
        returning id, template_key, status, started_at, closed_at, steps),
    changes as (select -1 as n, * from gone) {RUN_SUMS}"""
UPSERT_EVENT: Final = """
    insert into workflow_events (tenant_id, execution_id, sequence, node, type, run_index, try, status, started_at,
        finished_at, items_in, items_out, error, sealed_error, detail)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (tenant_id, execution_id, sequence) do nothing"""
AGENT_SUMS: Final = """, of_templates as (
    insert into template_usage_rollups as sums (tenant_id, hour, template_key, requests, failed, input_tokens, output_tokens,
        cost_usd)
    select %(tenant)s, date_trunc('hour', occurred_at, 'UTC'), run.template_key, sum(requests),
        count(*) filter (where changes.status <> 'success'), sum(input_tokens), sum(output_tokens), sum(cost_usd)
    from changes join workflow_executions run on run.tenant_id = %(tenant)s and run.id = changes.execution_id
    where not exists (select from projector_tenants p
        where p.tenant_id = %(tenant)s and changes.execution_id > p.rollup_position)
    group by 2, 3
    on conflict (tenant_id, hour, template_key) do update set requests = sums.requests + excluded.requests,
        failed = sums.failed + excluded.failed, input_tokens = sums.input_tokens + excluded.input_tokens,
        output_tokens = sums.output_tokens + excluded.output_tokens,
        cost_usd = coalesce(sums.cost_usd + excluded.cost_usd, sums.cost_usd, excluded.cost_usd))
    insert into agent_rollups (tenant_id, hour, agent, runs, requests, failed, input_tokens, output_tokens, cost_usd,
        duration_ms)
    select %(tenant)s, date_trunc('hour', occurred_at, 'UTC'), agent,
        count(distinct execution_id) filter (where not exists (select from before b
            where b.execution_id = changes.execution_id and b.agent = changes.agent)),
        sum(requests), count(*) filter (where status <> 'success'), sum(input_tokens), sum(output_tokens),
        sum(cost_usd), sum(duration_ms)
    from changes where not exists (select from projector_tenants p
        where p.tenant_id = %(tenant)s and changes.execution_id > p.rollup_position)
    group by 2, 3
    on conflict (tenant_id, hour, agent) do update set runs = agent_rollups.runs + excluded.runs,
        requests = agent_rollups.requests + excluded.requests, failed = agent_rollups.failed + excluded.failed,
        input_tokens = agent_rollups.input_tokens + excluded.input_tokens,
        output_tokens = agent_rollups.output_tokens + excluded.output_tokens,
        cost_usd = coalesce(agent_rollups.cost_usd + excluded.cost_usd, agent_rollups.cost_usd, excluded.cost_usd),
        duration_ms = agent_rollups.duration_ms + excluded.duration_ms"""
"""Add `changes` (rows of model requests) to the sums of templates and of agents, after the statements that make it."""
INSERT_USAGE: Final = f"""
    with incoming as (
        select * from unnest(%(execution_id)s::text[], %(sequence)s::bigint[], %(agent)s::text[], %(node)s::text[],
            %(model)s::text[], %(requests)s::integer[], %(input_tokens)s::bigint[], %(output_tokens)s::bigint[],
            %(cost_usd)s::numeric[], %(duration_ms)s::integer[], %(status)s::text[], %(occurred_at)s::timestamptz[])
        as each (execution_id, sequence, agent, node, model, requests, input_tokens, output_tokens, cost_usd, duration_ms,
            status, occurred_at)
    ), before as materialized (
        select distinct execution_id, agent from agent_utilization
        where tenant_id = %(tenant)s and execution_id = any(%(execution_id)s::text[])
    ), changes as (
        insert into agent_utilization (tenant_id, execution_id, sequence, agent, node, model, requests, input_tokens,
            output_tokens, cost_usd, duration_ms, status, occurred_at)
        select %(tenant)s, * from incoming
        on conflict (tenant_id, execution_id, sequence) do nothing returning *
    ) {AGENT_SUMS}"""
NOTE_TENANT: Final = """
    insert into projector_tenants (tenant_id, rollup_position)
    select %(tenant)s, case when exists (select from workflow_executions where tenant_id = %(tenant)s) then '' end
    where not exists (select from projector_tenants where tenant_id = %(tenant)s)
    on conflict do nothing"""
"""A tenant whose first row this is has nothing to back-fill."""

FIELDS: Final = b"""
    insert into run_fields (tenant_id, field, execution_id)
    select %(tenant)s, each.field, each.id from unnest(%(field)s::text[], %(id)s::text[]) as each (field, id)
    where exists (select from workflow_executions e where e.tenant_id = %(tenant)s and e.id = each.id)
    on conflict do nothing"""
ARCHIVE: Final = b"""
    with taken as (delete from run_ends where tenant_id = %(tenant)s and execution_id = any(%(id)s::text[]))
    insert into run_archive (tenant_id, execution_id, sealed)
    select %(tenant)s, each.id, each.sealed from unnest(%(id)s::text[], %(sealed)s::bytea[]) as each (id, sealed)
    on conflict (tenant_id, execution_id) do update set sealed = excluded.sealed"""


async def begin_runs(connection: Connection, tenant: str) -> None:
    """Let the transaction see the rows of `tenant`, and wait until no other one writes runs of it: sums are differences to what
    is stored.
    """
    await connection.execute(BEGIN, {"tenant": tenant})


async def write_runs(
    connection: Connection, columns: Columns, tenant: str, rows: Sequence[ExecutionRow], *, noted: bool
) -> None:
    """Insert or update runs of one tenant, in a transaction.

    Args:
        connection: in a transaction.
        columns: seals for the tenant.
        tenant: whose runs they are.
        rows: the runs.
        noted: the tenant has had runs before.

    Raises:
        psycopg.Error: Postgres refuses one of them; the transaction is lost.
    """
    await begin_runs(connection, tenant)
    if not noted:
        await connection.execute(NOTE_TENANT, {"tenant": tenant})
    if empty := [storable_text(row.id) for row in rows if row.empty]:
        await connection.execute(DELETE_RUNS.encode(), {"tenant": tenant, "id": empty})
    rows = _latest(row for row in rows if not row.empty)
    if rows:
        await connection.execute(UPSERT_RUNS.encode(), _columns(columns, tenant, rows))
        await _write_steps(connection, columns, tenant, [row for row in rows if row.steps is not None])
        if pairs := [(hash_, storable_text(row.id)) for row in rows for hash_ in field_hashes(columns, row.fields)]:
            hashes, ids = ([pair[place] for pair in pairs] for place in (0, 1))
            await connection.execute(FIELDS, {"tenant": tenant, "field": hashes, "id": ids})
        if archived := [row for row in rows if row.archive is not None]:
            ids = [storable_text(row.id) for row in archived]
            await connection.execute(
                ARCHIVE, {"tenant": tenant, "id": ids, "sealed": [row.archive for row in archived]}
            )


def _latest(rows: Iterable[ExecutionRow]) -> list[ExecutionRow]:
    """Return the last run of each id: a statement cannot write one row twice."""
    by_id: dict[str, ExecutionRow] = {}
    for row in rows:
        other = by_id.get(row.id)
        if other is None or (row.started_at, row.closed_at is not None) >= (
            other.started_at,
            other.closed_at is not None,
        ):
            by_id[row.id] = row
    return sorted(by_id.values(), key=lambda row: row.id)


async def _write_steps(connection: Connection, columns: Columns, tenant: str, rows: Sequence[ExecutionRow]) -> None:
    if events := [_event(columns, row, step) for row in rows for step in row.steps or ()]:
        await connection.cursor().executemany(UPSERT_EVENT, events)
    if usage := [_usage(row, place, each) for row in rows for place, each in enumerate(row.usage)]:
        values = {name: [each[name] for each in usage] for name in usage[0]}
        await connection.execute(INSERT_USAGE.encode(), {"tenant": tenant, **values})


def _columns(columns: Columns, tenant: str, rows: Sequence[ExecutionRow]) -> dict[str, Any]:
    values = [_values(columns, row) for row in rows]
    return {"tenant": tenant, **{name: [each[name] for each in values] for name in values[0]}}


def _values(columns: Columns, row: ExecutionRow) -> dict[str, Any]:
    retry, id_ = row.retry, storable_text(row.id)
    error, sealed_error = error_pair(columns, (id_,), row.error)
    usage = {
        "requests": sum(storable_count(each.requests) for each in row.usage),
        "input_tokens": sum(storable_count(each.input_tokens) for each in row.usage),
        "output_tokens": sum(storable_count(each.output_tokens) for each in row.usage),
    }
    return {
        "id": id_, "run_id": storable_text(row.run_id), "template": storable_text(row.template),
        "plan_hash": storable_text(row.plan_hash), "user_id": seal_user(columns, row.user_id),
        "trigger_kind": storable_text(row.trigger_kind), "status": str(row.status), "started_at": row.started_at,
        "closed_at": row.closed_at, "steps": storable_count(row.step_count, MAX_INTEGER), "error": error, "sealed_error": sealed_error,
        "fingerprint": fingerprint(columns, row.error), "retry_of": _text(row.retry_of),
        "usage": json.dumps(usage if row.usage else {}), "parent_id": _text(row.parent_id), "problem": seal_problem(columns, id_, row.problem),
        "retry_kind": retry.kind if retry else None, "retry_reason": retry.reason if retry else None,
        "retry_attempts": retry.attempts if retry else None, "retry_after": retry.after if retry else None,
    }  # fmt: skip


def _event(columns: Columns, row: ExecutionRow, step: StepRow) -> tuple[Any, ...]:
    items_in = [storable_count(each, MAX_INTEGER) for each in step.items_in]
    detail = {"items_in": items_in} if len(items_in) > 1 else {}
    id_ = storable_text(row.id)
    return (
        row.tenant, id_, step.place, storable_text(step.node), storable_text(step.type),
        storable_count(step.run, MAX_INTEGER), storable_count(step.tries, MAX_INTEGER), storable_text(step.status),
        step.started_at, step.finished_at, min(sum(items_in), MAX_INTEGER),
        [storable_count(each, MAX_INTEGER) for each in step.items_out], *error_pair(columns, (id_, str(step.place)), step.error),
        json.dumps(detail),
    )  # fmt: skip


def _usage(row: ExecutionRow, place: int, each: UsageRow) -> dict[str, Any]:
    return {
        "execution_id": storable_text(row.id), "sequence": place, "agent": storable_text(each.agent, 1000),
        "node": storable_text(each.node), "model": _text(each.model), "requests": storable_count(each.requests, MAX_INTEGER),
        "input_tokens": storable_count(each.input_tokens), "output_tokens": storable_count(each.output_tokens),
        "cost_usd": _cost(each.cost_usd), "duration_ms": storable_count(each.duration_ms, MAX_INTEGER),
        "status": storable_text(each.status), "occurred_at": each.occurred_at,
    }  # fmt: skip


def _cost(cost: Any) -> float | None:
    """Return dollars that the column takes; None for what is no number."""
    try:
        dollars = float(cost)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(dollars, 0.0), MAX_COST) if dollars == dollars else None  # noqa: PLR0124  # NaN is unequal to itself


def _text(value: Any, limit: int | None = None) -> str | None:
    return None if value is None else storable_text(str(value), limit)
