"""The parts of a step's time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import WorkflowHistory

from service.run_activities import ActivityTimes, times_of_events
from service.run_timeline import SegmentKind, StepSpan, timeline

BEGIN = datetime(2026, 1, 15, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def parts(span: StepSpan, *activities: ActivityTimes, now: float = 100) -> list[tuple[str, float, float]]:
    (step,) = timeline([span], activities, at(now))
    return [
        (each.kind, (each.begin - BEGIN).total_seconds(), (each.end - BEGIN).total_seconds()) for each in step.segments
    ]


def test_an_activity_is_in_a_queue_and_then_at_work() -> None:
    span = StepSpan("A#b", 2, at(0), at(10), waits=False)
    other = ActivityTimes("A#b#1#1#5", at(1), at(2), at(3))
    own = ActivityTimes("A#b#2#1#7", at(1), at(4), at(9))
    assert parts(span, own, other) == [("work", 0, 1), ("queue", 1, 4), ("work", 4, 9), ("work", 9, 10)]


def test_between_tries_a_step_waits() -> None:
    span = StepSpan("A", 0, at(0), at(10), waits=True)
    tries = [ActivityTimes("A#0#1#1", at(0), at(1), at(2)), ActivityTimes("A#0#2#2", at(7), at(7), at(10))]
    assert parts(span, *tries) == [("queue", 0, 1), ("work", 1, 2), ("wait", 2, 7), ("work", 7, 10)]


def test_what_no_worker_takes_is_in_a_queue_until_now() -> None:
    span = StepSpan("A", 0, at(0), at(50), waits=False)
    assert parts(span, ActivityTimes("A#0#1#1", at(0)), now=50) == [("queue", 0, 50)]


def test_tool_calls_beside_each_other_have_no_gap_and_no_overlap() -> None:
    span = StepSpan("A", 0, at(0), at(9), waits=True)
    both = [ActivityTimes("A#0#1#1", at(0), at(1), at(6)), ActivityTimes("A#0#1#2", at(0), at(2), at(8))]
    found = parts(span, *both)
    assert [end for *_, end in found[:-1]] == [begin for _, begin, _ in found[1:]]
    assert found == [("queue", 0, 1), ("work", 1, 6), ("work", 6, 8), ("wait", 8, 9)]


def test_an_agent_is_at_work_while_its_model_is() -> None:
    """The activities of models and tools have the names of their nodes."""
    agent = StepSpan("Agent", 1, at(0), at(10), waits=True)
    activities = [
        ActivityTimes("Model#1#1#1", at(1), at(2), at(5)),
        ActivityTimes("Calc#1#1#2", at(5), at(5), at(6)),
        ActivityTimes("Model#0#1#3", at(7), at(7), at(9)),  # of its run before
    ]
    (step,) = timeline([agent], activities, at(10), {"Agent": {"Model", "Calc"}})
    found = [(each.kind, (each.end - BEGIN).total_seconds()) for each in step.segments]
    assert found == [("wait", 1), ("queue", 2), ("work", 5), ("work", 6), ("wait", 10)]


def test_a_model_of_two_agents_works_for_the_one_whose_time_it_is() -> None:
    spans = [StepSpan("First", 0, at(0), at(4), waits=True), StepSpan("Second", 0, at(4), at(9), waits=True)]
    activities = [ActivityTimes("Model#0#1#1", at(1), at(1), at(3)), ActivityTimes("Model#0#1#2", at(5), at(5), at(9))]
    first, second = timeline(spans, activities, at(9), {"First": ["Model"], "Second": ["Model"]})
    assert (first.total(SegmentKind.WORK), second.total(SegmentKind.WORK)) == (2000, 4000)


def test_totals_are_of_a_kind() -> None:
    (step,) = timeline([StepSpan("A", 0, at(0), at(1), waits=True)], [], at(1))
    assert step.total(SegmentKind.WAIT) == 1000
    assert step.total(SegmentKind.QUEUE) == 0


def test_local_activities_of_a_history_have_their_times() -> None:
    """Calls of pure tools are local ones: their place in a run is that of their marker."""
    text = (Path(__file__).parents[2] / "replay/histories/a-run-of-pure-tools.json").read_text()
    found = {each.id: each for each in times_of_events(WorkflowHistory.from_json("w", text).events)}
    names = [id_.split("#")[0] for id_ in found]
    assert {"Hash", "The toolThink", "The toolCalculator"} <= set(names)
    assert names.index("Hash") < names.index("The toolThink") < names.index("The toolCalculator")
    for each in found.values():
        assert each.started is not None
        assert each.ended is not None
        assert each.scheduled <= each.started <= each.ended
