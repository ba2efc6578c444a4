"""Figures of this process and of all tenants, for the operator's Prometheus: on the endpoint of the SDK's own figures.

Labels carry nothing that an author chose, since its number is without bound; see `service.run_figures` for those of tenants.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from temporalio.common import MetricMeter
from temporalio.service import RPCError

from runtime.platform.postgres import Database
from service.background_loops import BackgroundLoop, BackgroundLoops
from service.projection.state import stuck_summary
from service.queue_figures import QueueFigures

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


class SchedulerFigures(Protocol):
    """What is shown of the scheduler."""

    failures: int


class TraceFigures(Protocol):
    """What is shown of the traces."""

    sent: int
    dropped: int


class OperatorMetrics:
    """Gauges, set every few seconds.

    Args:
        meter: of the SDK's runtime.
        database: asked for stuck runs.
        loops: of this process.
        pools: name -> pool of connections.
        projector: of this process; None: it has none.
        queues: asked for the age of task queues; None: it is not shown.
        scheduler: of this process; None: it has none.
        traces: of this process; None: it has none.
    """

    def __init__(
        self,
        meter: MetricMeter,
        database: Database,
        loops: BackgroundLoops,
        pools: Mapping[str, Database],
        projector: ProjectorFigures | None = None,
        queues: Callable[[], Awaitable[list[QueueFigures]]] | None = None,
        scheduler: SchedulerFigures | None = None,
        traces: TraceFigures | None = None,
    ) -> None:
        self._meter, self._database, self._loops, self._pools = meter, database, loops, pools
        self._projector, self._queues, self._scheduler, self._traces = projector, queues, scheduler, traces
        self._gauges: dict[str, Callable[[float, dict[str, str]], None]] = {}
        self._causes: set[tuple[str, str]] = set()

    async def run(self, loop: BackgroundLoop) -> None:
        """Set the gauges every few seconds, until cancelled. Raise DatabaseUnavailable."""
        while True:
            self.show_process()
            await self.show_runs()
            await self.show_queues()
            loop.complete_round()
            await asyncio.sleep(PACE_SECONDS)

    async def run_for_process(self, loop: BackgroundLoop) -> None:
        """Set the gauges of this process only, every few seconds, until cancelled: for a worker."""
        while True:
            self.show_process()
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
        if self._scheduler is not None:
            failures = "Attempts of schedules that Temporal refused or that failed, since the process began"
            self._set("tempor8_schedule_failures", failures, self._scheduler.failures)
        if self._traces is not None:
            self._set(
                "tempor8_trace_spans", "Spans that the collector took, since the process began", self._traces.sent
            )
            self._set(
                "tempor8_trace_dropped_runs", "Runs without a trace: the collector was away", self._traces.dropped
            )

    async def show_runs(self) -> None:
        """Set the gauges over all tenants' runs. Raise DatabaseUnavailable."""
        summary = await stuck_summary(self._database)
        self._causes |= set(summary.causes)
        for kind, cause in self._causes:  # one that is gone counts 0 from now on
            value = summary.causes.get((kind, cause), 0)
            labels = {"kind": kind, "cause": cause}
            self._set("tempor8_stuck_runs", "Open runs with a problem, by its kind and cause", value, labels)
        self._set("tempor8_set_aside_runs", "Runs that could not be read or written", summary.set_aside)

    async def show_queues(self) -> None:
        """Set the gauges of task queues. A Temporal that is away leaves them as they are, and is shown by other figures."""
        if self._queues is None:
            return
        with contextlib.suppress(RPCError):
            for each in await self._queues():
                labels = {"task_queue": each.queue, "kind": each.kind}
                self._set(
                    "tempor8_queue_age_seconds",
                    "Age of the oldest task that waits, by estimate",
                    each.age_seconds,
                    labels,
                )
                self._set("tempor8_queue_tasks", "Tasks that wait, by estimate", each.tasks, labels)
                self._set("tempor8_queue_pollers", "Workers' connections that ask for tasks", each.pollers, labels)

    def _set(self, name: str, description: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._gauges[name] = self._meter.create_gauge_float(name, description).set
        gauge(float(value), dict(labels or {}))
