"""Send finished spans to an OpenTelemetry collector: OTLP over HTTP, with ids and times that the caller gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Literal

from runtime.platform.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

__all__ = ["Attribute", "OtlpExporter", "Span", "SpanLink"]

Attribute = str | int | float | bool | Sequence[str] | Sequence[int]
TIMEOUT_SECONDS: Final = 10.0
"""For one request, its repetitions included."""
MICROSECOND: Final = 1_000
"""In nanoseconds."""


@dataclass(frozen=True)
class SpanLink:
    """Another span that this one has to do with. Ids are hexadecimal."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """A finished span. Ids are hexadecimal: 32 digits of the trace, 16 of the span."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    started: datetime
    ended: datetime
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str | None = None
    """The kind of error that ended it; None: it ended well."""
    kind: Literal["internal", "client"] = "internal"
    links: Sequence[SpanLink] = ()


class OtlpExporter:
    """Sends spans to one collector. Only a process that has one loads the SDK.

    Args:
        endpoint: address for traces, such as `http://collector:4318/v1/traces`.
        headers: of every request.
        service: `service.name` of the resource.
        resource: further attributes of the resource.
    """

    def __init__(
        self, endpoint: str, headers: Mapping[str, str], service: str, resource: Mapping[str, str] | None = None
    ) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415

        attributes = {**(resource or {}), "service.name": service, "service.version": version("tempor8")}
        self._resource = Resource.create(attributes)
        self._scope = InstrumentationScope("tempor8", version("tempor8"))
        self._exporter = OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=TIMEOUT_SECONDS)

    @classmethod
    def of(cls, settings: Settings) -> "OtlpExporter | None":
        """Return the exporter that the settings configure; None: no collector is named."""
        if settings.traces_endpoint is None:
            return None
        return cls(settings.traces_endpoint, settings.otlp_header_map, settings.otlp_service, settings.otlp_resource)

    def send(self, spans: Sequence[Span]) -> bool:
        """Send spans and return whether the collector took them. Blocks: call it on a thread."""
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

        return self._exporter.export([self._readable(span) for span in spans]) is SpanExportResult.SUCCESS

    def close(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> "ReadableSpan":
        from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
        from opentelemetry.trace import Link, SpanKind, Status, StatusCode  # noqa: PLC0415

        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id),
            parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
            resource=self._resource,
            attributes=span.attributes,
            links=[Link(_context(each.trace_id, each.span_id), each.attributes) for each in span.links],
            kind=SpanKind.CLIENT if span.kind == "client" else SpanKind.INTERNAL,
            status=Status(StatusCode.OK) if span.error is None else Status(StatusCode.ERROR, span.error),
            start_time=_nanoseconds(span.started),
            end_time=_nanoseconds(max(span.started, span.ended)),
            instrumentation_scope=self._scope,
        )


def _context(trace_id: str, span_id: str) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * MICROSECOND
