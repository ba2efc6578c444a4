"""A worker's own figures for Prometheus: tasks, latencies, slots, caches, pollers, as the Temporal SDK counts them.

Figures about runs, per tenant, come from stored rows instead and are the API's. A step's code reaches the same endpoint
through `activity.metric_meter()`; its labels never carry a tenant or a name that an author chose, since their number
is unbounded.
"""

from functools import lru_cache

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

__all__ = ["exposed_runtime"]


@lru_cache(maxsize=1)  # the SDK binds the address once per process
def exposed_runtime(address: str) -> Runtime:
    """The SDK's runtime with its figures at `http://<address>/metrics` (`host:port`).

    Raises:
        ValueError: the address is taken or malformed.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=PrometheusConfig(
                bind_address=address,
                counters_total_suffix=True,  # Prometheus' own convention
                unit_suffix=True,
                durations_as_seconds=True,
            )
        )
    )
