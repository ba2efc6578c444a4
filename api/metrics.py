"""Figures over the runs of the tenant, from sums per hour: JSON, or Prometheus text when the Accept header asks for it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel, Field

from api.access import needs
from api.authentication import Principal
from api.dependencies import Dependencies
from api.models import Moment
from api.openapi import problems
from api.problems import BadRequest
from schemas.kinds import RunStatus
from service.api_keys import KeyScope
from service.execution_store import STATUSES, Metrics
from service.figure_series import SPANS, FigureSeries, UsageSeries
from service.run_problems.problem import KINDS

__all__ = ["AgentFigures", "MetricsController", "SeriesAnswer", "read_metrics", "read_series"]

DEFAULT_HOURS: Final = 24.0
MAX_HOURS: Final = 24.0 * 3650
ENDED_BY_ITSELF: Final = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.TERMINATED)
"""Statuses that the success rate counts: not runs that go on, nor cancelled ones."""


class Durations(BaseModel):
    """Over the runs that have ended; null when there is none. Percentiles are right to a twentieth."""

    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None


class RunFigures(BaseModel):
    """Figures over a set of runs."""

    total: int
    by_status: dict[str, int]
    success_rate: float | None = Field(description="completed / ended by themselves, 0 to 1; null when none has ended")
    steps: int
    duration: Durations


class TemplateFigures(RunFigures):
    """Figures over the runs of one template."""

    workflow_template: str
    share: float = Field(description="Of all runs, 0 to 1")


class AgentFigures(BaseModel):
    """What one agent did."""

    agent: str
    runs: int
    requests: int
    failed: int
    success_rate: float | None = Field(
        description="Requests that did not fail / requests, 0 to 1; null without requests"
    )
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = Field(description="Of requests whose price is known; null when none is")
    busy_ms: int
    utilization: float = Field(description="Share of the window in which it worked; over 1 when runs overlap")


class MetricsAnswer(BaseModel):
    """Sums over whole hours, by when runs began. They follow the runs within a second."""

    tenant_id: str
    window: dict[str, str | None]
    complete: bool = Field(description="false after an upgrade, while runs of the earlier version are being summed")
    runs: RunFigures
    problems: dict[str, int] = Field(
        description="Runs that are stuck or incomplete now, whenever they began, by kind of problem: workflow_task, worker, "
        "activity, unreadable"
    )
    templates: list[TemplateFigures]
    agents: list[AgentFigures]


class UsageSeriesAnswer(BaseModel):
    """What models used: name -> a value per point. The eight that used most have a line each, the rest is `others`."""

    tokens: dict[str, list[int]] = Field(description="Of both directions")
    cost_usd: dict[str, list[float | None]] = Field(description="null: no price of that time's requests is known")


class SeriesAnswer(BaseModel):
    """Figures over time, by when runs and requests began."""

    times: list[Moment] = Field(description="When each point begins")
    hours: int = Field(description="Of a point")
    runs: dict[str, list[int]] = Field(description="Status -> runs per point")
    p50_ms: list[float | None] = Field(description="Of runs that have ended, right to a twentieth; null: none has")
    p95_ms: list[float | None]
    templates: UsageSeriesAnswer
    agents: UsageSeriesAnswer = Field(description="Empty where a template is asked for")


class MetricsController(Controller):
    """GET /metrics."""

    path = "/metrics"
    tags = ("Monitoring",)

    @get(
        "/",
        **needs(KeyScope.READ),
        summary="Figures over the tenant's runs",
        responses=problems(BadRequest),
        description="JSON by default; Prometheus text when Accept asks for text/plain or OpenMetrics.",
    )
    async def metrics(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        hours: Annotated[
            float, QueryParameter(gt=0, description="Look back so far, from the hour in which that was")
        ] = DEFAULT_HOURS,
    ) -> Response[Any]:
        """Return counts by status, success rate, durations, templates, agents."""
        answer = await read_metrics(request.user.tenant, hours, dependencies)
        accept = request.headers.get("accept", "")
        if "text/plain" in accept or "openmetrics" in accept:
            return Response(prometheus(answer), headers={"Content-Type": CONTENT_TYPE_LATEST})
        return Response(answer)

    @get(
        "/series",
        **needs(KeyScope.READ),
        summary="Figures over time",
        responses=problems(BadRequest),
        description="Runs by status, durations, tokens and cost: a point per hour (1 day), six hours (7 days) or day (30, 90 days).",
    )
    async def series(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        days: Annotated[int, QueryParameter(description="1, 7, 30 or 90")] = 7,
        template: Annotated[str | None, QueryParameter(max_length=128, description="Of one template alone")] = None,
    ) -> SeriesAnswer:
        """Return runs by status, durations, tokens and cost over time."""
        return await read_series(request.user.tenant, days, template, dependencies)


async def read_metrics(tenant: str, hours: float, dependencies: Dependencies) -> MetricsAnswer:
    """Return the figures of so many hours before now, from the hour in which that was."""
    now = datetime.now(UTC)
    since = (now - timedelta(hours=min(hours, MAX_HOURS))).replace(minute=0, second=0, microsecond=0)
    return _answer(tenant, await dependencies.executions.metrics(tenant, since), since, now)


async def read_series(tenant: str, days: int, template: str | None, dependencies: Dependencies) -> SeriesAnswer:
    """Return figures over time. Raises BadRequest: `days` is none of those that there are."""
    if days not in SPANS:
        raise BadRequest(f"days: one of {', '.join(map(str, SPANS))}.")
    return series_answer(await dependencies.executions.series(tenant, days, template))


def series_answer(series: FigureSeries) -> SeriesAnswer:
    """Return figures over time as the API shows them."""
    return SeriesAnswer(
        times=list(series.times),
        hours=series.hours,
        runs={name: list(line) for name, line in series.runs.items()},
        p50_ms=[_number(each) for each in series.p50_ms],
        p95_ms=[_number(each) for each in series.p95_ms],
        templates=_usage(series.templates),
        agents=_usage(series.agents),
    )


def _usage(usage: UsageSeries) -> UsageSeriesAnswer:
    return UsageSeriesAnswer(
        tokens={name: list(line) for name, line in usage.tokens.items()},
        cost_usd={name: list(line) for name, line in usage.cost_usd.items()},
    )


def _answer(tenant: str, metrics: Metrics, since: datetime, now: datetime) -> MetricsAnswer:
    total = metrics.overall.get("total") or 0
    window_ms = (now - since).total_seconds() * 1000
    return MetricsAnswer(
        tenant_id=tenant,
        window={"from": _iso(since), "to": _iso(now)},
        complete=metrics.complete,
        runs=RunFigures(**_figures(metrics.overall)),
        problems={kind: metrics.problems.get(kind, 0) for kind in KINDS},
        templates=[
            TemplateFigures(workflow_template=row["template_key"], share=row["total"] / total, **_figures(row))
            for row in metrics.templates
        ],
        agents=[
            AgentFigures(
                agent=row["agent"],
                runs=row["runs"],
                requests=row["requests"],
                failed=row["failed"],
                success_rate=round(1 - row["failed"] / int(row["requests"]), 4) if row["requests"] else None,
                input_tokens=row["input_tokens"],
                output_tokens=row["output_tokens"],
                cost_usd=_number(row["cost_usd"]),
                busy_ms=row["busy_ms"],
                utilization=round(float(row["busy_ms"]) / window_ms, 4),
            )
            for row in metrics.agents
        ],
    )


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    by_status = {status: row.get(status) or 0 for status in STATUSES}
    ended = sum(by_status[status] for status in ENDED_BY_ITSELF)
    return {
        "total": row.get("total") or 0,
        "by_status": by_status,
        "success_rate": round(by_status[RunStatus.COMPLETED] / ended, 4) if ended else None,
        "steps": row.get("steps") or 0,
        "duration": Durations(**{name: _number(row.get(name)) for name in ("mean_ms", "p50_ms", "p95_ms")}),
    }


def _number(value: Decimal | float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def prometheus(answer: MetricsAnswer) -> bytes:
    """Return the same figures as gauges. Templates and agents are labels: their number is what the tenant published."""
    registry = CollectorRegistry()
    runs = Gauge("tempor8_tenant_runs", "Stored runs", ("template", "status"), registry=registry)
    rate = Gauge("tempor8_tenant_success_ratio", "Completed / ended by themselves", ("template",), registry=registry)
    seconds = Gauge("tempor8_tenant_run_seconds", "Duration of runs", ("template", "quantile"), registry=registry)
    for each in answer.templates:
        for status, count in each.by_status.items():
            runs.labels(each.workflow_template, status).set(count)
        if each.success_rate is not None:
            rate.labels(each.workflow_template).set(each.success_rate)
        for quantile, value in (("0.5", each.duration.p50_ms), ("0.95", each.duration.p95_ms)):
            if value is not None:
                seconds.labels(each.workflow_template, quantile).set(value / 1000)
    problems_ = Gauge("tempor8_tenant_problem_runs", "Runs that are stuck or incomplete", ("kind",), registry=registry)
    for kind, count in answer.problems.items():
        problems_.labels(kind).set(count)
    requests = Gauge("tempor8_tenant_agent_requests", "Model requests", ("agent",), registry=registry)
    tokens = Gauge("tempor8_tenant_agent_tokens", "Tokens", ("agent", "direction"), registry=registry)
    busy = Gauge(
        "tempor8_tenant_agent_utilization_ratio",
        "Share of the window in which it worked",
        ("agent",),
        registry=registry,
    )
    cost = Gauge("tempor8_tenant_agent_cost_usd", "Cost, where prices are known", ("agent",), registry=registry)
    success = Gauge(
        "tempor8_tenant_agent_success_ratio", "Requests that did not fail / requests", ("agent",), registry=registry
    )
    for agent in answer.agents:
        if agent.cost_usd is not None:
            cost.labels(agent.agent).set(agent.cost_usd)
        if agent.success_rate is not None:
            success.labels(agent.agent).set(agent.success_rate)
        requests.labels(agent.agent).set(agent.requests)
        tokens.labels(agent.agent, "input").set(agent.input_tokens)
        tokens.labels(agent.agent, "output").set(agent.output_tokens)
        busy.labels(agent.agent).set(agent.utilization)
    return generate_latest(registry)
