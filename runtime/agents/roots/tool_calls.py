"""The tools that the model of a root calls: what sets of tools offer, what is ordered for each call, and what the model is told."""

from collections.abc import Mapping, Sequence

from runtime.agents.memory.chat_memory import sub_node_error
from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.roots.root import CommandResult, ItemState
from runtime.agents.tools import toolbox
from runtime.agents.tools.durable_tool import DurableTool
from runtime.contract import Call, Command, DurableContext

__all__ = ["ask_sets", "orders", "reply_text", "take_sets"]

MAX_CALLS = 128
"""Calls of one answer that are made; what the model is told of the others."""
TOO_MANY_CALLS = f"This call was not made: an answer may call {MAX_CALLS} tools. Call it again if you need it."


def ask_sets(context: DurableContext, item_state: ItemState) -> list[Call]:
    """Return the calls that list the tools of the connected sets; empty without sets."""
    calls = toolbox.lists(context, item_state["i"])
    if calls:
        item_state["sets"] = [each.step for each in calls]
    return calls


def take_sets(item_state: ItemState, replies: list[CommandResult]) -> None:
    """Keep what the sets have listed, as `listed`. Raise NodeError for a set that did not answer."""
    sets = item_state.pop("sets")
    for name, reply in zip(sets, replies, strict=True):
        if reply.error is not None:
            raise sub_node_error(name, str(reply.error.get("message")))
    item_state["listed"] = {name: reply.get() for name, reply in zip(sets, replies, strict=True)}


def orders(
    context: DurableContext, tools: list[ToolSpec], calls: Sequence[ToolCall], unfit: Mapping[str, str], i: int, turn: int
) -> list[Command | DurableTool | str]:  # fmt: skip
    """Return for each call the command that makes it, or what the model is told instead. `unfit`: id of a call -> that text."""
    made: list[Command | DurableTool | str] = [
        unfit[call["id"]] if call["id"] in unfit else toolbox.run(context, tools, call, i, turn)
        for call in calls[:MAX_CALLS]
    ]
    return made + [TOO_MANY_CALLS] * len(calls[MAX_CALLS:])


def reply_text(
    context: DurableContext, tools: list[ToolSpec], call: ToolCall, i: int, reply: CommandResult, *, wrapped: bool
) -> str:  # fmt: skip
    """Return what the model is told of a call that was made."""
    if reply.error is not None:
        return dumps([{"error": reply.error.get("message")}])
    return toolbox.bounded(toolbox.answer_text(context, tools, call, i, reply.value, wrapped=wrapped))
