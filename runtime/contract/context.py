"""What a step sees of its run: pure steps, durable steps, and steps that touch the world."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any, Protocol, TypeVar

from runtime.contract.http import HttpResponse
from runtime.contract.kept import Files, Store
from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef, Items, Json, Source
from schemas.node import Node

__all__ = ["ActivityContext", "Context", "DurableContext"]

N = TypeVar("N", bound=Node)


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
        """Write a structured log line; the host puts tenant, run, step and try on it. Never a secret."""

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
