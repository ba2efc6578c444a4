"""What every AI root node does: a conversation about each item with a model, in batches, as a reducer over JSON state.

A item_state moves through stages. In a stage its commands are open; when all commands of all item_states of the batch have come
back, `after_<stage>` of each item_state says what is next. So parallel tool calls and parallel items need no bookkeeping of
their own, and a crash anywhere repeats one command at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Final, cast

from runtime.agents.messages import Message, ToolSpec
from runtime.agents.retries import pause_before_retry
from runtime.agents.roots.tool_reducer import advance_tool
from runtime.agents.tools.durable_tool import DurableTool
from runtime.contract import (
    Call,
    Command,
    Done,
    Durable,
    DurableContext,
    Event,
    NodeError,
    Sleep,
    error_item,
)
from schemas.errors import LIMIT_REACHED
from schemas.item import Item, Json, Outputs
from schemas.node import Node

NO_MODEL = "A Model sub-node must be connected and enabled"
NO_CHAT_MODEL = "A Chat Model sub-node must be connected and enabled"
WHOLE_NODE = "what a root lacks before its first item is an error of the node"
"""Change since which such an error is not one of each item: n8n's engine then decides what goes on."""
NO_PROMPT = "No prompt specified"
NO_PROMPT_HINT = (
    "Expected to find the prompt in an input field called 'chatInput' "
    "(this is what the chat trigger node node outputs). To use something else, change the 'Prompt' parameter"
)
NO_DEFINED_PROMPT_HINT = "The prompt is empty, or its expression has no value. Check the parameter 'Prompt'"


def input_prompt(prompt_type: str, item: Item) -> Any:
    """Return the prompt that comes with the item, whatever the node's own text says (n8n); None: there is none."""
    name = "guardrailsInput" if prompt_type == "guardrails" else "chatInput"
    value = item["json"].get(name)
    return NULL if value is None and name in item["json"] else value


def defined_prompt(node: Node, name: str) -> Any:
    """Return the prompt that a parameter of the node gives; None: its expression has no value."""
    value = getattr(node, name)
    return NULL if value is None and not node.is_undefined(name) else value


NULL: Final = "null"
"""What a model reads of a prompt that is null, which is a value (n8n)."""
ItemState = dict[str, Any]
"""The state of one item: `i`, `stage`, `messages`, and what its node keeps."""


@dataclass(frozen=True)
class Continue:
    """Go on to a stage, with these commands open."""

    stage: str
    commands: Sequence[Command | DurableTool]


@dataclass(frozen=True)
class Finish:
    """End the conversation about the item: its items by output."""

    items: Sequence[tuple[int, Item]] = ()


_OF_THE_CALL: Final = ("context", "retryable", "retryAfter")


@dataclass(frozen=True)
class CommandResult:
    """What a command brought: a value, or n8n's error object."""

    value: Any = None
    error: Mapping[str, Any] | None = None

    def get(self) -> Any:
        """Return the value. Raise the error as a NodeError, without its item (one of the call's own) and the fields that
        only the retry loop reads.
        """
        if self.error is not None:
            raise call_error(self.error)
        return self.value


def call_error(error: Mapping[str, Any]) -> NodeError:
    """Return the error of a call as the node's own."""
    return NodeError.from_json({key: value for key, value in error.items() if key not in _OF_THE_CALL})


@dataclass(frozen=True)
class Batching:
    """How many items at once, and the pause between batches in milliseconds."""

    size: int = 1
    pause_ms: float = 0


@dataclass(frozen=True)
class Question:
    """One request to the model. `schema` asks for JSON of that shape, through the tool `via` when it is given."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    schema: Mapping[str, Any] | None = None
    via: str | None = None
    unwrap: str | None = None
    """The key under which the JSON's value lies, when it is wrapped."""
    model: str | None = None
    """The model sub-node; None: the ones connected to the root, with fallback."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What holds where the model sub-node leaves it open: `temperature`, `max_tokens`."""
    stream: bool = False
    """Whether somebody may read the answer while the model speaks."""


