"""What the time of each step was spent with: in a queue, at work, or waiting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.run_activities import ActivityTimes

__all__ = ["Segment", "SegmentKind", "StepSpan", "StepTime", "timeline"]


class SegmentKind(StrEnum):
    """What a step does in a part of its time."""

    QUEUE = "queue"
    """An activity is scheduled, and no worker has begun with it."""
    WORK = "work"
    WAIT = "wait"
    """For a time, a call, another workflow, or its next try."""


@dataclass(frozen=True)
class Segment:
    """A part of a step's time."""

    kind: SegmentKind
    begin: datetime
    end: datetime


@dataclass(frozen=True)
class StepSpan:
    """A run of a node as a journal has it."""

    node: str
    run: int
    begin: datetime
    end: datetime
    waits: bool
    """What it does between activities is waiting: it is durable, or was tried several times."""


@dataclass(frozen=True)
class StepTime:
    """A run of a node with the parts of its time, in order and without gaps."""

    span: StepSpan
    segments: tuple[Segment, ...]

    def total(self, kind: SegmentKind) -> float:
        """Return milliseconds of a kind."""
        parts = (each.end - each.begin for each in self.segments if each.kind == kind)
        return sum(parts, timedelta()) / timedelta(milliseconds=1)


def timeline(spans: Iterable[StepSpan], activities: Sequence[ActivityTimes], now: datetime) -> list[StepTime]:
    """Return the steps with their parts.

    Args:
        spans: of steps, in any order.
        activities: of the run; their ids begin with the step's name and run.
        now: the end of what goes on.
    """
    by_step: dict[tuple[str, str], list[ActivityTimes]] = {}
    for each in activities:
        name, run, _try, _number = each.id.rsplit("#", 3) if each.id.count("#") >= 3 else (each.id, "0", "", "")
        by_step.setdefault((name, run), []).append(each)
    return [StepTime(span, tuple(_segments(span, by_step.get((span.node, str(span.run)), ()), now))) for span in spans]


def _segments(span: StepSpan, activities: Sequence[ActivityTimes], now: datetime) -> Iterable[Segment]:
    between = SegmentKind.WAIT if span.waits else SegmentKind.WORK
    at = span.begin
    for each in sorted(activities, key=lambda each: each.scheduled):
        parts = [Segment(SegmentKind.QUEUE, each.scheduled, each.started or each.ended or now)]
        if each.started is not None:
            parts.append(Segment(SegmentKind.WORK, each.started, each.ended or now))
        for part in parts:
            if (begin := min(part.begin, span.end)) > at:
                yield Segment(between, at, begin)
                at = begin
            if (end := min(part.end, span.end)) > at:
                yield Segment(part.kind, at, end)
                at = end
    if span.end > at:
        yield Segment(between, at, span.end)
