"""What one process counts for Prometheus. Figures about runs as a whole come from stored rows instead (see the API)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
BYTES: Final = tuple(4.0**power for power in range(5, 15))


class Metrics:
    """One registry per process, so that two hosts in one test do not count into each other.

    Labels never carry a tenant, a run or a name that an author chose: their number is unbounded.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.runs_started = self._counter("runs_started", "Runs started by this process", "trigger", "mode")
        self.runs_closed = self._counter("runs_closed", "Runs that this process saw close", "status", "mode")
        self.steps = self._counter("steps", "Steps run", "type", "status")
        self.step_seconds = self._histogram("step_seconds", "Time in one try of a step", SECONDS, "type")
        self.http_requests = self._counter("http_requests", "Requests answered by the API", "route", "method", "status")
        self.http_seconds = self._histogram("http_seconds", "Time to answer a request", SECONDS, "route", "method")
        self.outgoing_requests = self._counter("outgoing_requests", "Requests made by steps", "method", "status")
        self.egress_refused = self._counter("egress_refused", "Requests of steps that the egress guard refused")
        self.model_requests = self._counter("model_requests", "Requests to language models", "provider", "status")
        self.model_tokens = self._counter("model_tokens", "Tokens of language models", "provider", "direction")
        self.blob_bytes = self._histogram("blob_bytes", "Size of payloads stored outside histories", BYTES)

    def watch(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody scrapes, e.g. the size of a pool."""
        Gauge(f"tempor8_{name}", help_, registry=self.registry).set_function(read)

    @contextmanager
    def timed(self, histogram: Histogram, *labels: str) -> Iterator[None]:
        """Observe the seconds that the block takes, errors included."""
        before = perf_counter()
        try:
            yield
        finally:
            (histogram.labels(*labels) if labels else histogram).observe(perf_counter() - before)

    def text(self) -> bytes:
        """The exposition, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Expose it on a port of its own, for processes without an API; returns what stops it."""
        server, thread = start_http_server(port, host, registry=self.registry)

        def stop() -> None:
            server.shutdown()
            thread.join()

        return stop

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"tempor8_{name}", help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"tempor8_{name}", help_, labels, buckets=buckets, registry=self.registry)
