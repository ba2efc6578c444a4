"""A run from outside: its input, its journal, and its result."""

from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.kinds import Mode, TriggerKind
from schemas.plan import Plan
from schemas.plan_reference import PlanReference

TASK_TIMEOUT: Final = timedelta(seconds=5)
"""Workflow task time-out of every run, child and scheduled run: a worker that was killed is noticed within it."""
PAYLOAD_LIMIT: Final = 32 * 1024 * 1024
"""Default of TEMPOR8_PAYLOAD_LIMIT: bytes of JSON that a step, a sub-workflow or a result may have."""
MAX_ITEMS: Final = 100_000
"""Items that an activity may return. Workflow code takes about ten microseconds for each in every step that moves it, and all that
happens between two activities must fit into the five seconds of a workflow task: 300,000 items of Code did not."""


class StartInput(BaseModel):
    """The input of the Temporal workflow. A run is pinned to the plan it was started with."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)  # plain text, as it came over the wire

    plan: Plan | None = None
    """A plan that is stored nowhere (`tempor8 run`), and that of runs from before there was `plan_hash`."""
    plan_hash: str = ""
    """The stored plan. Neither this nor `plan`: the run of a schedule, which takes the version that is current when it begins."""
    tenant: str
    template: str
    execution_id: str = ""
    """The Temporal workflow id; of a schedule's runs only Temporal knows it."""
    start: str | None = None
    """The start node; None: n8n's own choice."""
    trigger_kind: TriggerKind = Field(default=TriggerKind.MANUAL, validate_default=True)
    """What started the run."""
    mode: Mode = Field(default=Mode.TRIGGER, validate_default=True)
    """n8n's execution mode."""
    items: list[dict[str, Any]] = Field(default_factory=list)
    """n8n items ({json, binary?}) that the start node passes on."""
    user_id: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    static_data: dict[str, Any] = Field(default_factory=dict)
    resume_url: str = ""
    """Where the API is reached from outside: the beginning of links that resume the run."""
    resume_secret: str = ""
    """The key of the tokens of such links; see `schemas.resume_link`."""
    waits: int = 0
    """How many waits for a call are over, carried over a continue-as-new."""
    payload_limit: int | None = None
    """TEMPOR8_PAYLOAD_LIMIT when the run began, so that it is the same on replay. None: a run of an older build, whose data
    are not measured."""
    pinned: bool = False
    """Use the plan's pin data."""
    depth: int = 0
    """How many workflows called each other to get here."""
    state: dict[str, Any] | None = None
    """Engine state carried over a continue-as-new."""
    carried: dict[str, Any] | None = None
    """What else a continue-as-new carries over: {sequence, usage, custom_data, resumed, response, before}; `before` is the
    static data that the run began with, where it has changed."""
    tenant_limit: int | None = None
    """How many runs of the tenant may go on at a time; None: any number."""

    archived: bool = False
    """What the run leaves is kept beside Temporal: its result has its answer to a webhook, its failure its state."""

    def to_json(self) -> dict[str, Any]:
        """Return the input as a payload. Members that are younger than the first histories are left out while they have
        their default, so that those replay.
        """
        later = {"resume_secret", "waits", "carried", "plan_hash", "tenant_limit", "payload_limit", "archived"}
        document = self.model_dump(mode="json", exclude={name for name in later if not getattr(self, name)})
        return PlanReference(document) if self.plan_hash else document


class StepRecord(BaseModel):
    """One run of one node in a run's journal."""

    node: str
    run: int
    status: str
    started: float
    """Milliseconds since the epoch."""
    finished: float | None
    tries: int = 1
    items_in: list[int] = Field(default_factory=list)
    """Items per input."""
    items_out: list[int] = Field(default_factory=list)
    """Items per output."""
    error: dict[str, Any] | None = None
    place: int | None = Field(default=None, exclude_if=lambda place: place is None)
    """Its number among all steps of the run, where some of them are no longer kept; None: its place in the list."""


class Forgotten(BaseModel):
    """What the runs of a node came to that a long execution no longer keeps."""

    runs: int
    errors: int
    items: int
    """Items that they emitted."""


class Totals(BaseModel):
    """Counts over all steps of a run, beside a page of its journal."""

    steps: int
    failed: int
    next: int | None = None
    """Where the next page begins; None: there is none yet."""


