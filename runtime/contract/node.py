"""The base classes of node types. A node's base class is the place where it runs, and there is no default.

| base | `run` | runs |
|---|---|---|
| `Inline` | pure, synchronous | inside workflow code, no history event |
| `Activity` (`local = True`: local activity) | async, touches the world through `context` | activity |
| `Durable` | `advance(context, state, event)`, a reducer | workflow; its commands are timers, signals, children, calls |
| `Trigger` | like Inline; passes what started the run | workflow |
| `SubNode` | no `run`; methods that its root calls | activity |
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, ClassVar, Protocol, TypeVar

from runtime.contract.kept import Files, Store
from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef, Item, Items, Json, Outputs, PairedItem, Source
from schemas.node import Dynamic, Node, param
from schemas.plan import Kind

__all__ = [
    "Activity",
    "ActivityContext",
    "AwaitSignal",
    "BinaryRef",
    "Call",
    "Command",
    "Context",
    "Done",
    "Durable",
    "DurableContext",
    "Dynamic",
    "Event",
    "Files",
    "HttpRequest",
    "HttpResponse",
    "Inline",
    "Item",
    "Items",
    "NodeApiError",
    "NodeError",
    "Outputs",
    "Respond",
    "RunTool",
    "Sleep",
    "StartChild",
    "Store",
    "SubNode",
    "Trigger",
    "each_item",
    "each_item_async",
    "error_item",
    "param",
]

N = TypeVar("N", bound=Node)


class NodeError(Exception):
    """What a user sees as a failed node: n8n's NodeOperationError.

    `message` is n8n's text. `item` is the index of the input item at fault.
    """

    name = "NodeOperationError"

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        item: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.item = item
        self.data = dict(data or {})

    def to_json(self) -> dict[str, Any]:
        """n8n's error object as it is recorded with a run."""
        shape: dict[str, Any] = {"name": self.name, "message": self.message}
        if self.description is not None:
            shape["description"] = self.description
        if self.item is not None:
            shape["context"] = {"itemIndex": self.item}
        return shape | self.data


