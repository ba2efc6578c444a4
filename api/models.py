"""The shapes of requests and answers. Times are ISO 8601 in UTC, durations are milliseconds."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from schemas.kinds import RunStatus

__all__ = [
    "Canceled",
    "HistoryAnswer",
    "ResultAnswer",
    "RunPage",
    "RunSummary",
    "StartAnswer",
    "StartRequest",
    "StatusAnswer",
    "StepAnswer",
    "iso",
    "links",
]


def iso(moment: datetime) -> str:
    """Return `2026-01-15T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(iso, return_type=str)]


class RetryRequest(BaseModel):
    """How a run is tried again. Nothing given: at the node that failed, with the version that the run had."""

    model_config = ConfigDict(extra="forbid")

    from_node: str | None = Field(
        default=None, max_length=1000, description="Name of the node to begin at; what ran before it is not run again"
    )
    from_start: bool = Field(default=False, description="Run everything again, with the same input")
    with_version: Literal["original", "current"] = Field(
        default="original", description="The version that the run had, or the one that is current now"
    )


class StartRequest(BaseModel):
    """What starts a run."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "workflow_template": "ai_lead_qualification",
                    "tenant_id": "tenant_001",
                    "user_id": "user_123",
                    "input_data": {"lead_data": {"name": "Ada Lovelace", "email": "ada@example.com"}},
                }
            ]
        },
    )

    workflow_template: str = Field(min_length=1, max_length=128, description="Key of a published template")
    tenant_id: str | None = Field(default=None, description="Must be the key's tenant when given")
    user_id: str | None = Field(default=None, max_length=256, description="Who started it, in your words")
    input_data: dict[str, Any] | list[dict[str, Any]] = Field(
        default_factory=dict,
        description="One item, or a list of items. A webhook trigger gets it as the body of a request.",
    )


class StartAnswer(BaseModel):
    """A run that has begun and is durable."""

    workflow_id: str
    run_id: str
    status: RunStatus
    workflow_template: str
    template_version: int
    plan_hash: str
    links: dict[str, str]


class ErrorAnswer(BaseModel):
    """Why a run or a step failed: n8n's error object."""

    model_config = ConfigDict(extra="allow")

    message: str
    name: str | None = None
    node: str | None = None
    description: str | None = None


class WaitingFor(BaseModel):
    """What a step waits for."""

    kind: str = Field(description="time, call (of its resume link), form, workflow (a sub-workflow), next try, or turn")
    until: Moment | None = None
    workflow: str | None = None


class ActiveStep(BaseModel):
    """The step that works or waits now."""

    node: str
    run: int = 0
    attempt: int = 1
    started_at: Moment | None = None
    waiting: bool = False
    reason: WaitingFor | None = None


class Progress(BaseModel):
    """How far a run is. Unknown (null) while no worker answers."""

    steps_done: int
    steps_failed: int
    last_node: str | None
    active: ActiveStep | None


class ResultSummary(BaseModel):
    """What a completed run left, in short; the whole is at `links.result`."""

    last_node: str | None
    items: list[int] = Field(description="Items per output of the last node")
    first_item: dict[str, Any] | None = Field(description="JSON of the first item; null when it is over 4 KiB")


class RunHead(BaseModel):
    """What every answer about a run begins with."""

    workflow_id: str
    run_id: str
    workflow_template: str
    plan_hash: str
    status: RunStatus
    trigger: str
    user_id: str | None
    started_at: Moment
    closed_at: Moment | None
    duration_ms: int | None


class StatusAnswer(RunHead):
    """How a run stands."""

    progress: Progress | None
    result: ResultSummary | None
    error: ErrorAnswer | None
    links: dict[str, str]


class Canceled(BaseModel):
    """A cancellation that was accepted; the run ends at its next step."""

    workflow_id: str
    run_id: str
    status: RunStatus
    cancel_requested: bool
    links: dict[str, str]


class ResultAnswer(BaseModel):
    """What a run left: the outputs of the node that ran last, as n8n has it."""

    workflow_id: str
    run_id: str
    status: RunStatus
    last_node: str | None
    outputs: list[list[dict[str, Any]] | None]
    error: ErrorAnswer | None
    custom_data: dict[str, str]
    links: dict[str, str]


class StepAnswer(BaseModel):
    """One run of one node."""

    sequence: int
    node: str
    type: str | None
    run: int
    status: str
    started_at: Moment
    finished_at: Moment | None
    duration_ms: int | None
    tries: int
    items_in: list[int]
    items_out: list[int]
    input: list[Any] | None = Field(
        default=None,
        description="Per input the first item's json, or the beginning of its text where it is long; null: not known",
    )
    output: list[Any] | None = Field(default=None, description="The same per output")
    error: ErrorAnswer | None


class ForgottenRuns(BaseModel):
    """What those runs of a node came to that a long run no longer keeps."""

    runs: int
    errors: int
    items: int


class HistoryAnswer(BaseModel):
    """What a run did, node by node, in the order in which it happened."""

    workflow_id: str
    run_id: str
    workflow_template: str
    status: RunStatus
    started_at: Moment
    closed_at: Moment | None
    steps: list[StepAnswer]
    forgotten: dict[str, ForgottenRuns] = Field(
        default_factory=dict, description="Node -> runs that are not among the steps, since the run was long"
    )
    active: ActiveStep | None
    usage: list[dict[str, Any]] = Field(description="One entry per model request of an agent")
    error: ErrorAnswer | None
    links: dict[str, str]


class RunSummary(RunHead):
    """A run in a list."""

    steps: int
    error: ErrorAnswer | None
    links: dict[str, str]


class RunPage(BaseModel):
    """A page of runs, newest first."""

    items: list[RunSummary]
    next_cursor: str | None


def links(workflow_id: str, *names: str) -> dict[str, str]:
    """Return relative addresses of a run by name."""
    return {name: f"/workflows/{workflow_id}/{name}" for name in names or ("status", "history", "result", "cancel")}
