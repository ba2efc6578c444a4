"""The shapes of requests and answers about failures and their repair."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from api.models import ErrorAnswer, Moment, RequestBody, RunSummary
from schemas.kinds import RunStatus, TriggerKind
from service.run_problems.problem import ProblemKind

__all__ = [
    "MAX_RUNS",
    "BulkRetryAnswer",
    "BulkRetryRequest",
    "FailureFilter",
    "FailureGroupAnswer",
    "FailureList",
    "RetriedRun",
    "StuckCauseAnswer",
    "StuckPage",
]

MAX_RUNS: Final = 200
"""Runs of one retry by filter."""

Fingerprint = Annotated[str, Field(max_length=64, description="Of a group of `GET /failures`")]


class FailureGroupAnswer(BaseModel):
    """Failed runs of a template whose errors have node, name and message in common; numbers and quoted values apart."""

    workflow_template: str
    fingerprint: str | None = Field(description="null: runs without an error, or of before this was recorded")
    runs: int
    first_at: Moment = Field(description="When the first of them started")
    last_at: Moment
    latest: str = Field(description="workflow_id of the latest of them")
    error: ErrorAnswer | None = Field(description="Of the latest of them")
    links: dict[str, str]


class FailureList(BaseModel):
    """The groups with the most runs first, 100 at most. Runs that were tried again are not counted."""

    since: Moment
    items: list[FailureGroupAnswer]


class StuckCauseAnswer(BaseModel):
    """How many runs do not go on for one reason."""

    kind: ProblemKind
    cause: str
    hint: str = Field(description="What to do")
    runs: int


class StuckPage(BaseModel):
    """Open runs that do not go on, newest first; `causes` are counted over all of them."""

    causes: list[StuckCauseAnswer]
    items: list[RunSummary]
    next_cursor: str | None


class FailureFilter(RequestBody):
    """Which failed runs. Those that were tried again are never among them."""

    workflow_template: str | None = Field(default=None, max_length=128)
    fingerprint: Fingerprint | None = None
    status: Literal[RunStatus.FAILED, RunStatus.TIMED_OUT] | None = Field(default=None, description="null: both")
    trigger: TriggerKind | None = Field(default=None, description="What started the run")
    user_id: str | None = Field(default=None, max_length=1000)
    field: str | None = Field(
        default=None, max_length=2000, description="Data that the run has declared: name=value, such as order=4711"
    )
    since: datetime | None = Field(default=None, description="Started then or later; default: seven days ago")
    until: datetime | None = Field(default=None, description="Started earlier than that")


class BulkRetryRequest(RequestBody):
    """How failed runs are tried again. Without `dry_run: false` nothing is started."""

    filter: FailureFilter = Field(default_factory=FailureFilter)
    dry_run: bool = Field(default=True, description="Say what would happen, and start nothing")
    from_start: bool = Field(default=False, description="Run everything again; else at the node that failed")
    with_version: Literal["original", "current"] = Field(
        default="original", description="The version that each run had, or the one that is current now"
    )
    limit: int = Field(default=100, ge=1, le=MAX_RUNS, description="Runs of this request, the newest first")


class RetriedRun(BaseModel):
    """What becomes of one of the runs."""

    workflow_id: str
    workflow_template: str
    begins_at: str | None = Field(
        description="Node at which the new run begins; null: it cannot be tried again like that"
    )
    template_version: int | None
    new_workflow_id: str | None = Field(description="null in a dry run, and where nothing was started")
    refused: str | None = Field(description="Why it cannot be tried again like that, and what to do")


class BulkRetryAnswer(BaseModel):
    """What was done, or would be. Asked once more, a run that was started is not started again."""

    dry_run: bool
    matches: int = Field(
        description="Failed runs that fit the filter, those of this answer included; counted up to 10,000"
    )
    retried: int = Field(description="Runs that were tried again, or would be")
    refused: int
    runs: list[RetriedRun]
