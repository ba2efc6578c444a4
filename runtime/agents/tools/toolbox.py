"""The tools of an agent: connected sub-nodes as a model sees them, and what they give back as text. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.tools import from_ai
from runtime.agents.tools.durable_tool import DurableTool
from runtime.contract import Activity, Command, Durable, DurableContext, Inline, NodeError, RunTool, SubNode
from schemas.item import Outputs
from schemas.node import Node
from schemas.plan import Kind


class Tool(SubNode):
    """A tool sub-node of its own (calculator, code, workflow, ...)."""

    connection = "ai_tool"

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """What the model is told. `name` is the node's name, `raw` its parameters as written."""
        raise NotImplementedError

    def start(self, context: DurableContext, name: str, version: float, call: ToolCall, i: int, id_: str) -> Command:
        """How it is run: as an activity (`run_tool`) unless it says otherwise. `id_` is the same on every attempt."""
        del context, version
        return RunTool(name, call["arguments"], item=i, id=id_)

    def said(self, value: Any, version: float, *, wrapped: bool) -> str:
        """What the model reads of what the command brought."""
        del version
        return result_text(value, wrapped=wrapped)


def one_text() -> dict[str, Any]:
    """The arguments of a tool that takes one text (n8n calls it `input`)."""
    properties = {"input": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": ["input"], "additionalProperties": False}


def function_name(name: str) -> str:
    """A node's name as a function's name (n8n): all but letters, digits, _ and - become one _ each."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64]


def specs(context: DurableContext, i: int, *, of: str | None = None) -> list[ToolSpec]:
    """Return the connected tools. Raises NodeError when one cannot run as a tool, or two have one name."""
    found: list[ToolSpec] = []
    for name in context.subnodes("ai_tool", of):
        node, version = context.subnode(name, i)
        if not _runs_as_tool(node):
            raise NodeError(
                f"'{name}' cannot run as a tool of an agent",
                description="Put the node into a workflow of its own, and connect the Call n8n Workflow Tool.",
            )
        spec = node.spec(name, version, context.raw(name)) if isinstance(node, Tool) else _node(context, name)
        found.append(spec | {"step": name})
    names = [each["name"] for each in found]
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise NodeError(f"You have multiple tools with the same name: '{twice}', please rename them to avoid conflicts")
    return found


def _runs_as_tool(node: Node) -> bool:
    """A tool of its own, or the tool variant of an ordinary node."""
    return node.kind is Kind.SUBNODE and isinstance(node, Tool | Activity | Inline | Durable)


def _node(context: DurableContext, name: str) -> ToolSpec:
    """An ordinary node as a tool: its `$fromAI` calls are its arguments."""
    raw = context.raw(name)
    described = raw.get("toolDescription") if raw.get("descriptionType", "manual") == "manual" else None
    return {
        "name": function_name(name),
        "description": str(described or _described(name, raw)),
        "schema": from_ai.schema(raw),
    }


def _described(name: str, raw: Mapping[str, Any]) -> str:
    doing = " ".join(str(raw[key]) for key in ("operation", "resource") if isinstance(raw.get(key), str))
    return f"{doing} with {name}" if doing else f"Use {name}"


def run(
    context: DurableContext, tools: Sequence[ToolSpec], call: ToolCall, i: int, turn: int
) -> Command | DurableTool | str:
    """Return what runs a call, or why nothing does. Some vendors number calls anew in every turn."""
    step = _step(tools, call)
    if step is None:
        return f"{call['name']} is not a valid tool, try another one."
    node, version = context.subnode(step, i, call["arguments"])
    id_ = f"{turn}/{call['id']}"
    if isinstance(node, Tool):
        return node.start(context, step, version, call, i, id_)
    if isinstance(node, Durable):
        return DurableTool(RunTool(step, call["arguments"], item=i, id=f"{i}/{id_}"))
    return RunTool(step, call["arguments"], item=i, id=id_)


def _step(tools: Sequence[ToolSpec], call: ToolCall) -> str | None:
    return next((each["step"] for each in tools if each["name"] == call["name"]), None)


def answer_text(
    context: DurableContext, tools: Sequence[ToolSpec], call: ToolCall, i: int, value: Any, *, wrapped: bool
) -> str:
    """What the model reads of what the command of a call brought."""
    step = _step(tools, call)
    node, version = context.subnode(step, i) if step is not None else (None, 0.0)
    return node.said(value, version, wrapped=wrapped) if isinstance(node, Tool) else result_text(value, wrapped=wrapped)


def result_text(outputs: Outputs | None, *, wrapped: bool) -> str:
    """What a tool gave as the model reads it: a text tool's answer as it is (from agent version 3 in a list, as every
    other node's items).
    """
    items = [item["json"] for output in outputs or [] for item in output or []]
    if not wrapped and len(items) == 1 and set(items[0]) == {"response"}:
        response = items[0]["response"]
        return response if isinstance(response, str) else dumps(response)
    return dumps(items)
