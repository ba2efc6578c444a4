"""Figures of this process and of all tenants, for the operator's Prometheus: on the endpoint of the SDK's own figures.

Labels never carry a tenant, a template or anything that an author chose: their number is without bound.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from temporalio.common import MetricMeter

from runtime.platform.postgres import Database
from service.background_loops import BackgroundLoop, BackgroundLoops
from service.projection.state import stuck_summary

__all__ = ["OperatorMetrics", "ProjectorFigures"]

PACE_SECONDS: Final = 5.0
POOL_FIGURES: Final = {
    "pool_size": ("tempor8_pool_connections", "Connections of the pool"),
    "pool_available": ("tempor8_pool_idle_connections", "Connections of the pool that nobody uses"),
    "requests_waiting": ("tempor8_pool_requests_waiting", "Requests that wait for a connection"),
    "requests_errors": ("tempor8_pool_requests_failed", "Requests that got no connection, since the process began"),
}
"""A counter of psycopg's pool -> name and description of the gauge."""


class ProjectorFigures(Protocol):
    """What is shown of the projector."""

    lag_seconds: float

    @property
    def shards(self) -> frozenset[int]:
        """The shards that this process projects."""

    @property
    def unwritable(self) -> int:
        """Runs of which not even a bare row could be written."""


class OperatorMetrics:
    """Gauges, set every few seconds.

    Args:
        meter: of the SDK's runtime.
        database: asked for stuck runs.
        loops: of this process.
        pools: name -> pool of connections.
        projector: of this process; None: it has none.
    """

    def __init__(
        self,
        meter: MetricMeter,
        database: Database,
        loops: BackgroundLoops,
        pools: Mapping[str, Database],
        projector: ProjectorFigures | None = None,
    ) -> None:
        self._meter, self._database, self._loops, self._pools = meter, database, loops, pools
        self._projector = projector
        self._gauges: dict[str, Callable[[float, dict[str, str]], None]] = {}
        self._causes: set[tuple[str, str]] = set()

    async def run(self, loop: BackgroundLoop) -> None:
        """Set the gauges every few seconds, until cancelled. Raise DatabaseUnavailable."""
        while True:
            self.show_process()
            await self.show_runs()
            loop.complete_round()
            await asyncio.sleep(PACE_SECONDS)

    def show_process(self) -> None:
        """Set the gauges of this process; no server is asked."""
        for loop in self._loops:
            labels = {"loop": loop.name}
            self._set("tempor8_loop_age_seconds", "Seconds since the last complete round", loop.age, labels)
            self._set("tempor8_loop_standby", "1: another process does the work", float(loop.standby), labels)
            self._set("tempor8_loop_errors", "Errors in a row", loop.errors_in_a_row, labels)
        for name, pool in self._pools.items():
            statistics: dict[str, Any] = pool.statistics()
            for figure, (gauge, description) in POOL_FIGURES.items():
                self._set(gauge, description, statistics.get(figure, 0), {"pool": name})
        if self._projector is not None:
            self._set("tempor8_projector_lag_seconds", "From a run's end to its row", self._projector.lag_seconds)
            self._set("tempor8_projector_shards", "Shards of this process, of 16", len(self._projector.shards))
            self._set("tempor8_unwritable_runs", "Runs without any row", self._projector.unwritable)

    async def show_runs(self) -> None:
        """Set the gauges over all tenants' runs. Raise DatabaseUnavailable."""
        summary = await stuck_summary(self._database)
        self._causes |= set(summary.causes)
        for kind, cause in self._causes:  # one that is gone counts 0 from now on
            value = summary.causes.get((kind, cause), 0)
            labels = {"kind": kind, "cause": cause}
            self._set("tempor8_stuck_runs", "Open runs with a problem, by its kind and cause", value, labels)
        self._set("tempor8_set_aside_runs", "Runs that could not be read or written", summary.set_aside)

    def _set(self, name: str, description: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._gauges[name] = self._meter.create_gauge_float(name, description).set
        gauge(float(value), dict(labels or {}))
