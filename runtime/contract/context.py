"""The contexts of steps, i.e. what they see of their run: pure steps, activities, durable steps."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from runtime.contract.capabilities import Capabilities
from runtime.contract.commands import RunTool
from runtime.expressions.evaluator import ScriptEvaluator
from schemas.item import Items, Source
from schemas.node import Node

__all__ = ["ActivityContext", "Context", "DurableContext"]

N = TypeVar("N", bound=Node)
T = TypeVar("T")


class Context(Protocol):
    """The context of a pure step. Everything here is the same on replay."""

    name: str
    version: float
    """The node's typeVersion."""
    inputs: Sequence[Items | None]
    """All main inputs; None where nothing arrived."""
    source: Sequence[Source | None]
    """Where each input came from."""
    run_index: int
    continue_on_fail: bool
    """n8n's continueOnFail(): the node puts errors of an item into its output instead of raising them."""
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

    def keeps_undefined(self) -> bool:
        """Return whether members that are undefined stay in the items that a step of a class with `exact_values` makes. Ask it only
        where one arises: the answer is recorded.
        """

    def resolve(self, node: N, i: int) -> N:
        """Return the node with the values of its parameters for input item `i`.

        Reading a parameter whose expression failed raises its NodeError, as in n8n; the others stay readable.
        """


class ActivityContext(Context, Capabilities, Protocol):
    """The context of an activity, with the capabilities that its kind may use as attributes."""

    error_output: bool
    """Whether items with an error go to an output of their own (n8n's onError)."""
    static_data: dict[str, Any]
    """n8n's workflow static data: {'global': {...}, 'node:<name>': {...}}; changes are stored at the end of the run."""
    snapshot: Mapping[str, Any]
    """For Code: the data that `$`-variables read (see `runtime.expressions`)."""
    evaluator: ScriptEvaluator
    """For JavaScript libraries (see `runtime.expressions.library`): runs them in isolates of the run's tenant."""
    usage: list[dict[str, Any]]
    """The usage of models in this attempt, one entry per request: `agent`, `node`, `model`, `input_tokens`, `output_tokens`,
    `duration_ms`, `status`. The host records it, also when the attempt fails."""

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that may compute or wait for seconds on a thread, and return what it returns: the event loop is of all
        steps of the process.
        """

    async def run_javascript(
        self, code: str, *, mode: str, items: Items | None = None, continue_on_fail: bool = False
    ) -> Any:
        """Run a Code node's JavaScript (see `capabilities.code`) and return its value; static data, custom data and logs of
        the code become the step's.
        """

    async def run_python(
        self, code: str, *, mode: str, items: Items | None = None, continue_on_fail: bool = False
    ) -> Any:
        """Run a Code node's Python, likewise."""

    async def evaluate_paged(self, path: tuple[str | int, ...], i: int, paged: Mapping[str, Any]) -> Any:
        """Return the value of the parameter at this path (keys and indexes from the top) for item `i`.

        `paged` has `$pageCount`, `$request` and `$response`. A literal is itself; UNDEFINED where the expression has no
        value.
        """


class DurableContext(Context, Protocol):
    """The context of a durable step."""

    items: Items
    """The effective input."""
    resume_url: str
    """The link of the next wait for a call."""
    resume_form_url: str
    """The link of the form of the next wait for a form."""

    def bound_link(self, query: str) -> str:
        """Return the link that resumes the next wait; it is valid with this query only."""

    streams: bool
    """Whether the run's caller reads answers while they are said (response mode `streaming`)."""
    agent: str | None
    """The specialist named in the node's notes (`agent: <slug>`)."""
    arguments: Mapping[str, Any]
    """The model's arguments, where the step is a tool that is called; otherwise empty."""

    def patched(self, change: str) -> bool:
        """Return whether a decision is made as this code makes it: False in a run that made it before the change of this name."""

    def raw(self, name: str) -> Mapping[str, Any]:
        """Return the parameters of a sub-node as written, expressions included."""

    def subnodes(self, connection: str, of: str | None = None) -> Sequence[str]:
        """Return the names of the enabled sub-nodes on this connection type (`ai_languageModel`, ...), in n8n's order.

        `of` names a sub-node that has sub-nodes itself.
        """

    def subnode(self, name: str, i: int, arguments: Mapping[str, Any] | None = None) -> tuple[Node, float]:
        """Return a sub-node with its parameters resolved against this step's input item `i`, and its typeVersion.

        `arguments` is the data of `$fromAI`.
        """

    def tool(self, call: RunTool) -> tuple[Node, Self]:
        """Return a tool as it is for one call, and what it sees if it is durable: its input is the item of the call."""
