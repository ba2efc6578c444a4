"""The tools of an agent: connected sub-nodes as a model sees them, and what they give back as text. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.parsers.output_schema import json_or_text
from runtime.agents.tools import from_ai
from runtime.agents.tools.durable_tool import DurableTool
from runtime.agents.tools.tool_variant import generic_description, has_own_description
from runtime.contract import (
    Activity,
    ActivityContext,
    Call,
    Command,
    Durable,
    DurableContext,
    Inline,
    NodeError,
    RunTool,
    SubNode,
)
from schemas.item import Json, Outputs
from schemas.node import Node
from schemas.plan import Kind

MAX_ANSWER_CHARACTERS = 200_000
"""Of what one call of a tool tells the model. Longer answers fill the window of any model, and are paid for in every turn."""
AS_N8N = "tools as n8n tells and calls them"
"""Change since which descriptions of nodes, inputs of tools and what the agent keeps of its steps are n8n's."""
ONE_ITEM = "of a tool that tells one item the first is told to an agent of version 3, too"
MERGED = 3
"""Version of the agent from which on a tool has the agent's item with the arguments in it as its input."""
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


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

    def tells_one_item(self, version: float) -> bool:
        """Return whether the model of an agent of version 3 reads the first item alone."""
        del version
        return False

    def first_item(self, value: Any) -> Any:
        """Return what the command brought, of its items the first alone."""
        return value

    def said(self, value: Any, version: float, *, wrapped: bool) -> str:
        """What the model reads of what the command brought."""
        del version
        return result_text(value, wrapped=wrapped)


class ToolSet(SubNode):
    """A sub-node that offers several tools, which a service lists. A call is `{'tool': its name, 'arguments': ...}`."""

    connection = "ai_tool"

    async def list_tools(self, context: ActivityContext, payload: Json) -> Json:
        """Return the specs of the tools. Raise NodeError."""
        raise NotImplementedError


@runtime_checkable
class Described(Protocol):
    """A node that says itself what the model is told of it: a `Tool`, or a reducer that serves as one."""

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """See `Tool.spec`."""


