"""What an agent keeps of its steps, as n8n tells of them, and the tool through which its model hands over JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from runtime.agents.messages import Message, ToolCall, ToolSpec, answered, dumps
from runtime.agents.parsers.output_schema import FORMAT_TOOL, FORMAT_TOOL_TEXT, OutputSchema
from runtime.agents.roots.root import ItemState
from runtime.agents.tools.toolbox import function_name
from runtime.contract import NodeError

__all__ = ["calls_and_answers", "executed", "format_tool", "intermediate_step", "not_json"]

NOT_JSON = """Unexpected token 'A', "Agent stop"... is not valid JSON"""
"""n8n's, of that answer where a parser and a memory are connected."""
STOPPED_BEFORE_JSON = "The agent ran out of iterations before its model handed over the JSON that the parser asks for"


def not_json() -> NodeError:
    """Return the error of an agent that stopped before its JSON."""
    return NodeError(NOT_JSON, description=STOPPED_BEFORE_JSON)


def format_tool(wanted: OutputSchema) -> ToolSpec:
    """Return the tool through which a model hands over JSON."""
    return {"name": FORMAT_TOOL, "description": FORMAT_TOOL_TEXT, "schema": wanted.schema}


def executed(call: ToolCall, tools: Sequence[ToolSpec], *, named: bool) -> dict[str, Any]:
    """Return what n8n's action says of a tool that its engine runs, as for version 3: the node's name and a type; `named`: the input of
    a tool of a set names the tool, too.
    """
    spec: Any = next((each for each in tools if each["name"] == call["name"]), {})
    if not spec.get("tool"):
        return {"tool": function_name(spec["step"]) if spec.get("step") else call["name"], "type": "tool_call"}
    given = {"toolInput": {**call["arguments"], "tool": call["name"]}} if named else {}
    return {"tool": call["name"], "type": "tool_call", **given}


def calls_and_answers(item_state: ItemState, id_: str) -> Iterator[Message]:
    """Yield the calls of the last turn and their answers, which version 3 of the agent remembers (n8n), each as messages of its own."""
    steps = item_state["steps"]
    for n, step in enumerate(steps[len(steps) - item_state.get("turn_steps", 0) :]):
        action = step["action"]
        call: ToolCall = {"id": action["toolCallId"], "name": action["tool"], "arguments": action["toolInput"]}
        yield {"role": "assistant", "content": "", "tool_calls": [call], "id": f"{id_}/call/{n}"}
        yield answered(call, step["observation"]) | {"id": f"{id_}/result/{n}"}


def intermediate_step(call: ToolCall, observation: str, said: str) -> dict[str, Any]:
    """n8n's intermediate step."""
    log = f'Invoking "{call["name"]}" with {dumps(call["arguments"])}\n{said}'
    action = {
        "tool": call["name"],
        "toolInput": call["arguments"],
        "toolCallId": call["id"],
        "log": log,
        "messageLog": [],
    }
    return {"action": action, "observation": observation}
