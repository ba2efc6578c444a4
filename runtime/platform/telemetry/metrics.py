"""Expose a process's own metrics to Prometheus: tasks, latencies, slots, caches, pollers, as the Temporal SDK counts them.
An API process adds its loops, its pools and the stuck runs (`service.operator_metrics`).

The metrics of runs, per tenant, are computed from stored rows by the API. A step's code reaches the same endpoint
through `activity.metric_meter()`; its labels never carry a tenant or a name that an author chose, since their number
is unbounded.
"""

from functools import lru_cache
from typing import Final

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

__all__ = ["exposed_runtime"]


BUCKETS: Final = {
    "tempor8_http_seconds": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "tempor8_step_seconds": (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0),
    "tempor8_step_task_seconds": (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0),
    "tempor8_run_seconds": (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0, 3600.0, 86_400.0),
}
"""Of our own histograms, in seconds; the SDK's default counts milliseconds."""


@lru_cache(maxsize=1)  # the SDK binds the address once per process
def exposed_runtime(address: str) -> Runtime:
    """Return the SDK's runtime with its metrics at `http://<address>/metrics` (`host:port`).

    Raises:
        ValueError: the address is in use or malformed.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=PrometheusConfig(
                bind_address=address,
                counters_total_suffix=True,  # Prometheus' own convention
                unit_suffix=True,
                durations_as_seconds=True,
                histogram_bucket_overrides=BUCKETS,
            )
        )
    )