class NodeApiError(NodeError):
    """A vendor or HTTP endpoint refused: n8n's NodeApiError. `http_code` is the status as text."""

    name = "NodeApiError"

    def __init__(self, message: str, *, http_code: str | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.http_code = http_code
        if http_code is not None:
            self.data.setdefault("httpCode", http_code)


class MissingCredential(NodeError):
    """The tenant has no credential of the type that a step needs (an AI model may then fall back to the embedded one)."""


class Context(Protocol):
    """What a pure step may see. Everything here is the same on replay."""

    name: str
    version: float
    """The node's typeVersion."""
    inputs: Sequence[Items | None]
    """All main inputs; None where nothing arrived."""
    source: Sequence[Source | None]
    """Where each input came from."""
    run_index: int
    continue_on_fail: bool
    """n8n's continueOnFail(): the node is to put errors of an item into its output instead of raising."""
    custom_data: dict[str, str]
    """`$execution.customData` of the run."""
    memory: dict[str, Any]
    """n8n's node context: JSON that lasts for the execution and is readable by `$('Node').context`."""
    now: float
    """Milliseconds since the epoch, one instant per run of the step."""
    timezone: str
    random: random.Random
    mode: str
    """manual, trigger, webhook, integrated, ..."""
    workflow: Mapping[str, Any]
    """id, name, active."""
    execution_id: str
    connected_outputs: int
    """Highest wired main output + 1."""
    parents: Sequence[tuple[str, str]]
    """(name, type) of every ancestor by main connections, nearest first."""

    def resolve(self, node: N, i: int) -> N:
        """The node with its parameters as they are for input item `i`. Reading a parameter whose expression failed
        raises that NodeError, as in n8n; the others stay readable.
        """


class HttpRequest(Protocol):
    """One outgoing request as a node describes it."""


@dataclass(frozen=True)
class HttpResponse:
    """What came back. `body` is the whole body, unless `store` let a long one go straight into storage."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    url: str = ""
    stored: StoredFile | None = None
    """Where the body is, when it was too long to be held: `body` is empty then."""

    def header(self, name: str) -> str | None:
        """The last header of this name, any case."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name.lower()), None)


class ActivityContext(Context, Protocol):
    """What a step that touches the world gets. Secrets exist only here."""

    static_data: dict[str, Any]
    """n8n's workflow static data: {'global': {...}, 'node:<name>': {...}}; changes are kept at the end of the run."""
    snapshot: Mapping[str, Any]
    """For Code: the data that `$`-variables read (see `runtime.expressions`)."""

    async def http(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | LongBytes | None = None,
        timeout: float = 300.0,
        follow_redirects: bool = True,
        verify: bool = True,
        proxy: str | None = None,
        item: int = 0,
        certificate: Mapping[str, str] | None = None,
        store: Callable[[int, Sequence[tuple[str, str]]], bool] | None = None,
    ) -> HttpResponse:
        """One request through the egress guard, with an `Idempotency-Key` on mutating methods. `store(status, headers)` says
        whether a long body goes into storage instead of memory.

        Raises NodeApiError for connection failures (message as n8n's). A status of 4xx or 5xx is returned, not raised.
        """

    async def credentials(self, type_: str, i: int = 0) -> Mapping[str, Any]:
        """The decrypted credential of this type. Raises MissingCredential when the tenant has none."""

    async def read_binary(self, ref: BinaryRef) -> bytes:
        """The bytes behind a reference. Raises NodeError when they are gone, or too many to be held in memory."""

    async def open_binary(self, ref: BinaryRef) -> bytes | LongBytes:
        """The bytes behind a reference, piece by piece when they are many. Raises NodeError when they are gone."""

    async def write_binary(
        self, data: bytes | LongBytes | StoredFile, *, mime_type: str | None = None, file_name: str | None = None
    ) -> BinaryRef:
        """Store bytes and give the reference; the mime type is guessed from the name, then from the bytes."""

    async def mail(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        """Send by the `smtp` credential, through the egress guard, with a Message-ID that is the same on every attempt; what
        nodemailer tells of it. Raises NodeError.
        """

    async def mailbox(
        self, name: str, criteria: str, *, after: int | None, mark: Sequence[int]
    ) -> list[tuple[int, bytes]]:
        """(uid, raw message) of what matches in a mailbox of the `imap` credential, oldest first, through the egress guard;
        `mark`: uids of earlier ones to mark as read first. Raises NodeError.
        """

    async def run_javascript(self, code: str, *, mode: str, **options: Any) -> Any:
        """Run a Code node's JavaScript in a child process with limits. See `runtime.sandbox`."""

    async def run_python(self, code: str, *, mode: str, **options: Any) -> Any:
        """Run a Code node's Python in the sandboxed interpreter. See `runtime.sandbox`."""

    async def evaluate_paged(self, path: tuple[str | int, ...], i: int, paged: Mapping[str, Any]) -> Any:
        """The value of the parameter at this path (keys and indexes from the top) for item `i`, with `$pageCount`,
        `$request` and `$response` from `paged`. A literal is itself; UNDEFINED where an expression gives nothing.
        """

    @property
    def files(self) -> Files:
        """The files of the tenant."""

    def heartbeat(self, *details: Any) -> None:
        """Tell Temporal that the step lives, and where a retry should go on."""

    def progress(self) -> Sequence[Any]:
        """The details of the last heartbeat of an attempt that was cut off; empty on the first."""

    def log(self, event: str, **facts: Any) -> None:
        """A structured log line with tenant, run and step on it. Never a secret."""

    usage: list[dict[str, Any]]
    """What this try used of models, one entry per request: `agent`, `node`, `model`, `input_tokens`, `output_tokens`,
    `duration_ms`, `status`. The host records it, also when the try fails."""
    token_limit: int
    """Model tokens that one run of a step may use."""

    async def memory_load(self, key: str, limit: int) -> list[dict[str, Any]]:
        """The last `limit` chat messages kept under a key of the tenant, oldest first."""

    async def memory_append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Keep chat messages under a key of the tenant. A message with an `id` that is there already may come twice."""

    async def keep(self, work: Callable[[Store], Awaitable[Json]]) -> Json:
        """Do `work` on what the tenant keeps between runs, in one transaction: all of it or nothing. A later attempt of
        the same step gets the result of the first that came through, and does nothing again.
        """

    async def service(self, name: str, path: str, body: Json, *, timeout: float = 300.0) -> HttpResponse | None:
        """POST JSON to a service that the operator set up: `local_model` (the embedded one, OpenAI-compatible) or
        `agents` (AI_AGENTS_URL). Never an address that a tenant chose. None: the operator has none.
        """


class Inline(Node):
    """Pure work inside workflow code."""

    kind: ClassVar[Kind] = Kind.INLINE

    def run(self, context: Context, items: Items) -> Outputs | None:
        """`items` is the effective input (v1: the first input that has items). None: nothing happened, record nothing."""
        raise NotImplementedError


class Trigger(Inline):
    """A start node: the run's items are what the trigger gave, and it passes them on."""

    input_count: ClassVar[int] = 0

    def returns_all_runs(self, version: float) -> bool:
        """Whether a sub-workflow that starts here gives back every run of its last node, or only the last run."""
        del version
        return False

    def run(self, context: Context, items: Items) -> Outputs | None:
        """Pass on what started the run."""
        del context
        return [items]


class Activity(Node):
    """Work that touches the world (or, with `local = True`, pure work that needs a library or much CPU)."""

    kind: ClassVar[Kind] = Kind.ACTIVITY
    local: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """`local` decides the kind."""
        cls.kind = Kind.LOCAL if cls.local else Kind.ACTIVITY

    async def run(self, context: ActivityContext, items: Items) -> Outputs | None:
        """Like `Inline.run`, with the world at hand."""
        raise NotImplementedError


# --- durable nodes: commands go out, events come in -----------------------------------------------------------------


@dataclass(frozen=True)
class Sleep:
    """Wait for `seconds`, or until `until` (ms since the epoch). The event's value is None."""

    seconds: float | None = None
    until: float | None = None


@dataclass(frozen=True)
class AwaitSignal:
    """Wait until somebody resumes the run. The event's value is the payload, or None when `until` (ms) has passed."""

    name: str
    until: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StartChild:
    """Start another workflow. The event's value: {'status', 'outputs', 'error', 'execution_id'}; with `wait=False` as
    soon as it has started.
    """

    workflow: Mapping[str, Any]
    """{'id': ...} for a template of the tenant, {'name': ...}, or {'export': {...}} for one given as a parameter."""
    items: Items
    wait: bool = True
    mode: str = "integrated"
    kind: str = "workflow"
    """The kind of trigger that it begins at."""


@dataclass(frozen=True)
class Call:
    """Run an async method of this step's node class, or of the sub-node `step`, as one activity:
    `async def <method>(self, context: ActivityContext, payload) -> Json`. The event's value is what it returns.
    """

    method: str
    payload: Json
    step: str | None = None
    item: int = 0


@dataclass(frozen=True)
class RunTool:
    """Run a tool sub-node once with the model's arguments (`$fromAI` reads them). The event's value is its outputs."""

    step: str
    arguments: Mapping[str, Any]
    item: int = 0
    id: str = ""
    """Which call of this step run it is; part of the idempotency keys of its requests."""


@dataclass(frozen=True)
class Respond:
    """Answer the webhook request that started the run: {'statusCode', 'headers', 'body', ...}. No event comes back."""

    response: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """The step is finished."""

    outputs: Outputs | None


Command = Sleep | AwaitSignal | StartChild | Call | RunTool | Respond | Done


@dataclass(frozen=True)
class Event:
    """The outcome of a command: `index` is its place in the list that was returned. `error` is n8n's error object."""

    index: int
    value: Any = None
    error: dict[str, Any] | None = None


class DurableContext(Context, Protocol):
    """What a durable step sees."""

    items: Items
    """The effective input."""
    resume_form_url: str
    """The link of the form of the next wait for a form."""

    def bound_link(self, query: str) -> str:
        """The link that resumes the next wait with this query, and with no other."""

    agent: str | None
    """The specialist named in the node's notes (`agent: <slug>`)."""

    def raw(self, name: str) -> Mapping[str, Any]:
        """Parameters of a sub-node as written, expressions included."""

    def subnodes(self, connection: str, of: str | None = None) -> Sequence[str]:
        """Names of the enabled sub-nodes on this connection type (`ai_languageModel`, ...), in n8n's order; `of` names
        a sub-node that has sub-nodes itself.
        """

    def subnode(self, name: str, i: int, arguments: Mapping[str, Any] | None = None) -> tuple[Node, float]:
        """A sub-node with its parameters resolved against this step's input item `i`, and its typeVersion; `arguments`
        is what `$fromAI` reads.
        """


class Durable(Node):
    """A step that outlives processes: a reducer over JSON state whose commands the host carries out."""

    kind: ClassVar[Kind] = Kind.DURABLE

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """The first call has state None and event None. Commands of one list run concurrently; one event per command
        comes back, one call each. An empty list means: wait for the events still open. End with `Done`, or raise NodeError.
        """
        raise NotImplementedError


class SubNode(Node):
    """An AI sub-node: model, memory, tool, output parser. Its root calls its methods, each call an activity."""

    kind: ClassVar[Kind] = Kind.SUBNODE
    connection: ClassVar[str]
    """The connection type it supplies: `ai_languageModel`, ..."""


# --- what most nodes share ------------------------------------------------------------------------------------------


def error_item(error: NodeError, i: int) -> Item:
    """What most nodes of n8n put in place of a failing item: `{error: message}`."""
    return {"json": {"error": error.message}, "pairedItem": {"item": i}}


def each_item(context: Context, items: Items, work: Callable[[int, Item], Item | Iterable[Item] | None]) -> Outputs:
    """Call `work` per item and pair its results with the item. A NodeError becomes an error item under
    continueOnFail and is raised (with its item index) otherwise.
    """
    out: Items = []
    for i, item in enumerate(items):
        try:
            made = work(i, item)
            results = [] if made is None else [made] if isinstance(made, dict) else list(made)
        except NodeError as error:
            if error.item is None:
                error.item = i
            if not context.continue_on_fail:
                raise
            results = [error_item(error, i)]
        for result in results:
            result.setdefault("pairedItem", paired(i))
            out.append(result)  # type: ignore[arg-type]
    return [out]


async def each_item_async(
    context: Context, items: Items, work: Callable[[int, Item], Awaitable[Item | list[Item] | None]]
) -> Outputs:
    """`each_item` for work that waits; the items are taken one after the other."""
    out: Items = []
    for i, item in enumerate(items):
        try:
            made = await work(i, item)
            results = [] if made is None else made if isinstance(made, list) else [made]
        except NodeError as error:
            if error.item is None:
                error.item = i
            if not context.continue_on_fail:
                raise
            results = [error_item(error, i)]
        for result in results:
            result.setdefault("pairedItem", paired(i))
            out.append(result)
    return [out]


def paired(i: int) -> PairedItem:
    """The pairing with item `i` of input 0."""
    return {"item": i}
