"""Approval before chosen tools: a node `x` that sends and waits exists as `xHitlTool` too. It stands between an agent and tools: the agent
sees those tools, and each call of one waits until a person has approved it.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import new_class
from typing import Any, ClassVar, Final, cast

from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.roots.tool_reducer import advance_tool
from runtime.agents.tools import toolbox
from runtime.agents.tools.durable_tool import DurableTool
from runtime.agents.tools.tool_variant import HITL_SUFFIX
from runtime.contract import (
    AwaitSignal,
    Call,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    NodeError,
    Outputs,
    param,
)
from schemas.item import Json
from schemas.node import Node
from schemas.plan import Kind

__all__ = ["hitl_variant"]

SEND_AND_WAIT: Final = "sendAndWait"
QUESTION: Final = "=The agent wants to call {{ $tool.name }} with {{ JSON.stringify($tool.parameters) }}"
DECLINED: Final = "This call of {name} was not made: no person approved it. Do not make it again with the same arguments, and go on without it."


class HitlTool(Durable):
    """Asks, waits, and calls the tool when the answer is an approval. No answer in time is none."""

    gates: ClassVar[bool] = True
    connection: ClassVar[str] = "ai_tool"

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """State: `question` (of the node that asks), then `entry` of the tool that runs (see `advance_tool`)."""
        kept: dict[str, Any] = copy.deepcopy(cast("dict[str, Any] | None", state) or {"question": None})
        if "entry" in kept:
            return self._run(context, kept, event)
        kept["question"], commands = super().advance(context, kept["question"], event)
        done = next((each for each in commands if isinstance(each, Done)), None)
        if done is None:
            return kept, [self._worded(context, each) for each in commands]
        call = _called(context)
        if not _approved(done.outputs):
            return None, [_text(DECLINED.format(name=call["name"]))]
        return self._begin(context, kept, call)

    def _worded(self, context: DurableContext, command: Command) -> Command:
        """Say in a question without words what the agent wants to call, and with the wait which call it is about."""
        if isinstance(command, AwaitSignal):
            call = _called(context)
            about = {"tool": {"name": call["name"], "arguments": call["arguments"]}}
            return replace(command, config={**command.config, **about})
        payload = command.payload if isinstance(command, Call) else None
        if not isinstance(command, Call) or not isinstance(payload, dict) or payload.get("message"):
            return command
        call = _called(context)
        words = f"The agent wants to call {call['name']} with {dumps(call['arguments'])}"
        return Call(command.method, {**payload, "message": words}, command.step, command.item)

    def _begin(self, context: DurableContext, kept: dict[str, Any], call: ToolCall) -> tuple[Json, list[Command]]:
        command = toolbox.run(context, [_spec(context)], call, 0, 0)
        if isinstance(command, str):
            return None, [_text(command)]
        if not isinstance(command, DurableTool):
            return kept | {"entry": {}}, [command]
        kept["entry"] = {"i": 0, "tool": command.call.to_json(), "state": None, "open": 0}
        return self._nested(context, kept, None)

    def _run(self, context: DurableContext, kept: dict[str, Any], event: Event | None) -> tuple[Json, list[Command]]:
        assert event is not None
        if "tool" in kept["entry"]:
            return self._nested(context, kept, Event(event.index, event.value, event.error, event.tool[1:]))
        if event.error is not None:
            raise NodeError.from_json(event.error)
        return None, [self._said(context, event.value)]

    def _nested(self, context: DurableContext, kept: dict[str, Any], event: Event | None) -> tuple[Json, list[Command]]:
        """Go on with a tool that is durable itself."""
        commands = advance_tool(context, kept["entry"], event)
        if not kept["entry"].get("here"):
            return kept, commands
        if kept["entry"]["error"] is not None:
            raise NodeError.from_json(kept["entry"]["error"])
        return None, [*commands, self._said(context, kept["entry"]["value"])]

    @staticmethod
    def _said(context: DurableContext, value: Any) -> Done:
        spec = _spec(context)
        return _text(toolbox.answer_text(context, [spec], _called(context), 0, value, wrapped=False))


def _called(context: DurableContext) -> ToolCall:
    """Return the call that is to be approved. It was checked against the tool's schema before."""
    told = context.arguments["$tool"]
    return {"id": "approved", "name": told["name"], "arguments": dict(told["parameters"])}


def _spec(context: DurableContext) -> ToolSpec:
    return cast(ToolSpec, context.arguments["spec"])


def _approved(outputs: Outputs | None) -> bool:
    items = [item["json"] for output in outputs or [] for item in output or []]
    data = items[0].get("data") if items else None
    return isinstance(data, dict) and data.get("approved") is True


def _text(text: str) -> Done:
    return Done([[{"json": {"response": text}}]])


def _of_vendor(node: type[Node]) -> dict[str, Any]:
    """Return the fields of a vendor's node with the question as the operation that it has without saying so."""
    facts: Mapping[str, Any] = getattr(node, "facts", {})
    asks = next((each for each in facts.values() if each.name == "operation" and SEND_AND_WAIT in each.options), None)
    if asks is None:
        return {}
    defaults = {"operation": SEND_AND_WAIT, "resource": (asks.show.get("resource") or [None])[0]}
    chosen = {
        field: replace(fact, default=defaults[fact.name])
        for field, fact in facts.items()
        if fact is asks or (fact.name == "resource" and defaults["resource"] is not None)
    }
    fields = {
        field: param(fact.default, alias=fact.name, show=fact.show, hide=fact.hide) for field, fact in chosen.items()
    }
    return fields | {"facts": {**facts, **chosen}, "__annotations__": dict.fromkeys(fields, Any)}


@cache
def hitl_variant(node: type[Node]) -> type[Node]:
    """The node as the gate before tools: its parameters are those of its question."""
    namespace: dict[str, Any] = {
        "__module__": node.__module__,
        "__doc__": f"{node.__doc__} As an approval before tools of an agent.",
        "__annotations__": {},
        "type": node.type + HITL_SUFFIX,
        "when": {},
        "usable_as_tool": False,
    }
    if "operation" in node.model_fields:
        namespace["operation"] = param(SEND_AND_WAIT)
        namespace["message"] = param(QUESTION, required=True)
        namespace["__annotations__"] = {"operation": str, "message": Dynamic[str]}
    namespace |= _of_vendor(node)
    made: type[Node] = new_class(
        node.__name__ + HITL_SUFFIX, (HitlTool, node), exec_body=lambda body: body.update(namespace)
    )
    made.kind = Kind.SUBNODE
    return made
