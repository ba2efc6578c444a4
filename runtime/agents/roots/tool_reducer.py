"""A durable tool inside its root: its reducer goes on with each event, and its commands go out in its name."""

from typing import Any

from runtime.contract import Command, Done, Durable, DurableContext, Event, NodeError, Respond, RunTool, ToolCommand


def advance_tool(context: DurableContext, entry: dict[str, Any], event: Event | None) -> list[Command]:
    """One step of a durable tool, whose state is in its entry of the wave. An error of the tool is what it answers."""
    call = RunTool(**entry["tool"])
    node, view = context.tool(call)
    assert isinstance(node, Durable)
    try:
        entry["state"], commands = node.advance(view, entry["state"], event)
    except NodeError as error:
        entry |= {"value": None, "error": error.to_json(), "here": True}
        return []
    ordered: list[Command] = [ToolCommand(call, index, each) for index, each in enumerate(commands)]
    answers = [each for each in commands if isinstance(each, Respond)]
    done = next((each for each in commands if isinstance(each, Done)), None)
    if done is not None:
        entry |= {"value": done.outputs, "error": None, "here": True}
        return list(answers)
    entry["open"] += len(commands) - len(answers) - (event is not None)
    if entry["open"] == 0:
        raise NodeError(f"The tool '{call.step}' waits for nothing")
    return ordered
