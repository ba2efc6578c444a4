"""Figures over time, from sums per hour: runs by status, their durations, tokens and cost by template and by agent."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.platform.postgres import Database
from schemas.kinds import RunStatus
from service.rollups import percentile

__all__ = ["SPANS", "FigureSeries", "UsageSeries", "read_series"]

SPANS: Final[Mapping[int, int]] = {1: 1, 7: 6, 30: 24, 90: 24}
"""Days that figures go back -> hours of a point."""
MOST_NAMES: Final = 8
"""Templates or agents with a line of their own: those that used most; the others are one line together."""
OTHERS: Final = "others"

RUNS: Final = """
    select date_bin(%(step)s, hour, %(since)s) as at, status, duration_bucket, sum(runs)::bigint as runs
    from run_rollups where tenant_id = %(tenant)s and hour >= %(since)s and hour < %(until)s
        and (%(template)s::text is null or template_key = %(template)s) group by 1, 2, 3 having sum(runs) > 0"""
BY_TEMPLATE: Final = """
    select date_bin(%(step)s, hour, %(since)s) as at, template_key as name, sum(input_tokens + output_tokens)::bigint as tokens,
        sum(cost_usd) as cost_usd
    from template_usage_rollups where tenant_id = %(tenant)s and hour >= %(since)s and hour < %(until)s
        and (%(template)s::text is null or template_key = %(template)s) group by 1, 2"""
BY_AGENT: Final = """
    select date_bin(%(step)s, hour, %(since)s) as at, agent as name, sum(input_tokens + output_tokens)::bigint as tokens,
        sum(cost_usd) as cost_usd
    from agent_rollups where tenant_id = %(tenant)s and hour >= %(since)s and hour < %(until)s group by 1, 2"""


@dataclass(frozen=True)
class UsageSeries:
    """What models used; a value per point, by name."""

    tokens: Mapping[str, Sequence[int]]
    """Of both directions."""
    cost_usd: Mapping[str, Sequence[float | None]]
    """Of requests whose price is known; None: of none. A name of whose requests no price is known is left out."""


@dataclass(frozen=True)
class FigureSeries:
    """Values per point of time."""

    times: Sequence[datetime]
    """When each point begins (UTC); runs and requests count by when they began."""
    hours: int
    """Of a point."""
    runs: Mapping[str, Sequence[int]]
    """Status -> runs, in the order of statuses; those that no run has are left out."""
    p50_ms: Sequence[float | None]
    p95_ms: Sequence[float | None]
    """Durations of runs that have ended; None: none has."""
    templates: UsageSeries
    agents: UsageSeries
    """Empty where a template is asked for: the sums of agents do not tell templates apart."""


async def read_series(
    database: Database, tenant: str, days: int, template: str | None = None, now: datetime | None = None
) -> FigureSeries:
    """Return the figures of the last days, up to the hour that goes on.

    Args:
        database: with the sums.
        tenant: whose.
        days: one of `SPANS`.
        template: of one template alone.
        now: the end; None: this moment.

    Raises:
        DatabaseUnavailable: Postgres does not answer, or takes too long.
    """
    hours = SPANS[days]
    step = timedelta(hours=hours)
    until = (now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = until - timedelta(days=days)
    times = [since + number * step for number in range(round((until - since) / step))]
    values = {"tenant": tenant, "since": since, "until": until, "step": step, "template": template}
    async with database.tenant_transaction(tenant) as connection:
        runs = await (await connection.execute(RUNS, values)).fetchall()
        templates = await (await connection.execute(BY_TEMPLATE, values)).fetchall()
        agents = await (await connection.execute(BY_AGENT, values)).fetchall() if template is None else []
    places = {at: number for number, at in enumerate(times)}
    return FigureSeries(
        times, hours, *_runs(runs, places), templates=_usage(templates, places), agents=_usage(agents, places)
    )  # fmt: skip


def _runs(
    rows: Iterable[Mapping[str, Any]], places: Mapping[datetime, int]
) -> tuple[dict[str, list[int]], list[float | None], list[float | None]]:
    """Return runs by status, and both percentiles."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(places))
    buckets: list[defaultdict[int, int]] = [defaultdict(int) for _ in places]
    for row in rows:
        place = places[row["at"]]
        counts[row["status"]][place] += row["runs"]
        if row["duration_bucket"] >= 0:
            buckets[place][row["duration_bucket"]] += row["runs"]
    ordered = {status.value: counts[status] for status in RunStatus if status in counts}
    return ordered, [percentile(each, 0.5) for each in buckets], [percentile(each, 0.95) for each in buckets]


def _usage(rows: Sequence[Mapping[str, Any]], places: Mapping[datetime, int]) -> UsageSeries:
    total: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        total[row["name"]] += row["tokens"]
    largest = sorted(total, key=lambda name: (-total[name], name))[:MOST_NAMES]
    names = [*largest, OTHERS] if len(total) > len(largest) else largest
    tokens = {name: [0] * len(places) for name in names}
    cost: dict[str, list[float | None]] = {name: [None] * len(places) for name in names}
    for row in rows:
        name = row["name"] if row["name"] in largest else OTHERS
        place = places[row["at"]]
        tokens[name][place] += row["tokens"]
        if row["cost_usd"] is not None:
            cost[name][place] = round((cost[name][place] or 0.0) + float(row["cost_usd"]), 6)
    return UsageSeries(tokens, {name: line for name, line in cost.items() if any(each is not None for each in line)})
