"""Figures of agents in `GET /metrics`: success and cost, as JSON and for Prometheus."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from api.metrics import _answer, prometheus
from service.rollups import Metrics

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def row(agent: str, requests: int, failed: int, cost: str | None) -> dict[str, object]:
    return {
        "agent": agent, "runs": 2, "requests": Decimal(requests), "failed": failed, "input_tokens": 100, "output_tokens": 20,
        "cost_usd": None if cost is None else Decimal(cost), "busy_ms": 360_000,
    }  # fmt: skip


def test_success_and_cost_of_agents() -> None:
    """One of four requests failed; an agent without a price has no cost, and one without requests no rate."""
    rows = [row("pricing_specialist", 4, 1, "0.0125"), row("copy_editor", 1, 0, None), row("fact_checker", 0, 0, None)]
    answer = _answer("acme", Metrics({}, [], rows), NOW - timedelta(hours=1), NOW)
    assert [(each.success_rate, each.cost_usd) for each in answer.agents] == [(0.75, 0.013), (1.0, None), (None, None)]
    text = prometheus(answer).decode()
    assert 'tempor8_tenant_agent_success_ratio{agent="pricing_specialist"} 0.75' in text
    assert 'tempor8_tenant_agent_cost_usd{agent="pricing_specialist"}' in text
    assert 'cost_usd{agent="copy_editor"}' not in text
    assert 'success_ratio{agent="fact_checker"}' not in text
    assert 'tempor8_tenant_agent_utilization_ratio{agent="pricing_specialist"} 0.1' in text
