"""Counters of runs: each run once, and no label without a bound."""

from collections import Counter
from dataclasses import replace
from typing import Any

from service.run_figures import MAX_MODELS, OTHER, RunFigures
from tests.unit.service.test_run_spans import ROW, USAGE


class Meter:
    """Keeps what is recorded: name and labels -> sum."""

    def __init__(self) -> None:
        self.sums: Counter[tuple[str, tuple[tuple[str, Any], ...]]] = Counter()

    def create_counter(self, name: str, *_: Any) -> Any:
        return _Metric(self, name)

    def create_histogram_float(self, name: str, *_: Any) -> Any:
        return _Metric(self, name)

    def of(self, name: str, **labels: str) -> float:
        """The sum over all series of a metric that have these labels."""
        return sum(
            value for (each, have), value in self.sums.items() if each == name and labels.items() <= dict(have).items()
        )

    def values(self, name: str, label: str) -> set[str]:
        return {dict(have)[label] for each, have in self.sums if each == name}


class _Metric:
    def __init__(self, meter: Meter, name: str) -> None:
        self.meter, self.name = meter, name

    def add(self, value: float, labels: dict[str, Any]) -> None:
        self.meter.sums[self.name, tuple(sorted(labels.items()))] += value  # type: ignore[assignment]

    record = add


def figures(tenants: int = 2) -> tuple[Meter, RunFigures]:
    meter: Any = Meter()
    return meter, RunFigures(meter, tenants)


def test_a_run_counts_once_however_often_its_row_is_written() -> None:
    meter, counting = figures()
    counting.note([replace(ROW, closed_at=None, status="running")])
    counting.note([ROW, ROW])
    counting.note([ROW])
    assert meter.of("tempor8_runs_ended", status="failed", tenant="acme", trigger="webhook") == 1
    assert meter.of("tempor8_step_seconds", type="n8n-nodes-base.set") == 1 + 1 + 3
    assert meter.of("tempor8_steps_failed") == 1
    assert meter.of("tempor8_model_tokens", direction="input") == 7
    assert meter.of("tempor8_model_cost_microdollars", model="m-1") == 250_000


def test_tenants_beyond_the_bound_are_one() -> None:
    meter, counting = figures(2)
    counting.note([replace(ROW, run_id=f"r{number}", tenant=f"t{number}") for number in range(5)])
    counting.note([replace(ROW, run_id="again", tenant="t1")])
    assert meter.values("tempor8_runs_ended", "tenant") == {"t0", "t1", OTHER}
    assert meter.of("tempor8_runs_ended", tenant=OTHER) == 3
    assert meter.of("tempor8_runs_ended", tenant="t1") == 2


def test_models_that_a_server_makes_up_do_not_multiply_the_series() -> None:
    """Whatever a model server answers becomes `model` of a request."""
    meter, counting = figures()
    usage = [replace(USAGE, model=f"m{number}") for number in range(MAX_MODELS * 2)]
    counting.note([replace(ROW, usage=usage)])
    assert len(meter.values("tempor8_model_requests", "model")) == MAX_MODELS + 1
    assert meter.of("tempor8_model_requests") == MAX_MODELS * 2


def test_no_tenant_has_figures_of_its_own_where_the_operator_allows_none() -> None:
    meter, counting = figures(0)
    counting.note([ROW])
    assert meter.values("tempor8_runs_ended", "tenant") == {OTHER}
