"""The commands of a durable step, and the event that comes back for each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.item import Items, Json, Outputs
from schemas.kinds import Mode, TriggerKind

__all__ = [
    "AwaitSignal",
    "Call",
    "Command",
    "Done",
    "Event",
    "Respond",
    "RunTool",
    "Sleep",
    "StartChild",
    "ToolCommand",
]


@dataclass(frozen=True)
class Sleep:
    """Wait for `seconds`, or until `until` (ms since the epoch). The event's value is None."""

    seconds: float | None = None
    until: float | None = None


@dataclass(frozen=True)
class AwaitSignal:
    """Wait until the run is resumed. The event's value is the payload, or None when `until` (ms since the epoch) has
    passed.
    """

    name: str
    until: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StartChild:
    """Start another workflow. The event's value: {'status', 'outputs', 'error', 'execution_id'}; with `wait=False` as
    soon as it has started.
    """

    workflow: Mapping[str, Any]
    """{'id': ...} for a template of the tenant, {'name': ...}, or {'export': {...}} for an export in a parameter."""
    items: Items
    wait: bool = True
    mode: Mode = Mode.INTEGRATED
    kind: TriggerKind = TriggerKind.WORKFLOW
    """The kind of trigger that it begins at."""


@dataclass(frozen=True)
class Call:
    """Run an async method of this step's node class, or of the sub-node `step`, as one activity:
    `async def <method>(self, context: ActivityContext, payload) -> Json`. The event's value is what it returns.
    """

    method: str
    payload: Json
    step: str | None = None
    item: int | None = None
    """The input item that the method reads; the task carries no other. None: it may read all of them."""
    id: str = ""
    """Which call of the method it is, where one may be made several times for an item: part of the idempotency keys of its requests."""

    def to_json(self) -> dict[str, Any]:
        """Return the members as JSON, without those that a run of an older build does not know while they say nothing."""
        said = {"id": self.id} if self.id else {}
        return {"method": self.method, "payload": self.payload, "step": self.step, "item": self.item, **said}


@dataclass(frozen=True)
class RunTool:
    """Run a tool sub-node once with the model's arguments (`$fromAI` reads them). The event's value is its outputs."""

    step: str
    arguments: Mapping[str, Any]
    item: int = 0
    id: str = ""
    """Identifies the call within the run of the step; part of the idempotency keys of its requests."""
    given: Literal["item", "arguments", "both"] = "item"
    """Its input: the root's item, the arguments alone (expressions still see the item), or the item with the arguments in it."""
    call: str = ""
    """The model's id of the call, which an input of both has as `toolCallId`."""

    def to_json(self) -> dict[str, Any]:
        """Return the members as JSON, without those that a run of an older build does not know while they say nothing."""
        said = {"given": self.given, "call": self.call} if self.given != "item" else {}
        return {"step": self.step, "arguments": self.arguments, "item": self.item, "id": self.id, **said}


@dataclass(frozen=True)
class ToolCommand:
    """A command of a tool that is durable itself, carried out in the tool's name. The step keeps the tool's state.

    The event has `call.id` in `tool`, and `index` as it is here.
    """

    call: RunTool
    index: int
    """Its place in the list that the tool's reducer returned."""
    command: "Command"


@dataclass(frozen=True)
class Respond:
    """Answer the webhook request that started the run: {'statusCode', 'headers', 'body', ...}. No event comes back."""

    response: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """The step is finished."""

    outputs: Outputs | None


Command = Sleep | AwaitSignal | StartChild | Call | RunTool | ToolCommand | Respond | Done


@dataclass(frozen=True)
class Event:
    """The outcome of a command: `index` is its place in the list that was returned. `error` is n8n's error object."""

    index: int
    value: Any = None
    error: dict[str, Any] | None = None
    tool: tuple[str, ...] = ()
    """For a `ToolCommand`: the id of the tool's call, then of the call of that tool's tool, and so on."""