class Root(Durable):
    """A root node. Subclasses write `begin` and one `after_<stage>` per stage."""

    paired: ClassVar[bool] = True

    def batching(self, context: DurableContext) -> Batching:
        """One item at a time unless the node says otherwise."""
        del context
        return Batching()

    def ready(self, context: DurableContext) -> None:
        """Raise NodeError where n8n's node fails before it looks at its first item, whatever its items are: a sub-node that is not
        there or not valid.
        """
        del context

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Start the talk about item `talk['i']`."""
        raise NotImplementedError

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """See `Durable`. State: `next` item, open `talks`, `wave` (one entry per open command or durable tool), `done`,
        `tokens`.
        """
        kept = _opened(cast("dict[str, Any] | None", state))
        commands: list[Command] = []
        if event is not None:
            commands += self._take(context, kept["wave"], event)
        else:
            self._check_ready(context)
            self._onwards(context, kept, commands)
        while kept["wave"] and all(entry.get("here") for entry in kept["wave"]):
            self._onwards(context, kept, commands)
        return kept, commands

    def _check_ready(self, context: DurableContext) -> None:
        """Raise NodeError: see `ready`. Where errors end the run the first item raises the same one. The change is asked about before
        anything is looked at, since that asks about changes of its own, which older runs did later.
        """
        if context.items and context.continue_on_fail and context.patched(WHOLE_NODE):
            self.ready(context)

    @staticmethod
    def _take(context: DurableContext, wave: list[dict[str, Any]], event: Event) -> list[Command]:
        """Put what has come back into the wave. A durable tool goes on with it at once, whatever else is open."""
        if event.tool:
            own = (place for place, each in enumerate(wave) if each.get("tool", {}).get("id") == event.tool[0])
            place = next(own, None)
            if place is None or wave[place].get("here"):  # the tool has ended without this command
                return []
            wave[place] = _copied(wave[place])
            return advance_tool(context, wave[place], replace(event, tool=event.tool[1:]))
        place = next(place for place, each in enumerate(wave) if each.get("at") == event.index)
        wave[place] = {**wave[place], "value": event.value, "error": event.error, "here": True}
        return []

    def _onwards(self, context: DurableContext, kept: dict[str, Any], commands: list[Command]) -> None:
        wave, kept["wave"] = _copied(kept["wave"]), []
        kept["talks"], kept["done"] = _copied(kept["talks"]), dict(kept["done"])
        for item_state in kept["talks"]:
            replies = [CommandResult(each["value"], each["error"]) for each in wave if each["i"] == item_state["i"]]
            self._turn(context, kept, item_state, replies, commands)
        kept["talks"] = [item_state for item_state in kept["talks"] if item_state["stage"] is not None]
        if not kept["talks"]:
            self._batch(context, kept, commands, pausing=bool(wave) and wave[0]["i"] is not None)

    def _batch(self, context: DurableContext, kept: dict[str, Any], commands: list[Command], *, pausing: bool) -> None:
        """The next talks, until one has something to wait for; Done when no item is left."""
        batching = self.batching(context)
        while kept["next"] < len(context.items) and not kept["wave"]:
            if pausing and batching.pause_ms > 0:
                kept["wave"] = [{"i": None, "at": len(commands)}]
                commands.append(Sleep(seconds=batching.pause_ms / 1000))
                return
            first, kept["next"] = kept["next"], min(kept["next"] + max(1, batching.size), len(context.items))
            item_states = [{"i": i, "stage": "begin", "messages": []} for i in range(first, kept["next"])]
            for item_state in item_states:
                self._turn(context, kept, item_state, [], commands)
            kept["talks"] = [item_state for item_state in item_states if item_state["stage"] is not None]
            pausing = True
        if not kept["wave"]:
            commands.append(Done(self._outputs(context, kept["done"])))

    def _turn(
        self,
        context: DurableContext,
        kept: dict[str, Any],
        item_state: ItemState,
        replies: list[CommandResult],
        commands: list[Command],
    ) -> None:
        """One step of a talk. What it orders goes to the end of `commands`, and into the wave."""
        try:
            step = self._step(context, kept, item_state, replies)
        except NodeError as error:
            if error.item is None:
                error.item = item_state["i"]
            if not context.continue_on_fail or error.name == LIMIT_REACHED:
                raise
            step = self.failed(context, item_state, error)
        if isinstance(step, Finish):
            item_state["stage"] = None
            kept["done"][str(item_state["i"])] = [[output, item] for output, item in step.items]
            return
        item_state["stage"] = step.stage
        for command in step.commands:
            if isinstance(command, DurableTool):
                entry = {"i": item_state["i"], "tool": command.call.to_json(), "state": None, "open": 0}
                commands += advance_tool(context, entry, None)
            else:
                entry = {"i": item_state["i"], "at": len(commands)}
                commands.append(command)
            kept["wave"].append(entry)

    def _step(
        self, context: DurableContext, kept: dict[str, Any], item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        item_state["spent"] = kept["tokens"]
        if reached := next((each.error for each in replies if (each.error or {}).get("name") == LIMIT_REACHED), None):
            raise call_error(reached)
        if item_state["stage"] == "begin":
            return self.begin(context, item_state)
        if "asked" in item_state:
            again = self._asked(context, kept, item_state, replies[0])
            if isinstance(again, Continue):
                return again
            replies = [again]
        elif "ordered" in item_state:
            again = self._ordered(item_state, replies[0])
            if isinstance(again, Continue):
                return again
            replies = [again]
        return cast("Continue | Finish", getattr(self, f"after_{item_state['stage']}")(context, item_state, replies))

    def failed(self, context: DurableContext, item_state: ItemState, error: NodeError) -> Finish:
        """What stands for an item that failed, when the node is to continue: n8n's `{error}` on the first output."""
        del context
        return Finish([(0, error_item(error, item_state["i"]))])

    def _outputs(self, context: DurableContext, done: Mapping[str, Sequence[Any]]) -> Outputs:
        outputs: Outputs = [[] for _ in range(self.outputs(context.version))]
        for i in sorted(done, key=int):
            for output, item in done[i]:
                cast("list[Item]", outputs[output]).append(item)
        return outputs

    # --- calling a part -----------------------------------------------------------------------------------------------

    def order(self, item_state: ItemState, stage: str, call: Call) -> Continue:
        """One call of a part (embeddings, a vector store), again after a durable pause when its vendor is busy.

        `after_<stage>` gets its reply.
        """
        item_state["ordered"] = {"call": asdict(call), "attempt": 0}
        return Continue(stage, [call])

    @staticmethod
    def _ordered(item_state: ItemState, reply: CommandResult) -> "Continue | CommandResult":
        ordered = item_state["ordered"]
        if ordered.pop("pausing", False):
            return Continue(item_state["stage"], [Call(**ordered["call"])])
        if (pause := pause_before_retry(reply.error, ordered["attempt"])) is None:
            del item_state["ordered"]
            return reply
        ordered["attempt"] += 1
        ordered["pausing"] = True
        return Continue(item_state["stage"], [pause])

    # --- asking the model --------------------------------------------------------------------------------------------

    def ask(self, context: DurableContext, item_state: ItemState, stage: str, question: Question) -> Continue:
        """One model request. `after_<stage>` gets its reply (see `ChatModel.request`).

        A busy model is asked again after a durable pause; the fallback model is asked when the first one fails.
        """
        models = (
            [question.model] if question.model else context.subnodes("ai_languageModel")[: 2 if self.fallback else 1]
        )
        if not models:
            raise NodeError(NO_MODEL)
        item_state["turn"] = item_state.get("turn", 0) + 1
        item_state["asked"] = {
            "models": models,
            "attempt": 0,
            "payload": {
                "messages": list(question.messages), "earlier": item_state.get("earlier"), "tools": list(question.tools),
                "schema": question.schema, "via": question.via, "settings": dict(question.settings),
                "agent": item_state.get("agent"), "node": context.name,
                "id": f"{self.identity(context, item_state)}/{item_state['turn']}",
                "unwrap": question.unwrap, "spent": item_state.get("spent", 0),
                **({"stream": item_state["i"]} if question.stream else {}),
            },
        }  # fmt: skip
        return Continue(stage, [self._model_call(item_state)])

    @property
    def fallback(self) -> bool:
        """Whether the second model steps in."""
        return bool(getattr(self, "needs_fallback", False))

    def identity(self, context: DurableContext, item_state: ItemState) -> str:
        """The same on every attempt: which item of which run this is."""
        return f"{context.execution_id}/{context.name}/{context.run_index}/{item_state['i']}"

    def _model_call(self, item_state: ItemState) -> Call:
        asked = item_state["asked"]
        return Call("request", asked["payload"], step=asked["models"][0], item=item_state["i"])

    def _asked(
        self, context: DurableContext, kept: dict[str, Any], item_state: ItemState, reply: CommandResult
    ) -> "Continue | CommandResult":
        asked = item_state["asked"]
        if asked.pop("pausing", False):
            return Continue(item_state["stage"], [self._model_call(item_state)])
        if reply.error is None:
            del item_state["asked"]
            return self._answered(kept, item_state, asked, reply)
        if reply.error.get("retryable") and asked["attempt"] < self._retries(
            context, asked["models"][0], item_state["i"]
        ):
            asked["attempt"] += 1
            asked["pausing"] = True
            return Continue(
                item_state["stage"], [Sleep(seconds=reply.error.get("retryAfter") or 2.0 ** (asked["attempt"] - 1))]
            )
        if len(asked["models"]) > 1:
            asked["models"], asked["attempt"] = asked["models"][1:], 0
            return Continue(item_state["stage"], [self._model_call(item_state)])
        del item_state["asked"]
        return reply

    def _answered(
        self, kept: dict[str, Any], item_state: ItemState, asked: Mapping[str, Any], reply: CommandResult
    ) -> CommandResult:
        """Remember what was said: the messages themselves while they are short, else the reference to them."""
        kept["tokens"] += reply.value["tokens"]
        payload = asked["payload"]
        if reply.value.get("earlier") is not None:
            item_state["earlier"], item_state["messages"] = reply.value["earlier"], []
        else:
            item_state["messages"] = [*payload["messages"], reply.value["message"]]
        return reply

    @staticmethod
    def _retries(context: DurableContext, model: str, i: int) -> int:
        options = getattr(context.subnode(model, i)[0], "options", None) or {}
        return int(options.get("maxRetries", 2))


def _opened(state: dict[str, Any] | None) -> dict[str, Any]:
    """Return a state whose own entries, and the list of the wave, may be changed. What is in them is copied where it changes: an event
    changes one entry of a wave, and there are as many events as items in the batch.
    """
    if not state:
        return {"next": 0, "talks": [], "wave": [], "done": {}, "tokens": 0}
    return {**state, "wave": list(state["wave"])}


def _copied(value: Any) -> Any:
    """Return a copy of JSON. `copy.deepcopy` looks for what occurs twice, which takes several times as long, and JSON has none."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value
