"""The base classes of node types. A node's base class is the place where it runs, and there is no default.

| base | `run` | runs |
|---|---|---|
| `Inline` | pure, synchronous | inside workflow code, no history event |
| `Activity` (`local = True`: local activity) | async, touches the world through `context` | activity |
| `Durable` | `advance(context, state, event)`, a reducer | workflow; its commands are timers, signals, children, calls |
| `Trigger` | like Inline; passes what started the run | workflow |
| `SubNode` | no `run`; methods that its root calls | activity |
"""

from typing import Any, ClassVar

from runtime.contract.commands import Command, Event
from runtime.contract.context import ActivityContext, Context, DurableContext
from schemas.item import Items, Json, Outputs
from schemas.node import Node
from schemas.plan import Kind

__all__ = ["Activity", "Durable", "Inline", "SubNode", "Trigger"]


class Inline(Node):
    """Pure work inside workflow code."""

    kind: ClassVar[Kind] = Kind.INLINE

    def run(self, context: Context, items: Items) -> Outputs | None:
        """Return the outputs; None: nothing happened, and no run is recorded.

        `items` is the effective input (order v1: the first input that has items).
        """
        raise NotImplementedError


class Trigger(Inline):
    """A start node, which passes on the items that the run was started with."""

    input_count: ClassVar[int] = 0

    def returns_all_runs(self, version: float) -> bool:
        """Return whether a sub-workflow that starts here returns every run of its last node, or only the last run."""
        del version
        return False

    def run(self, context: Context, items: Items) -> Outputs | None:
        """Pass on the items that the run was started with."""
        del context
        return [items]


class Activity(Node):
    """Work that touches the world (or, with `local = True`, pure work that needs a library or much CPU)."""

    kind: ClassVar[Kind] = Kind.ACTIVITY
    local: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Set the kind by `local`."""
        cls.kind = Kind.LOCAL if cls.local else Kind.ACTIVITY

    async def run(self, context: ActivityContext, items: Items) -> Outputs | None:
        """Return the outputs, like `Inline.run`; `context` has the capabilities."""
        raise NotImplementedError


class Durable(Node):
    """A step that outlives processes: a reducer over JSON state whose commands the host carries out."""

    kind: ClassVar[Kind] = Kind.DURABLE

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Return the next state (JSON) and the commands to run.

        The first call has state None and event None. Commands of one list run concurrently; one event per command comes
        back, with one call each. An empty list means: wait for the events still open. End with `Done`, or raise NodeError.
        """
        raise NotImplementedError


class SubNode(Node):
    """An AI sub-node: model, memory, tool, output parser. Its root calls its methods, each call an activity."""

    kind: ClassVar[Kind] = Kind.SUBNODE
    connection: ClassVar[str]
    """The connection type it supplies: `ai_languageModel`, ..."""
    local: ClassVar[bool] = False
    """Its call as a tool is pure: a local activity, as with an `Activity` of which this is true."""
