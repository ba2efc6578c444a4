"""The spans of a run, from its row: n8n's names, the true times, ids that are the same whenever they are made."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from schemas.kinds import RunStatus
from schemas.trace_ids import call_span_id, run_span_id, step_span_id, trace_id
from service.execution_rows import ExecutionRow, StepRow, UsageRow
from service.otlp_exporter import Attribute, Span, SpanLink

__all__ = ["spans_of"]

MAX_STEPS: Final = 2_000
"""Spans of steps of one run; beyond, the run's span says how many are left out."""
TOLERANCE: Final = timedelta(milliseconds=50)
ENDED_WELL: Final = frozenset({RunStatus.COMPLETED, RunStatus.CANCELED})


def spans_of(row: ExecutionRow) -> list[Span]:
    """Return the span of a run that has ended (`workflow.execute`), of its steps (`node.execute`) and of its model requests
    (`chat <model>`, with the GenAI conventions). No item, parameter or message of an error is in them.

    See `docs/operations.md`, "Traces".
    """
    if row.closed_at is None or row.empty:
        return []
    steps = list(row.steps or ())
    shown = [step for step in steps if step.finished_at is not None][:MAX_STEPS]
    trace = trace_id(row.id)
    owners = [_owner(each, shown) for each in row.usage]
    return [
        _run(row, trace, left_out=len(steps) - len(shown)),
        *(
            _step(row, trace, step, [each for each, of in zip(row.usage, owners, strict=True) if of is step])
            for step in shown
        ),
        *_requests(row, trace, owners),
    ]


def _run(row: ExecutionRow, trace: str, *, left_out: int) -> Span:
    assert row.closed_at is not None
    attributes: dict[str, Attribute] = {
        "n8n.workflow.id": row.template,
        "n8n.workflow.version_id": row.plan_hash,
        "n8n.execution.id": row.id,
        "n8n.execution.mode": str(row.trigger_kind),
        "n8n.execution.status": str(row.status),
        "n8n.execution.step_count": row.step_count,
        "tempor8.tenant.id": row.tenant,
        "tempor8.run.id": row.run_id,
    }
    if left_out:
        attributes["tempor8.steps_left_out"] = left_out
    error = _error_type(row.error)
    if error:
        attributes |= {"n8n.execution.error_type": error, "error.type": error}
    if node := (row.error or {}).get("node"):
        attributes["n8n.execution.error_node"] = str(node)
    links = [SpanLink(trace_id(row.retry_of), run_span_id(row.retry_of), {"link": "retry_of"})] if row.retry_of else []
    if (caller := caller_of(row.traceparent)) is not None:
        links.append(SpanLink(*caller, {"link": "caller"}))
    return Span(
        "workflow.execute", trace, run_span_id(row.id), run_span_id(row.parent_id) if row.parent_id else None,
        row.started_at, row.closed_at, attributes,
        error=None if row.status in ENDED_WELL else error or str(row.status), links=links,
    )  # fmt: skip


def _step(row: ExecutionRow, trace: str, step: StepRow, usage: Sequence[UsageRow]) -> Span:
    assert step.finished_at is not None
    attributes: dict[str, Attribute] = {
        "n8n.node.name": step.node,
        "n8n.node.type": step.type,
        "n8n.node.run_index": step.run,
        "n8n.node.items.input": sum(step.items_in),
        "n8n.node.items.output": sum(step.items_out),
        "n8n.node.tries": step.tries,
        "n8n.node.status": step.status,
        "n8n.execution.id": row.id,
        "tempor8.tenant.id": row.tenant,
    }
    error = _error_type(step.error) if step.status == "error" else None
    if error:
        attributes["error.type"] = error
    if usage:
        attributes |= {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": usage[0].agent,
            "gen_ai.usage.input_tokens": sum(each.input_tokens for each in usage),
            "gen_ai.usage.output_tokens": sum(each.output_tokens for each in usage),
        }
    return Span(
        "node.execute", trace, step_span_id(row.id, step.node, step.run), run_span_id(row.id),
        step.started_at, step.finished_at, attributes, error=(error or "error") if step.status == "error" else None,
    )  # fmt: skip


def _owner(each: UsageRow, steps: Sequence[StepRow]) -> StepRow | None:
    """Return the run of a node that made a model request: its last one that had begun by then. Times are rounded to milliseconds, and
    clocks of workers differ.
    """
    if each.began_at is None:
        return None
    begun = [step for step in steps if step.node == each.node and step.started_at <= each.began_at + TOLERANCE]
    return max(begun, key=lambda step: step.started_at, default=None)


def _requests(row: ExecutionRow, trace: str, owners: Sequence[StepRow | None]) -> Iterator[Span]:
    """Yield the spans of model requests. One that an older build recorded has no time, and no span."""
    for place, each in enumerate(row.usage):
        if each.began_at is None:
            continue
        parent = owners[place]
        attributes: dict[str, Attribute] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.agent.name": each.agent,
            "gen_ai.usage.input_tokens": each.input_tokens,
            "gen_ai.usage.output_tokens": each.output_tokens,
            "n8n.node.name": each.node,
            "tempor8.tenant.id": row.tenant,
        }
        if each.model:
            attributes["gen_ai.request.model"] = each.model
        if each.cost_usd is not None:
            attributes["tempor8.cost_usd"] = float(each.cost_usd)
        failed = each.status != "success"
        yield Span(
            f"chat {each.model}" if each.model else "chat", trace, call_span_id(row.id, place),
            step_span_id(row.id, parent.node, parent.run) if parent else run_span_id(row.id),
            each.began_at, each.ended_at or each.began_at, attributes, error=each.status if failed else None, kind="client",
        )  # fmt: skip


def _error_type(error: Mapping[str, Any] | None) -> str | None:
    """Return the class of an error. Its message may have data of the tenant, and stays here."""
    return str(error.get("name") or "Error") if error else None


def caller_of(traceparent: str | None) -> tuple[str, str] | None:
    """Return trace and span of a W3C `traceparent`; None for what is none."""
    if traceparent is None:
        return None
    parts = traceparent.split("-")
    if len(parts) < 4 or [len(each) for each in parts[:4]] != [2, 32, 16, 2] or parts[0] == "ff":
        return None
    trace, span = parts[1], parts[2]
    if not (trace + span).strip("0123456789abcdef") and trace.strip("0") and span.strip("0"):
        return trace, span
    return None
