"""The spans of a run: n8n's names, true times, ids that stay the same, and nothing that belongs to a tenant's data."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from schemas.trace_ids import root_of, run_span_id, step_span_id, trace_id
from service.background_loops import BackgroundLoop
from service.execution_rows import ExecutionRow, StepRow, UsageRow
from service.otlp_exporter import Span
from service.run_spans import caller_of, spans_of
from service.run_traces import MAX_WAITING_RUNS, RunTraces

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ID = "acme:orders:01a227fc-6b59-78c9-a2f3-ef7792d0857a"
SECRET = "the customer is Ada"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def step(node: str, begin: float, end: float, status: str = "success", run: int = 0) -> StepRow:
    error = {"name": "NodeApiError", "message": SECRET} if status == "error" else None
    return StepRow(node, "n8n-nodes-base.set", run, 1, status, at(begin), at(end), [1], [2, 1], error)


USAGE = UsageRow("analyst", "Agent", "m-1", 7, 3, 500, "success", T0, 0.25, began_at=at(3.2), ended_at=at(3.7))
ROW = ExecutionRow(
    "acme", ID, "r1", "orders", "hash", "webhook", "failed", T0, at(9), error={"name": "NodeApiError", "message": SECRET, "node": "Post"},
    step_count=3, steps=[step("Set", 1, 2), step("Agent", 3, 4), step("Post", 5, 8, "error")], usage=[USAGE],
    user_id="u7",
)  # fmt: skip


def test_a_run_its_steps_and_its_model_requests_are_spans_with_true_times() -> None:
    run, first, agent, failed, request = spans_of(ROW)
    assert [each.name for each in (run, first, agent, failed)] == ["workflow.execute", *["node.execute"] * 3]
    assert (run.started, run.ended, run.parent_id, run.error) == (T0, at(9), None, "NodeApiError")
    assert (first.started, first.ended, first.parent_id) == (at(1), at(2), run.span_id)
    assert (first.attributes["n8n.node.items.input"], first.attributes["n8n.node.items.output"]) == (1, 3)
    assert (failed.error, failed.attributes["error.type"]) == ("NodeApiError", "NodeApiError")
    assert (request.name, request.kind, request.parent_id) == ("chat m-1", "client", agent.span_id)
    assert (request.started, request.ended) == (at(3.2), at(3.7))
    assert request.attributes["gen_ai.usage.input_tokens"] == agent.attributes["gen_ai.usage.input_tokens"] == 7
    assert agent.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert len({each.span_id for each in spans_of(ROW)}) == 5
    assert {each.trace_id for each in spans_of(ROW)} == {trace_id(ID)}


def test_the_ids_are_the_same_whenever_they_are_made_and_whoever_makes_them() -> None:
    """Pinned: a log line of a worker and a span of the projector meet in them, also across an upgrade."""
    assert spans_of(ROW) == spans_of(replace(ROW))
    assert trace_id(ID) == "e2bdb21eaee8fe8149d68bfcbca1c43e"
    assert (run_span_id(ID), step_span_id(ID, "Set", 0)) == ("b93790f3f93801a3", "29d810f85490a977")
    assert step_span_id(ID, "Set", 0) != step_span_id(ID, "Set", 1)


def test_a_sub_workflow_is_in_the_trace_of_the_run_that_began_it() -> None:
    child, grandchild = f"{ID}~3", f"{ID}~3~12"
    assert root_of(grandchild) == root_of(child) == root_of(ID) == ID
    span = spans_of(replace(ROW, id=grandchild, parent_id=child))[0]
    assert (span.trace_id, span.parent_id) == (trace_id(ID), run_span_id(child))


def test_no_message_item_or_user_is_in_a_span() -> None:
    text = repr(spans_of(ROW))
    assert SECRET not in text
    assert "u7" not in text


def test_an_open_run_and_a_poll_that_found_nothing_have_no_span() -> None:
    assert spans_of(replace(ROW, closed_at=None, status="running")) == []
    assert spans_of(replace(ROW, empty=True)) == []


def test_a_retry_and_a_caller_are_links() -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    links = spans_of(replace(ROW, retry_of="acme:orders:old", traceparent=traceparent))[0].links
    assert [each.trace_id for each in links] == [trace_id("acme:orders:old"), "0af7651916cd43dd8448eb211c80319c"]


@pytest.mark.parametrize(
    "header",
    [
        None, "", "nonsense", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00-zzf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
)  # fmt: skip
def test_a_traceparent_that_is_none_is_no_link(header: str | None) -> None:
    assert caller_of(header) is None


class Sink:
    """Takes spans, unless it is away."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.away = False

    def send(self, spans: Sequence[Span]) -> bool:
        if not self.away:
            self.spans += spans
        return not self.away


def closed(number: int, status: str = "completed") -> ExecutionRow:
    return replace(ROW, id=f"acme:t:{number}", status=status, steps=[], usage=[], error=None)


async def test_what_a_collector_does_not_take_is_sent_later_in_order() -> None:
    sink = Sink()
    traces = RunTraces(sink)
    sink.away = True
    traces.note([closed(1), closed(2)])
    assert not await traces.flush()
    traces.note([closed(3), replace(closed(4), closed_at=None)])
    sink.away = False
    assert await traces.flush()
    assert [each.attributes["n8n.execution.id"] for each in sink.spans] == ["acme:t:1", "acme:t:2", "acme:t:3"]
    assert (traces.sent, traces.dropped) == (3, 0)


async def test_a_collector_that_stays_away_costs_bounded_memory_and_the_loss_is_counted() -> None:
    sink = Sink()
    sink.away = True
    traces = RunTraces(sink)
    traces.note(closed(number) for number in range(MAX_WAITING_RUNS + 10))
    assert traces.dropped == 10
    await traces.flush()
    assert len(traces._waiting) == MAX_WAITING_RUNS


async def test_a_share_of_traces_is_sent_and_every_failed_run() -> None:
    sink = Sink()
    traces = RunTraces(sink, ratio=0.25)
    traces.note(closed(number) for number in range(2_000))
    traces.note(closed(10_000 + number, "failed") for number in range(20))
    await traces.flush()
    failed = [each for each in sink.spans if each.attributes["n8n.execution.status"] == "failed"]
    assert len(failed) == 20
    assert 400 < len(sink.spans) - 20 < 600


async def test_what_waits_when_the_process_ends_is_sent() -> None:
    sink = Sink()
    traces = RunTraces(sink)
    task = asyncio.create_task(traces.run(BackgroundLoop("traces", traces.run, late_after=1)))
    await asyncio.sleep(0.05)
    traces.note([closed(1)])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(sink.spans) == 1


def test_a_request_belongs_to_the_run_of_its_node_that_had_begun_last() -> None:
    """A loop runs an agent again and again; a worker's clock may be a little behind."""
    steps = [step("Agent", 1, 2), step("Agent", 3, 4, run=1), step("Set", 3.5, 3.6)]
    usage = [replace(USAGE, began_at=at(moment), ended_at=at(moment + 0.1)) for moment in (1.5, 2.98, 3.7)]
    spans = spans_of(replace(ROW, steps=steps, usage=usage))
    parents = [each.parent_id for each in spans if each.kind == "client"]
    first, second = step_span_id(ID, "Agent", 0), step_span_id(ID, "Agent", 1)
    assert parents == [first, second, second]
    stray = spans_of(replace(ROW, steps=[], usage=usage[:1]))
    assert [each.parent_id for each in stray if each.kind == "client"] == [run_span_id(ID)]
