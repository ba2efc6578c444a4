"""The plan: what the compiler emits and the runtime runs. Frozen, canonical JSON, addressed by its hash."""

import hashlib
import json
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.expression import Path, Placed

PLAN_VERSION = 2
"""1: no facts of node types; `schemas.facts.with_facts` adds them when such a plan is read."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """Where a step runs. Written into the plan, so that a plan in flight never changes its place of execution."""

    INLINE = "inline"
    """Pure and synchronous, inside workflow code: no history event."""
    LOCAL = "local"
    """Pure work that needs a library or much CPU: a local activity."""
    ACTIVITY = "activity"
    """Touches the world: an activity."""
    DURABLE = "durable"
    """A reducer whose commands (timers, signals, children, calls) the host carries out."""
    SUBNODE = "subnode"
    """An AI sub-node (model, memory, tool, parser): never scheduled, called by its root node."""
    UNSUPPORTED = "unsupported"
    """Raises a clear node error when it is reached (`--allow-unsupported`)."""


class OnError(StrEnum):
    """n8n's onError."""

    STOP = "stopWorkflow"
    REGULAR = "continueRegularOutput"
    OUTPUT = "continueErrorOutput"
    INPUT = "passInput"
    """The older continueOnFail beside an onError that stops: the node knows nothing of it, and its input goes on."""

    @property
    def known_to_node(self) -> bool:
        """Whether a node's own code goes on after an error."""
        return self in (OnError.REGULAR, OnError.OUTPUT)


class Retry(_Model):
    """n8n's retryOnFail, already clamped as n8n does: 2 to 5 tries, 0 to 5000 ms between them."""

    tries: int = Field(ge=2, le=5)
    wait_ms: int = Field(ge=0, le=5000)


class Edge(_Model):
    """A main connection: from an output of the step that owns it to an input of `target`."""

    output: int
    target: str
    input: int


class CredentialRef(_Model):
    """Which credential a step uses: a name within the tenant, never a secret."""

    id: str | None = None
    name: str | None = None
    hosts: tuple[str, ...] = Field(default=(), exclude_if=lambda hosts: not hosts)
    """The constant hosts of the addresses in all nodes of the export that use it; see `schemas.hosts`."""


class Needs(_Model):
    """What must be looked up before a run of the plan begins."""

    variables: bool = False
    """A step reads `$vars`, or may start another workflow, which inherits them."""
    static_data: bool = False
    """A step reads or writes workflow static data."""
    resume_links: bool = False
    """A step may wait for a call, reads the links of waits, or may start another workflow, which derives its own."""


class Route(_Model):
    """Where a trigger listens. Path segments that begin with ':' are parameters."""

    method: str
    """An HTTP method, or `FORM`, `CHAT` or `MCP` for the addresses below /form, of a chat, and below /mcp."""
    path: str
    node: str
    response_mode: str = "onReceived"
    registers: bool = Field(default=False, exclude_if=lambda registers: not registers)
    """A vendor delivers there: it is told the address while the template is active."""


class Firing(_Model):
    """One rule of a schedule: crontab lines, or every so many seconds from an offset. Exactly one of the two is set."""

    crons: tuple[str, ...] = Field(default=(), exclude_if=lambda crons: not crons)
    """Six fields, seconds first, in the workflow's time zone."""
    every: int = Field(default=0, exclude_if=lambda every: not every)
    """Seconds."""
    offset: int = Field(default=0, exclude_if=lambda offset: not offset)
    """Seconds after the epoch, modulo `every`."""

    def to_json(self) -> dict[str, Any]:
        """Return the row of the table `schedules`."""
        return {"crons": list(self.crons)} if self.crons else {"every": self.every, "offset": self.offset}


class Schedule(_Model):
    """When a trigger starts runs by itself."""

    node: str
    firing: Firing
    poll: bool = False
    """A run begins only where the trigger finds something new."""


class Loop(_Model):
    """The outputs of a node that emits its items batch by batch."""

    body: int
    """The output that emits the next batch."""
    done: int | None = None
    """The output that emits all items once the loop is over; None: the branch ends."""