class JournalPage(BaseModel):
    """Argument of the `journal` query: which steps the answer has. Without it, the answer has all."""

    since: int = Field(default=0, ge=0)
    """Place of the first step, as in `Journal.since`."""
    limit: int = Field(default=1_000, ge=1, le=1_000)
    """Number of steps."""


class ItemsPage(BaseModel):
    """Argument of the `items` query: which items of a run of a node the answer has."""

    node: str
    run: int = Field(default=0, ge=0)
    side: Literal["input", "output"] = "output"
    index: int = Field(default=0, ge=0)
    """Of the input or output."""
    since: int = Field(default=0, ge=0)
    """Place of the first item."""
    limit: int = Field(default=20, ge=1, le=50)
    contents: bool = Field(default=False, exclude_if=lambda contents: not contents)
    """Answer with the bytes of small files, too, which are in their items."""


class ItemView(BaseModel):
    """An item as people see it."""

    json_: Any = None
    beginning: str | None = None
    """Of its JSON, where that is long; then there is no `json_`."""
    files: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Name -> {fileName, mimeType, fileSize, id?, data?} of its binary data. `id` is where the bytes are stored; else they are in
    `data` (base64), where they were asked for.
    """


class ItemsAnswer(BaseModel):
    """The answer of the `items` query."""

    counts: list[int]
    """Items of each input or output of the node's run."""
    items: list[ItemView]


class Journal(BaseModel):
    """The state of a run: the answer of the `journal` query, and part of its result and failure details."""

    status: str
    """running, waiting, success, error, canceled."""
    steps: list[StepRecord] = Field(default_factory=list)
    active: dict[str, Any] | None = None
    """The step that runs or waits now: {node, run, attempt, started, waiting?}."""
    last_node: str | None = None
    error: dict[str, Any] | None = None
    """{name, message, node, description?, ...}."""
    usage: list[dict[str, Any]] = Field(default_factory=list)
    """Of model requests: {agent, node, model, status, requests, input_tokens, output_tokens, duration_ms, cost_usd?, started?}, a record for each
    of the newest ones; those before are sums without `started`.
    """
    forgotten: dict[str, Forgotten] = Field(default_factory=dict, exclude_if=lambda gone: not gone)
    """Node -> its runs that are not among `steps`: a long run keeps those that a step may still read."""
    totals: Totals | None = Field(default=None, exclude_if=lambda totals: totals is None)
    """For a page of a journal (see `JournalPage`), whose `steps` are not all."""

    @property
    def count(self) -> int:
        """How many runs of steps there were."""
        if self.totals is not None:
            return self.totals.steps
        return len(self.steps) + sum(each.runs for each in self.forgotten.values())

    @property
    def failed(self) -> int:
        """How many runs of steps failed."""
        if self.totals is not None:
            return self.totals.failed
        return sum(step.status == "error" for step in self.steps) + sum(each.errors for each in self.forgotten.values())

    def since(self, number: int) -> list[tuple[int, StepRecord]]:
        """Return the steps from this place on, each with its place."""
        placed = [(step.place if step.place is not None else i, step) for i, step in enumerate(self.steps)]
        return [each for each in placed if each[0] >= number]


class RunResult(BaseModel):
    """What a finished run leaves. A failed one carries the same as the details of its failure."""

    journal: Journal
    outputs: list[list[dict[str, Any]] | None] = Field(default_factory=list)
    """Outputs of the node that ran last: n8n's result of an execution."""
    static_data: dict[str, Any] | None = None
    """Only when it changed."""
    custom_data: dict[str, str] = Field(default_factory=dict)
    response: dict[str, Any] | None = Field(default=None, exclude_if=lambda response: response is None)
    """What Respond to Webhook answered: a delivery that comes again gets it, too."""


class RunReply(BaseModel):
    """The result of the `webhook` update: the response to send, or how the run ended without one."""

    response: dict[str, Any] | None = None
    """From Respond to Webhook: {statusCode, headers, body, ...}."""
    started: bool = False
    """responseMode onReceived: the run has begun."""
    finished: RunResult | None = None
    """responseMode lastNode, or a run that ended without an answer."""
    moved: bool = Field(default=False, exclude_if=lambda moved: not moved)
    """The run continues as new before it has an answer: ask again."""
