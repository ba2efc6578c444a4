"""The shapes of requests and answers. Times are ISO 8601 in UTC, durations are milliseconds."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from schemas.kinds import RunStatus
from service.run_problems.problem import ProblemKind

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


MAX_UNKNOWN: Final = 20
"""Members that an answer names when a body has some that are unknown; of more it says how many there are."""


class RequestBody(BaseModel):
    """A body of a request: an unknown member is a mistake that is named."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few_unknown(cls, data: Any) -> Any:
        """Raise one error, and not one for each of many."""
        unknown = len(data.keys() - cls.model_fields.keys()) if isinstance(data, dict) else 0
        if unknown > MAX_UNKNOWN:
            raise ValueError(f"{unknown:,} members of the body are unknown")
        return data


class RetryRequest(RequestBody):
    """How a run is tried again. Nothing given: at the node that failed, with the version that the run had."""

    from_node: str | None = Field(
        default=None, max_length=1000, description="Name of the node to begin at; what ran before it is not run again"
    )
    from_start: bool = Field(default=False, description="Run everything again, with the same input")
    with_version: Literal["original", "current"] = Field(
        default="original", description="The version that the run had, or the one that is current now"
    )
    input_data: list[dict[str, Any]] | None = Field(
        default=None,
        max_length=10_000,
        description="The json of the items to begin with, in place of those that the node had at its first input (with "
        "from_start: that the start node passed on)",
    )


class StartRequest(RequestBody):
    """What starts a run."""

    model_config = ConfigDict(
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
    user_id: str | None = Field(
        default=None, max_length=256, pattern=r"^[^\x00]*$", description="Who started it, in your words"
    )
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


class ServiceFacts(BaseModel):
    """What the error of a vendor's node tells beside n8n's message."""

    vendor: str
    operation: str | None = Field(default=None, description="resource.operation")
    status: int | None = Field(default=None, description="HTTP status of the vendor's last answer")
    code: str | None = Field(default=None, description="The vendor's own code, or why there was no answer")
    advice: str | None = Field(default=None, description="What to do")


class ErrorAnswer(BaseModel):
    """Why a run or a step failed: n8n's error object."""

    model_config = ConfigDict(extra="allow")

    message: str
    name: str | None = None
    node: str | None = None
    description: str | None = None
    service: ServiceFacts | None = Field(default=None, description="Of the error of a vendor's node")


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


class RunProblemAnswer(BaseModel):
    """Why a run does not go on, or why what is shown of it is incomplete. See "A run is stuck" in the operator's guide."""

    kind: ProblemKind = Field(
        description="workflow_task: it fails again and again; activity: a step is tried again; worker: none of the build that "
        "the run needs polls; unreadable: its data cannot be shown"
    )
    cause: str = Field(
        default="Unspecified", description="A name to count by: Temporal's cause, or the class of the error"
    )
    message: str = Field(description="What is wrong")
    hint: str = Field(description="What to do")
    since: Moment | None = None
    attempt: int | None = Field(default=None, description="How often it was tried")
    next_try_at: Moment | None = None
    node: str | None = Field(default=None, description="The node whose step is tried again")


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
    first_item: Any = Field(
        description="JSON of the first item: an object, or what a service answered in its place; null when it is over 4 KiB"
    )


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
    problems: list[RunProblemAnswer] = Field(
        default_factory=list, description="Why it does not go on, the gravest first; empty: nothing that is known"
    )
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
    problems: list[RunProblemAnswer] = Field(
        default_factory=list, description="Why it does not go on, the gravest first; empty: nothing that is known"
    )
    usage: list[dict[str, Any]] = Field(description="One entry per model request of an agent")
    error: ErrorAnswer | None
    links: dict[str, str]


class RunSummary(RunHead):
    """A run in a list."""

    steps: int
    problems: list[RunProblemAnswer] = Field(
        default_factory=list, description="The gravest of its problems; empty: nothing that is known"
    )
    error: ErrorAnswer | None
    links: dict[str, str]


class RunPage(BaseModel):
    """A page of runs, newest first."""

    items: list[RunSummary]
    next_cursor: str | None


def links(workflow_id: str, *names: str) -> dict[str, str]:
    """Return relative addresses of a run by name."""
    return {name: f"/workflows/{workflow_id}/{name}" for name in names or ("status", "history", "result", "cancel")}
