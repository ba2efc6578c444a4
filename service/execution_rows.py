"""Rows of runs, their steps and their model requests, as the projector writes them and lists read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

__all__ = ["ExecutionRow", "Retry", "StepRow", "UsageRow"]


@dataclass(frozen=True)
class Retry:
    """A run is to be read again."""

    kind: Literal["set_aside", "steps"]
    """set_aside: it could not be read or written; steps: no worker answered what it had done."""
    reason: str
    """Class of the error."""
    attempts: int
    """How often it was read so far."""
    after: timedelta
    """How long from now."""


@dataclass(frozen=True)
class StepRow:
    """One run of one node."""

    node: str
    type: str
    run: int
    tries: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    items_in: list[int]
    items_out: list[int]
    error: dict[str, Any] | None
    place: int = 0
    """Its number among the steps of the run."""


@dataclass(frozen=True)
class UsageRow:
    """One model request of an agent."""

    agent: str
    node: str
    model: str | None
    input_tokens: int
    output_tokens: int
    duration_ms: int
    status: str
    occurred_at: datetime
    cost_usd: float | None = None
    requests: int = 1
    began_at: datetime | None = None
    ended_at: datetime | None = None
    """True times of the request, for its span; not stored. None: an older build recorded it, without its time."""


@dataclass(frozen=True)
class ExecutionRow:
    """One run, with its steps when it is about to be written."""

    tenant: str
    id: str
    run_id: str
    template: str
    plan_hash: str
    trigger_kind: str
    status: str
    started_at: datetime
    closed_at: datetime | None = None
    user_id: str | None = None
    parent_id: str | None = None
    retry_of: str | None = None
    """The run that this one tries again."""
    fingerprint: str | None = None
    """As it is stored, see `service.failure_fingerprint`: what is written is made from `error`."""
    error: dict[str, Any] | None = None
    step_count: int = 0
    steps: Sequence[StepRow] | None = None
    """None: not known, so stored steps stay."""
    usage: Sequence[UsageRow] = field(default_factory=list)
    history_kept: bool = True
    """False: by the settings of its workflow, only this row is kept of the run."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What the run declares of itself, for `service.run_fields`; what was declared before stays."""
    empty: bool = False
    """A poll that found nothing: n8n does not list such a run, so no row is kept."""
    problem: dict[str, Any] | None = None
    """Why the run does not go on, or why its row is incomplete: see `service.run_problems.problem.RunProblem`."""
    archive: bytes | None = None
    """What the run leaves, sealed (`service.run_archive`); None: not known, so what is stored stays."""
    traceparent: str | None = None
    """The W3C trace context of the request that started the run, for a link of its span; not stored."""
    retry: "Retry | None" = None
    """Read the run again later; None: its row has all that there is."""
