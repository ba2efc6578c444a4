"""Figures over the stored runs of the tenant: JSON, or Prometheus text when the Accept header asks for it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel, Field

from api.authentication import Principal
from api.dependencies import Dependencies
from api.openapi import problems
from api.problems import BadRequest
from schemas.kinds import RunStatus
from service.execution_store import STATUSES, Metrics

__all__ = ["MetricsController"]

ENDED_BY_ITSELF: Final = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.TERMINATED)
"""Statuses that the success rate counts: not runs that go on, nor cancelled ones."""


class Durations(BaseModel):
    """Over the runs that have ended; null when there is none."""

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
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    busy_ms: int
    utilization: float = Field(description="Share of the window in which it worked; over 1 when runs overlap")


class MetricsAnswer(BaseModel):
    """Computed from stored rows, which follow the runs within a second."""

    tenant_id: str
    window: dict[str, str | None]
    runs: RunFigures
    templates: list[TemplateFigures]
    agents: list[AgentFigures]


class MetricsController(Controller):
    """GET /metrics."""

    path = "/metrics"
    tags = ("Monitoring",)

    @get(
        "/",
        summary="Figures over the tenant's runs",
        responses=problems(BadRequest),
        description="JSON by default; Prometheus text when Accept asks for text/plain or OpenMetrics.",
    )
    async def metrics(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        hours: Annotated[
            float | None, QueryParameter(gt=0, description="Look back so far; default: all that is kept")
        ] = None,
    ) -> Response[Any]:
        """Return counts by status, success rate, durations, templates, agents."""
        now = datetime.now(UTC)
        since = None if hours is None else now - timedelta(hours=min(hours, 24 * 3650))
        metrics = await dependencies.executions.metrics(request.user.tenant, since)
        answer = _answer(request.user.tenant, metrics, since, now)
        accept = request.headers.get("accept", "")
        if "text/plain" in accept or "openmetrics" in accept:
            return Response(prometheus(answer), headers={"Content-Type": CONTENT_TYPE_LATEST})
        return Response(answer)


def _answer(tenant: str, metrics: Metrics, since: datetime | None, now: datetime) -> MetricsAnswer:
    start = since or metrics.overall.get("first_started_at")
    total = metrics.overall.get("total") or 0
    window_ms = (now - start).total_seconds() * 1000 if start else 0.0
    return MetricsAnswer(
        tenant_id=tenant,
        window={"from": _iso(start), "to": _iso(now)},
        runs=RunFigures(**_figures(metrics.overall)),
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
                input_tokens=row["input_tokens"],
                output_tokens=row["output_tokens"],
                cost_usd=_number(row["cost_usd"]),
                busy_ms=row["busy_ms"],
                utilization=round(row["busy_ms"] / window_ms, 4) if window_ms else 0.0,
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


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
    requests = Gauge("tempor8_tenant_agent_requests", "Model requests", ("agent",), registry=registry)
    tokens = Gauge("tempor8_tenant_agent_tokens", "Tokens", ("agent", "direction"), registry=registry)
    busy = Gauge(
        "tempor8_tenant_agent_utilization_ratio",
        "Share of the window in which it worked",
        ("agent",),
        registry=registry,
    )
    for agent in answer.agents:
        requests.labels(agent.agent).set(agent.requests)
        tokens.labels(agent.agent, "input").set(agent.input_tokens)
        tokens.labels(agent.agent, "output").set(agent.output_tokens)
        busy.labels(agent.agent).set(agent.utilization)
    return generate_latest(registry)
