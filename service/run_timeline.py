"""What the time of each step was spent with: in a queue, at work, or waiting."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from service.run_activities import ActivityTimes

__all__ = ["NOTHING_BELOW", "Segment", "SegmentKind", "StepSpan", "StepTime", "timeline"]

NOTHING_BELOW: Final[Mapping[str, Collection[str]]] = MappingProxyType({})


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

    def covers(self, moment: datetime) -> bool:
        """Return whether a moment is in its time."""
        return self.begin <= moment <= self.end


@dataclass(frozen=True)
class StepTime:
    """A run of a node with the parts of its time, in order and without gaps."""

    span: StepSpan
    segments: tuple[Segment, ...]

    def total(self, kind: SegmentKind) -> float:
        """Return milliseconds of a kind."""
        parts = (each.end - each.begin for each in self.segments if each.kind == kind)
        return sum(parts, timedelta()) / timedelta(milliseconds=1)


def timeline(
    spans: Iterable[StepSpan],
    activities: Sequence[ActivityTimes],
    now: datetime,
    below: Mapping[str, Collection[str]] = NOTHING_BELOW,
) -> list[StepTime]:
    """Return the steps with their parts.

    Args:
        spans: of steps, in any order.
        activities: of the run; their ids begin with the step's name and run.
        now: the end of what goes on.
        below: step -> its sub-nodes. What an agent's model and tools do, the agent does; of a sub-node of several steps, that
            in whose time it began.
    """
    by_step: dict[tuple[str, str], list[ActivityTimes]] = {}
    for each in activities:
        name, run, _try, _number = each.id.rsplit("#", 3) if each.id.count("#") >= 3 else (each.id, "0", "", "")
        by_step.setdefault((name, run), []).append(each)
    owners = Counter(name for each in below.values() for name in each)

    def own(span: StepSpan) -> list[ActivityTimes]:
        run = str(span.run)
        found = [*by_step.get((span.node, run), ())]
        for name in below.get(span.node, ()):
            part = by_step.get((name, run), [])
            found += [each for each in part if owners[name] == 1 or span.covers(each.scheduled)]
        return found

    return [StepTime(span, tuple(_segments(span, own(span), now))) for span in spans]


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
