"""A stand-in for an OpenTelemetry collector: takes OTLP over HTTP and keeps the spans that it got."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["Collector", "attributes_of"]


class Collector:
    """Listens on a free port. `refuses`: it answers 400 to everything."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.refuses = False
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    data = gzip.decompress(data)
                if collector.refuses or self.path != "/v1/traces":
                    self.send_response(400)
                    self.end_headers()
                    return
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                request = ExportTraceServiceRequest.FromString(data)
                for group in request.resource_spans:
                    collector.resources.append(_values(group.resource.attributes))
                    for scope in group.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def named(self, name: str, run: str | None = None) -> list[Span]:
        """The spans of this name; with `run`, of this run only."""
        found = [span for span in self.spans if span.name == name]
        return [span for span in found if run is None or attributes_of(span).get("n8n.execution.id") == run]


def attributes_of(span: Span) -> dict[str, Any]:
    """The attributes of a span as plain values."""
    return _values(span.attributes)


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
