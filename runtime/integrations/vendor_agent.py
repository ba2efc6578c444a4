"""A vendor's node to which tools are connected: its model calls them until it has an answer. Each request and each call is a step."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, cast

from runtime.agents.messages import ToolSpec
from runtime.agents.roots.root import CommandResult, Continue, Finish, ItemState, Root
from runtime.agents.roots.tool_calls import ask_sets, orders, reply_text, take_sets
from runtime.agents.tools import toolbox
from runtime.contract import ActivityContext, Call, Command, Done, DurableContext, Event, NodeError
from runtime.integrations.described import Described
from runtime.integrations.parameters import Parameters
from schemas.item import Json

__all__ = ["VendorAgent"]

TURNS = 15
ENDLESS = 1000
"""Turns of a node whose option says that there is no limit; n8n would never end."""
DIFFERS = (
    "with tools: a call of a tool that is not there, or whose arguments do not fit, is told to the model, where n8n tells it nothing or "
    "fails; tools that are called side by side run side by side; without a limit of turns a model has 1,000"
)


class VendorAgent(Described, Root):
    """The node of a descriptor that has a `tool_talk`, with tools. The loader makes a class; `turn` and `all` reach HTTP."""

    take: ClassVar[Callable[..., Awaitable[Json]]]
    take_all: ClassVar[Callable[..., Awaitable[Json]]]
    differs: ClassVar[str | None] = DIFFERS
    when_connected: ClassVar[str | None] = "ai_tool"

    async def turn(self, context: ActivityContext, payload: Json) -> Json:
        """Send one request: see `tool_turn.take_turn`."""
        return await type(self).take(self, context, payload)

    async def all(self, context: ActivityContext, payload: Json) -> Json:
        """Run an operation without tools."""
        return await type(self).take_all(self, context, payload)

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Talk, where the operation may call tools; else run it as ever."""
        if not any(each.tool_talk for each in self.variants(self.parameters(context.version))):
            return self._without_tools(event)
        return super().advance(context, state, event)

    @staticmethod
    def _without_tools(event: Event | None) -> tuple[Json, list[Command]]:
        if event is None:
            return None, [Call("all", None)]
        if event.error is not None:
            raise NodeError.from_json(event.error)
        return None, [Done([cast(Any, event.value)])]

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """List what servers offer, then ask."""
        item_state |= {"requests": 0, "rounds": 0, "pauses": 0, "body": None, "called": [], "results": []}
        calls = ask_sets(context, item_state)
        return Continue("listed", calls) if calls else self._ask(context, item_state)

    def after_listed(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """The first request, with the tools that the connected sets have."""
        take_sets(item_state, replies)
        return self._ask(context, item_state)

    def _tools(self, context: DurableContext, item_state: ItemState) -> list[ToolSpec]:
        return toolbox.specs(context, item_state["i"], item_state.get("listed"))

    def _ask(self, context: DurableContext, item_state: ItemState) -> Continue:
        i = item_state["i"]
        parameters = context.resolve(self, i).parameters(context.version, self)
        turns = _turns(parameters.get("options")) or ENDLESS
        used = item_state["requests"] + 1 if self._counts_requests(parameters) else item_state["rounds"]
        item_state["requests"] += 1
        payload = {
            "item": i, "body": item_state["body"], "calls": item_state["called"], "results": item_state["results"],
            "tools": self._tools(context, item_state), "last": used >= turns, "last_pause": item_state["pauses"] >= turns,
            "spent": item_state["spent"],
        }  # fmt: skip
        return Continue("turn", [Call("turn", cast(Json, payload), item=i, id=f"turn/{item_state['requests']}")])

    def _counts_requests(self, parameters: Parameters) -> bool:
        name = next(each.tool_talk for each in self.variants(parameters) if each.tool_talk)
        return bool(getattr(self.module, name).counts_requests)

    def _step(
        self, context: DurableContext, kept: dict[str, Any], item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        if item_state["stage"] == "turn" and replies[0].error is None:
            kept["tokens"] += replies[0].value["tokens"]
        return super()._step(context, kept, item_state, replies)

    def after_turn(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """The answer, or tools to run."""
        said = replies[0].get()
        if "items" in said:
            return Finish([(0, each) for each in said["items"]])
        calls = said["calls"]
        item_state |= {"body": said["body"], "called": calls}
        item_state["rounds" if calls else "pauses"] += 1
        unfit, tools = said.get("unfit") or {}, self._tools(context, item_state)
        commands = orders(context, tools, calls, unfit, item_state["i"], item_state["rounds"])
        item_state["refused"] = {str(n): each for n, each in enumerate(commands) if isinstance(each, str)}
        open_ = [each for each in commands if not isinstance(each, str)]
        return Continue("tools", open_) if open_ else self.after_tools(context, item_state, [])

    def after_tools(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Tell the model what its tools gave."""
        waiting, refused, tools = iter(replies), item_state.pop("refused"), self._tools(context, item_state)
        i, texts = item_state["i"], list[str]()
        for n, call in enumerate(item_state["called"]):
            if (text := refused.get(str(n))) is None:
                text = reply_text(context, tools, call, i, next(waiting), wrapped=False)
            texts.append(text)
        item_state["results"] = texts
        return self._ask(context, item_state)


def _turns(options: Any) -> int | None:
    """Return how often a model may be asked or call tools; None: without an end (n8n: 0 or less)."""
    wanted = options.get("maxToolsIterations", TURNS) if isinstance(options, Mapping) else TURNS
    turns = int(wanted) if isinstance(wanted, int | float) and not isinstance(wanted, bool) else TURNS
    return turns if turns > 0 else None