class Step(_Model):
    """A node in a plan. `parameters` are the effective ones (defaults filled, hidden dropped); expression strings stay
    in them as written (n8n's raw parameters) and `expressions` says what each place evaluates to.
    """

    name: str
    id: str = ""
    type: str
    version: float
    kind: Kind
    position: tuple[float, float] = (0, 0)
    parameters: dict[str, Any] = Field(default_factory=dict)
    expressions: tuple[Placed, ...] = ()
    credentials: dict[str, CredentialRef] = Field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    """In the order of the export: by output, then by place in the list. A target that is not in the plan is kept: n8n
    fails when it follows such a connection."""
    inputs: int = 1
    """Connected input slots: the highest connected input index + 1 (0: none), n8n's rule for waiting."""
    own_inputs: int | None = Field(default=None, exclude_if=lambda inputs: inputs is None)
    """Inputs that the node has, where more are connected: what arrives at the others, it does not see."""
    outputs: int = 1
    """Main outputs, the error output included."""
    required_inputs: int | tuple[int, ...] | None = None
    """For nodes with several inputs: how many, or which, must have data when nothing else is left to run (v1)."""
    on_error: OnError = OnError.STOP
    retry: Retry | None = None
    always_output_data: bool = False
    execute_once: bool = False
    at_most_once: bool = Field(default=False, exclude_if=lambda once: not once)
    """The author's notes say `delivery: at-most-once`: a step whose worker died is not tried again."""
    disabled: bool = False
    subnodes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """For AI roots: connection type (`ai_languageModel`, ...) -> enabled sub-nodes in order."""
    reads: tuple[str, ...] | None = ()
    """Nodes whose data its code or parameters may read (None: any)."""
    ways: dict[str, tuple[str, ...]] = Field(default_factory=dict, exclude_if=lambda ways: not ways)
    """How its programs read nodes, as in `Script.ways`."""
    trigger: str | None = None
    """For start nodes: manual, webhook, schedule, workflow, error, chat, form, poll."""
    webhook_id: str | None = None
    notes: str = ""
    agent: str | None = None
    """The specialist named in the notes (`agent: <slug>`)."""
    issues: tuple[str, ...] = ()
    """What n8n refuses before a run that could reach this step: its lines of "The 'X' node has issues:"."""
    problem: str | None = None
    """Why an UNSUPPORTED step cannot run, in the author's terms."""
    overlaps: Literal["time", "call"] | None = Field(default=None, exclude_if=lambda waits: waits is None)
    """What it waits for in parallel with the rest of the run, if the settings let waits overlap."""
    loop: Loop | None = Field(default=None, exclude_if=lambda loop: loop is None)
    """The outputs of a loop node."""
    speaks: bool = Field(default=False, exclude_if=lambda speaks: not speaks)
    """A caller in response mode `streaming` receives its output."""
    responds: bool = Field(default=False, exclude_if=lambda responds: not responds)
    """It answers the request that started the run."""
    form_page: bool = Field(default=False, exclude_if=lambda page: not page)
    """It shows a further page of the form that started the run."""


class Concurrency(_Model):
    """How many runs of a workflow go on at a time; the others wait for their turn."""

    limit: int = Field(ge=1, le=10_000)
    key: Path | None = None
    """A walk through the first item of the trigger (`$json.body.customer`): the limit holds for each value of it."""


class Settings(_Model):
    """The export's settings that a run obeys."""

    order: Literal["v0", "v1"] = "v0"
    timezone: str = "America/New_York"
    """n8n's own default; the compiler writes the zone that holds."""
    error_workflow: str | None = None
    timeout_s: float | None = None
    caller_policy: str = "workflowsFromSameOwner"
    caller_ids: tuple[str, ...] = ()
    transient: bool = False
    overlapping_waits: bool = Field(default=False, exclude_if=lambda overlaps: not overlaps)
    """Waits for a time in parallel branches run side by side; in n8n one branch waits after the other."""
    concurrency: Concurrency | None = Field(default=None, exclude_if=lambda limit: limit is None)
    save_success: bool = Field(default=True, exclude_if=lambda saves: saves)
    """n8n's saveDataSuccessExecution: whether a run that succeeded leaves more than the row that says so."""
    save_error: bool = Field(default=True, exclude_if=lambda saves: saves)
    """n8n's saveDataErrorExecution: the same of any other end."""

    def saves(self, status: str) -> bool:
        """Return whether a run that ended with this status keeps its data."""
        return self.save_success if status == "completed" else self.save_error


class Plan(_Model):
    """A compiled export."""

    plan_version: int = PLAN_VERSION
    workflow_id: str = ""
    name: str
    active: bool = False
    settings: Settings = Settings()
    steps: tuple[Step, ...]
    """In the order of the export."""
    wired: tuple[str, ...] | None = Field(default=None, exclude_if=lambda wired: wired is None)
    """Steps with connections in the order of the export's `connections`, where that is another: it decides which parent of a node
    comes first."""
    pin_data: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """Pinned items per node; used only if the run's input says so."""
    static_data: dict[str, Any] = Field(default_factory=dict)
    needs: Needs | None = Field(default=None, exclude_if=lambda needs: needs is None)
    routes: tuple[Route, ...] = Field(default=(), exclude_if=lambda routes: not routes)
    """Where its enabled triggers listen."""
    schedules: tuple[Schedule, ...] = Field(default=(), exclude_if=lambda schedules: not schedules)
    """When its enabled triggers start runs by themselves."""

    @cached_property
    def step(self) -> dict[str, Step]:
        """Steps by name."""
        return {step.name: step for step in self.steps}

    def canonical(self) -> str:
        """Return the plan as canonical JSON: sorted keys, no spaces, UTF-8."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def id(self) -> str:
        """`sha256` of the canonical JSON, in hex: the plan's id."""
        return hashlib.sha256(self.canonical().encode("utf-8", "surrogatepass")).hexdigest()
