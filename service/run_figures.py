"""Counters over the runs that this process has written, for Prometheus: by status, tenant, type of node and model.

Labels have a bound: so many tenants are told apart as the operator allows, and the models and agents that are seen first; the
others are `other` together. A run counts once, though its row may be written again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from temporalio.common import MetricMeter

from service.execution_rows import ExecutionRow, UsageRow

__all__ = ["OTHER", "BoundedLabel", "RunFigures"]

OTHER: Final = "other"
MAX_MODELS: Final = 50
MAX_AGENTS: Final = 100
MAX_TYPES: Final = 500
"""Types of nodes that are told apart: fewer than the catalogue has, more than anybody uses."""
MAX_SEEN: Final = 50_000
"""Runs that are remembered, so that they count once."""


class BoundedLabel:
    """Values of a label: those that come first, up to a number; every later one is `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: set[str] = set()

    def of(self, value: str) -> str:
        """Return the value, or `other`."""
        if value not in self._values:
            if len(self._values) >= self._most:
                return OTHER
            self._values.add(value)
        return value


class RunFigures:
    """Counts what ended.

    Args:
        meter: of the SDK's runtime.
        tenants: how many tenants have figures of their own.
    """

    def __init__(self, meter: MetricMeter, tenants: int) -> None:
        self._tenants, self._models = BoundedLabel(tenants), BoundedLabel(MAX_MODELS)
        self._agents, self._types = BoundedLabel(MAX_AGENTS), BoundedLabel(MAX_TYPES)
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._ended = meter.create_counter("tempor8_runs_ended", "Runs that ended, by status")
        self._run_seconds = meter.create_histogram_float("tempor8_run_seconds", "From the start of a run to its end")
        self._step_seconds = meter.create_histogram_float("tempor8_step_seconds", "From the start of a step to its end")
        self._failed_steps = meter.create_counter("tempor8_steps_failed", "Steps that failed, by type of node")
        self._requests = meter.create_counter("tempor8_model_requests", "Requests to models")
        self._tokens = meter.create_counter("tempor8_model_tokens", "Tokens of requests to models")
        self._cost = meter.create_counter(
            "tempor8_model_cost_microdollars", "Cost where prices are known, millionths of a US dollar"
        )

    def note(self, rows: Sequence[ExecutionRow]) -> None:
        """Count the runs among these rows that have ended."""
        for row in rows:
            if row.closed_at is None or row.empty or row.run_id in self._seen:
                continue
            self._seen[row.run_id] = None
            if len(self._seen) > MAX_SEEN:
                self._seen.popitem(last=False)
            self._count(row)

    def _count(self, row: ExecutionRow) -> None:
        assert row.closed_at is not None
        tenant = self._tenants.of(row.tenant)
        labels = {"tenant": tenant, "status": str(row.status)}
        self._ended.add(1, {**labels, "trigger": str(row.trigger_kind) or "unknown"})
        self._run_seconds.record(
            max(0.0, (row.closed_at - row.started_at).total_seconds()), {"status": str(row.status)}
        )
        for step in row.steps or ():
            if step.finished_at is None:
                continue
            type_ = self._types.of(step.type or "unknown")
            self._step_seconds.record(max(0.0, (step.finished_at - step.started_at).total_seconds()), {"type": type_})
            if step.status == "error":
                self._failed_steps.add(1, {"type": type_})
        for each in row.usage:
            self._count_request(each, tenant)

    def _count_request(self, each: UsageRow, tenant: str) -> None:
        labels = {
            "tenant": tenant,
            "model": self._models.of(each.model or "unknown"),
            "agent": self._agents.of(each.agent),
        }
        self._requests.add(each.requests, {**labels, "status": each.status})
        self._tokens.add(each.input_tokens, {**labels, "direction": "input"})
        self._tokens.add(each.output_tokens, {**labels, "direction": "output"})
        if each.cost_usd is not None:
            self._cost.add(max(0, round(float(each.cost_usd) * 1_000_000)), labels)