def one_text() -> dict[str, Any]:
    """The arguments of a tool that takes one text (n8n calls it `input`)."""
    properties = {"input": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": ["input"], "additionalProperties": False}


def function_name(name: str) -> str:
    """A node's name as a function's name (n8n): what lies between letters, digits, _ and - becomes one _."""
    return _NOT_IN_NAMES.sub("_", name)[:64]


def lists(context: DurableContext, i: int) -> list[Call]:
    """Return the calls that list the tools of the connected sets, one per set."""
    names = [name for name, _ in _connected(context, i)]
    return [
        Call("list_tools", None, step=name, item=i)
        for name in names
        if isinstance(context.subnode(name, i)[0], ToolSet)
    ]


def _connected(context: DurableContext, i: int) -> list[tuple[str, str | None]]:
    """Return the connected tools, each with the node that a person approves its calls in; None: there is none."""
    found = list[tuple[str, str | None]]()
    for name in context.subnodes("ai_tool"):
        gates = getattr(context.subnode(name, i)[0], "gates", False)
        found += [(behind, name) for behind in context.subnodes("ai_tool", of=name)] if gates else [(name, None)]
    return found


def specs(context: DurableContext, i: int, listed: Mapping[str, Sequence[ToolSpec]] | None = None) -> list[ToolSpec]:
    """Return the connected tools; `listed`: those of each set. Raises NodeError when one cannot run as a tool, or two have
    one name.
    """
    found: list[ToolSpec] = []
    for name, gate in _connected(context, i):
        gated: Any = {} if gate is None else {"gate": gate}
        node, version = context.subnode(name, i)
        if isinstance(node, ToolSet) and listed is not None:
            found += [_of_set(name, spec) | gated for spec in listed[name]]
            continue
        if not _runs_as_tool(node):
            raise NodeError(
                f"'{name}' cannot run as a tool of an agent",
                description="Put the node into a workflow of its own, and connect the Call n8n Workflow Tool.",
            )
        spec = (
            node.spec(name, version, context.raw(name)) if isinstance(node, Described) else _node(context, name, node)
        )
        found.append(spec | {"step": name} | gated)
    if found and not context.patched(AS_N8N):
        found = [_named_before(each) for each in found]
    names = [each["name"] for each in found]
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise NodeError(f"You have multiple tools with the same name: '{twice}', please rename them to avoid conflicts")
    return found


def _named_before(spec: ToolSpec) -> ToolSpec:
    """Return a tool under the name that runs of older builds know: a _ for each character between others."""
    step, tool = (
        _NOT_IN_NAMES.sub(lambda found: "_" * len(found[0]), name)[:64]
        for name in (spec["step"], spec.get("tool") or "")
    )
    if tool:
        return spec | {"name": f"{step}_{tool}"[:64]}
    return spec | {"name": step} if spec["name"] == function_name(spec["step"]) else spec


def _of_set(name: str, spec: ToolSpec) -> ToolSpec:
    """Return a tool of a set as the model sees it: after the name of the node (n8n)."""
    tool_name = f"{function_name(name)}_{function_name(spec['name'])}"[:64]
    return spec | {"name": tool_name, "step": name, "tool": spec["name"]}


def _runs_as_tool(node: Node) -> bool:
    """A tool of its own, or the tool variant of an ordinary node."""
    return node.kind is Kind.SUBNODE and isinstance(node, Tool | Activity | Inline | Durable)


def _node(context: DurableContext, name: str, node: Node) -> ToolSpec:
    """An ordinary node as a tool: its `$fromAI` calls are its arguments."""
    raw = context.raw(name)
    own = raw.get("descriptionType", "manual") == "manual"
    if as_n8n := context.patched(AS_N8N):
        own = has_own_description(raw)
        from_ai.check(raw)
    given = getattr(node, "tool_description", "") if own else ""
    description = str(given) if str(given or "").strip() else generic_description(node.type, raw)
    if not as_n8n:
        description = str(given or _old_description(name, raw))
    return {"name": function_name(name), "description": description, "schema": from_ai.schema(raw)}


def _old_description(name: str, raw: Mapping[str, Any]) -> str:
    doing = " ".join(str(raw[key]) for key in ("operation", "resource") if isinstance(raw.get(key), str))
    return f"{doing} with {name}" if doing else f"Use {name}"


def run(
    context: DurableContext, tools: Sequence[ToolSpec], call: ToolCall, i: int, turn: int
) -> Command | DurableTool | str:
    """Return what runs a call, or why nothing does. Some vendors number calls anew in every turn."""
    step = _step(tools, call)
    if step is None:
        return f"{call['name']} is not a valid tool, try another one."
    as_n8n, merged = context.patched(AS_N8N), context.version >= MERGED
    if not merged:
        call = call | {"arguments": _declared(tools, call)}
    spec = next(each for each in tools if each["name"] == call["name"])
    if gate := spec.get("gate"):
        arguments = {"$tool": {"name": call["name"], "parameters": call["arguments"]}, "spec": {**spec, "gate": None}}
        return DurableTool(RunTool(gate, arguments, item=i, id=f"{i}/{turn}/{call['id']}"))
    node, version = context.subnode(step, i, call["arguments"])
    id_ = f"{turn}/{call['id']}"
    given: Any = {"given": "both", "call": call["id"]} if as_n8n and merged else {}
    if isinstance(node, Tool):
        command = node.start(context, step, version, call, i, id_)
        return replace(command, **given) if isinstance(command, RunTool) else command
    if isinstance(node, ToolSet):
        tool = next(each.get("tool") for each in tools if each["name"] == call["name"])
        return RunTool(step, {"tool": tool, "arguments": call["arguments"]}, item=i, id=id_)
    if as_n8n and not merged and not isinstance(node, Described):
        given = {"given": "arguments"}
    if isinstance(node, Durable):
        return DurableTool(RunTool(step, call["arguments"], item=i, id=f"{i}/{id_}", **given))
    return RunTool(step, call["arguments"], item=i, id=id_, **given)


def _declared(tools: Sequence[ToolSpec], call: ToolCall) -> dict[str, Any]:
    """Return the arguments that the tool has, with defaults; n8n drops those that a model makes up."""
    schema = next(each["schema"] for each in tools if each["name"] == call["name"])
    if schema.get("additionalProperties") is not False:
        return call["arguments"]
    properties = schema.get("properties", {})
    defaults = {name: each["default"] for name, each in properties.items() if "default" in each}
    return defaults | {name: value for name, value in call["arguments"].items() if name in properties}


def _step(tools: Sequence[ToolSpec], call: ToolCall) -> str | None:
    return next((each.get("step") for each in tools if each["name"] == call["name"]), None)


def answer_text(
    context: DurableContext, tools: Sequence[ToolSpec], call: ToolCall, i: int, value: Any, *, wrapped: bool
) -> str:
    """What the model reads of what the command of a call brought."""
    if any(each["name"] == call["name"] and each.get("gate") for each in tools):
        return result_text(value, wrapped=False)
    step = _step(tools, call)
    node, version = context.subnode(step, i) if step is not None else (None, 0.0)
    if isinstance(node, ToolSet) and wrapped:
        value = _contents(value)
    if isinstance(node, Tool) and wrapped and node.tells_one_item(version) and context.patched(ONE_ITEM):
        value = node.first_item(value)
    return node.said(value, version, wrapped=wrapped) if isinstance(node, Tool) else result_text(value, wrapped=wrapped)


def _contents(value: Any) -> Any:
    """Return what a server's tool gave with the list of its contents as a list, not as text (n8n, version 3 of the agent)."""
    told = [[item["json"]["response"] for item in output] for output in value or []]
    lists = [[(text, json_or_text(text)) for text in output] for output in told]
    return [
        [{"json": {"response": list_ if isinstance(list_, list) else text}} for text, list_ in output]
        for output in lists
    ]


def bounded(text: str) -> str:
    """Return a tool's answer, cut where it is too long; its end then tells the model so."""
    if len(text) <= MAX_ANSWER_CHARACTERS:
        return text
    notice = f"\n[Cut: these are the first {MAX_ANSWER_CHARACTERS} of {len(text)} characters. Ask for less at a time.]"
    return text[:MAX_ANSWER_CHARACTERS] + notice


def result_text(outputs: Outputs | None, *, wrapped: bool) -> str:
    """What a tool gave as the model reads it: a text tool's answer as it is (from agent version 3 in a list, as every
    other node's items).
    """
    items = [item["json"] for output in outputs or [] for item in output or []]
    if not wrapped and len(items) == 1 and set(items[0]) == {"response"}:
        response = items[0]["response"]
        return response if isinstance(response, str) else dumps(response)
    return dumps(items)
