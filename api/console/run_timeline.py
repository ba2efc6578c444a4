"""The timeline of a run: a line per step with what its time was spent with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from api.console.run_view import RunView
from api.console.sub_nodes import below_step
from api.models import StepAnswer
from schemas.plan import Kind
from service.run_reader import TemporalRuns
from service.run_timeline import NOTHING_BELOW, Segment, StepSpan, StepTime, timeline

__all__ = ["SCALE", "Timeline", "read_timeline", "spans_of"]

SCALE: Final = 1000.0
"""Width of a line, in units of its drawing."""
MAX_LINES: Final = 200
"""Steps that are shown: the last ones."""
MIN_WIDTH: Final = 2.0
"""Of a segment, so that short ones can be seen."""


@dataclass(frozen=True)
class Timeline:
    """The lines, and what they are drawn against."""

    begin: datetime
    end: datetime
    lines: Sequence[StepTime]
    left_out: int
    """Earlier steps."""
    has_queue: bool
    """False: Temporal has no record of the run, so the time in queues is not known."""

    def x(self, moment: datetime) -> float:
        """Return where a moment is on a line."""
        length = self.end - self.begin
        return round(SCALE * ((moment - self.begin) / length), 2) if length else 0.0

    def width(self, segment: Segment) -> float:
        """Return the width of a segment."""
        return max(MIN_WIDTH, round(self.x(segment.end) - self.x(segment.begin), 2))


async def read_timeline(view: RunView, runs: TemporalRuns) -> Timeline:
    """Return the timeline of a run. Raises RPCError: Temporal does not answer."""
    now = datetime.now(UTC)
    run = await runs.describe(view.status.workflow_id)
    activities = await runs.activities(run) if run is not None else []
    spans = spans_of(view, now)
    begin = min((each.begin for each in spans), default=view.status.started_at)
    end = view.status.closed_at or now
    end = max((each.end for each in spans), default=end)
    if end <= begin:
        end = begin + timedelta(milliseconds=1)
    below = (
        {name: below_step(view.plan, name) for name in {each.node for each in spans}} if view.plan else NOTHING_BELOW
    )
    lines = timeline(spans, activities, now, below)
    return Timeline(begin, end, lines, max(0, len(view.history.steps) - MAX_LINES), run is not None)


def spans_of(view: RunView, now: datetime) -> list[StepSpan]:
    """Return the last steps of a run and the one that is active, in order."""
    durable = {step.name for step in view.plan.steps if step.kind is Kind.DURABLE} if view.plan else set()
    spans = [_span(step, durable, now) for step in view.history.steps[-MAX_LINES:]]
    active = view.history.active
    if active is not None and active.started_at is not None:
        waits = active.waiting or active.node in durable or active.attempt > 1
        spans.append(StepSpan(active.node, active.run, active.started_at, now, waits))
    return spans


def _span(step: StepAnswer, durable: set[str], now: datetime) -> StepSpan:
    waits = step.node in durable or step.tries > 1
    return StepSpan(step.node, step.run, step.started_at, step.finished_at or now, waits)
