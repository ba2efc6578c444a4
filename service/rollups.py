# ruff: noqa: S608  # the statements are put together of constants
"""Sums of runs and of agents, per hour: read for metrics, made for rows that were written before there were sums."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from runtime.platform.postgres import Database
from schemas.kinds import RunStatus
from service.execution_writes import AGENT_SUMS, RUN_SUMS, begin_runs

__all__ = ["Metrics", "RollupBackfill", "read_metrics"]

BASE: Final = 1.1
"""Ratio of the bounds of a bucket of durations: a percentile is right to a twentieth."""
CHUNK_ROWS: Final = 5_000
"""Runs that are summed in one transaction."""

RUNS: Final = """
    select template_key, status, duration_bucket, sum(runs)::bigint as runs, sum(steps)::bigint as steps,
        sum(duration_ms) as duration_ms, min(hour) as first_hour
    from run_rollups where tenant_id = %(tenant)s and hour >= %(since)s
    group by template_key, status, duration_bucket having sum(runs) > 0"""
AGENTS: Final = """
    select agent, sum(runs)::bigint as runs, sum(requests)::numeric as requests, sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd, sum(duration_ms) as busy_ms,
        sum(failed)::bigint as failed
    from agent_rollups where tenant_id = %(tenant)s and hour >= %(since)s group by agent order by agent"""

PROBLEMS: Final = """
    select problem ->> 'kind' as kind, count(*) as runs from workflow_executions
    where tenant_id = %(tenant)s and problem is not null group by 1"""


@dataclass(frozen=True)
class Metrics:
    """Rows of figures: `overall` and per template (counts by status, durations in ms), and per agent."""

    overall: dict[str, Any]
    templates: list[dict[str, Any]]
    agents: list[dict[str, Any]]
    problems: dict[str, int] = field(default_factory=dict)
    """Kind of problem -> runs that have it now, whenever they began."""
    complete: bool = True
    """False while the rows of an earlier version are still being summed."""


async def read_metrics(database: Database, tenant: str, since: datetime | None) -> Metrics:
    """Return figures over the runs that started in the hour of `since` or later (None: all that are kept)."""
    values = {"tenant": tenant, "since": since or datetime(1970, 1, 1, tzinfo=UTC)}
    async with database.tenant_transaction(tenant) as connection:
        rows = await (await connection.execute(RUNS, values)).fetchall()
        agents = await (await connection.execute(AGENTS, values)).fetchall()
        problems = await (await connection.execute(PROBLEMS, values)).fetchall()
        waiting = await connection.execute(
            "select from projector_tenants where tenant_id = %s and rollup_position is not null", (tenant,)
        )
        complete = await waiting.fetchone() is None
    by_template: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_template[row["template_key"]].append(row)
    return Metrics(
        figures(rows) | {"first_started_at": min((row["first_hour"] for row in rows), default=None)},
        [{"template_key": key, **figures(by_template[key])} for key in sorted(by_template)],
        [dict(row) for row in agents],
        {row["kind"]: row["runs"] for row in problems},
        complete,
    )


def figures(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return counts by status and durations of rows of sums."""
    counts = dict.fromkeys(RunStatus, 0)
    buckets: defaultdict[int, int] = defaultdict(int)
    steps, total_ms = 0, 0.0
    for row in rows:
        counts[RunStatus(row["status"])] += row["runs"]
        steps += row["steps"]
        if row["duration_bucket"] >= 0:
            buckets[row["duration_bucket"]] += row["runs"]
            total_ms += row["duration_ms"]
    ended = sum(buckets.values())
    return {
        "total": sum(counts.values()), **{status.value: count for status, count in counts.items()}, "steps": steps,
        "mean_ms": total_ms / ended if ended else None,
        "p50_ms": percentile(buckets, 0.5), "p95_ms": percentile(buckets, 0.95),
    }  # fmt: skip


def percentile(buckets: dict[int, int], share: float) -> float | None:
    """Return the milliseconds below which this share of the runs ended; None: none has ended."""
    ended = sum(buckets.values())
    rank, below = math.ceil(share * ended), 0
    for bucket in sorted(buckets):
        below += buckets[bucket]
        if below >= rank and ended:
            return float(BASE ** (bucket - 0.5)) if bucket else 0.5
    return None


NEXT_CHUNK: Final = """
    select max(id) as last, count(*) as rows from (
        select id from workflow_executions where tenant_id = %(tenant)s and id > %(position)s order by id limit %(rows)s) chunk"""
SUM_CHUNK: Final = f"""
    with changes as (select 1 as n, id, template_key, status, started_at, closed_at, steps from workflow_executions
        where tenant_id = %(tenant)s and id > %(position)s and id <= %(last)s) {RUN_SUMS}"""
SUM_AGENTS: Final = f"""
    with changes as (select * from agent_utilization
        where tenant_id = %(tenant)s and execution_id > %(position)s and execution_id <= %(last)s),
    before as (select execution_id, agent from changes where false) {AGENT_SUMS}"""
NOTE_OPEN: Final = """
    insert into open_runs (tenant_id, id, run_id, planned)
    select tenant_id, id, coalesce(run_id, ''), plan_hash <> '' from workflow_executions
    where tenant_id = %(tenant)s and status = 'running' and id > %(position)s and id <= %(last)s
    on conflict do nothing"""


class RollupBackfill:
    """Sums the rows that an earlier version wrote, in chunks, beside all other work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tenants(self, limit: int = 100) -> list[str]:
        """Return tenants whose rows are not all summed yet."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from projector_tenants where rollup_position is not null order by tenant_id limit %s",
                (limit,),
            )
            return [row["tenant_id"] for row in await cursor.fetchall()]

    async def step(self, tenant: str, rows: int = CHUNK_ROWS) -> bool:
        """Sum the next runs of a tenant, and note which of them are open; return whether there are more."""
        async with self._database.tenant_transaction(tenant) as connection:
            await begin_runs(connection, tenant)
            values: dict[str, Any] = {"tenant": tenant, "rows": rows}
            state = await connection.execute(
                "select rollup_position from projector_tenants where tenant_id = %(tenant)s", values
            )
            row = await state.fetchone()
            if row is None or row["rollup_position"] is None:
                return False
            values["position"] = row["rollup_position"]
            chunk = await (await connection.execute(NEXT_CHUNK, values)).fetchone()
            assert chunk is not None  # an aggregate has one row
            last = values["last"] = chunk["last"] if chunk["rows"] == rows else None
            # the position moves first: the sums leave out what is beyond it
            await connection.execute(
                "update projector_tenants set rollup_position = %(last)s where tenant_id = %(tenant)s", values
            )
            if chunk["rows"]:
                values["last"] = chunk["last"]
                for statement in (SUM_CHUNK, SUM_AGENTS, NOTE_OPEN):
                    await connection.execute(statement.encode(), values)
        return last is not None
