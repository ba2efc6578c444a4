"""How long requests take, for Prometheus: by method, route and class of status. A route is its pattern, so there are few."""

import time
from typing import Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.common import MetricMeter

__all__ = ["RequestFigures"]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestFigures(ASGIMiddleware):
    """Measures from the beginning of a request to the beginning of its answer: what a stream sends later is not latency."""

    def __init__(self, meter: MetricMeter) -> None:
        self._seconds = meter.create_histogram_float(
            "tempor8_http_seconds", "From a request to the start of its answer"
        )

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on and measure it."""
        if scope["type"] != ScopeType.HTTP:
            await next_app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def measured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and not status:
                status = message["status"]
                self._note(scope, status, time.perf_counter() - began)
            await send(message)

        try:
            await next_app(scope, receive, measured)
        except Exception as error:
            if not status:
                self._note(scope, _status_of(error), time.perf_counter() - began)
            raise

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = str(scope.get("method", ""))
        labels = {
            "method": method if method in METHODS else "other",
            "route": str(scope.get("path_template") or "unknown"),
            "status": f"{status // 100}xx",
        }
        self._seconds.record(seconds, labels)


def _status_of(error: Exception) -> int:
    """Return the status of the answer that an exception becomes."""
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    return status if isinstance(status, int) else 500
