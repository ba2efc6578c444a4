"""Traces of ended runs on their way to a collector: behind the rows, in batches, and never in the way of either."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from runtime.platform.telemetry.logging import get_logger
from schemas.trace_ids import trace_id
from service.background_loops import BackgroundLoop
from service.execution_rows import ExecutionRow
from service.otlp_exporter import Span
from service.run_spans import spans_of

__all__ = ["RunTraces", "SpanSink"]

log = get_logger("tempor8.traces")

MAX_WAITING_RUNS: Final = 5_000
"""Runs whose spans wait while the collector is away. Beyond, the oldest are dropped and counted."""
BATCH_SPANS: Final = 512
PACE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 30.0
LAST_SECONDS: Final = 3.0
"""For what waits when the process ends."""


class SpanSink(Protocol):
    """Where spans go."""

    def send(self, spans: list[Span]) -> bool:
        """Send spans and return whether they were taken. Blocks."""


class RunTraces:
    """A bounded queue of ended runs, and the loop that sends their spans.

    Args:
        sink: where spans go.
        ratio: share of traces that are sent, 0 to 1, by trace id: a run and its sub-workflows together. Failed runs always are.
    """

    def __init__(self, sink: SpanSink, ratio: float = 1.0) -> None:
        self._sink, self._ratio = sink, ratio
        self._waiting: deque[ExecutionRow] = deque()
        self.sent = self.dropped = 0
        """Spans that the collector took, and runs that were dropped, since the process began."""

    def note(self, rows: Iterable[ExecutionRow]) -> None:
        """Take rows that are written; those of open runs are passed over."""
        for row in rows:
            if row.closed_at is None or row.empty or not self._chosen(row):
                continue
            if len(self._waiting) >= MAX_WAITING_RUNS:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(row)

    async def run(self, loop: BackgroundLoop) -> None:
        """Send what waits, until cancelled; then send the rest, for a moment."""
        pause = PACE_SECONDS
        try:
            while True:
                pause = PACE_SECONDS if await self.flush() else min(MAX_PAUSE_SECONDS, 2 * pause)
                loop.complete_round()
                await asyncio.sleep(pause)
        finally:
            if self._waiting:
                await asyncio.wait([asyncio.ensure_future(self.flush())], timeout=LAST_SECONDS)

    async def flush(self) -> bool:
        """Send all that waits; return False when the collector does not take it."""
        while self._waiting:
            taken: list[ExecutionRow] = []
            spans: list[Span] = []
            while self._waiting and len(spans) < BATCH_SPANS:
                taken.append(self._waiting.popleft())
                spans += spans_of(taken[-1])
            if not await asyncio.to_thread(self._sink.send, spans):
                log.warning("the collector does not take spans", runs=len(taken))
                room = max(0, MAX_WAITING_RUNS - len(self._waiting))
                self.dropped += max(0, len(taken) - room)
                self._waiting.extendleft(reversed(taken[len(taken) - min(room, len(taken)) :]))
                return False
            self.sent += len(spans)
        return True

    def _chosen(self, row: ExecutionRow) -> bool:
        if row.status == "failed":
            return True
        return int(trace_id(row.id)[:8], 16) < self._ratio * 2**32
