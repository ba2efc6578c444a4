"""Commands of durable steps as JSON, so that a run can take them to the run that it continues as."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from runtime.contract import AwaitSignal, Call, Command, RunTool, Sleep, StartChild, ToolCommand
from schemas.item import Items
from schemas.kinds import Mode, TriggerKind

__all__ = ["command_bytes", "command_from_json", "command_to_json", "innermost", "until"]

PLAIN: Final = {cls.__name__: cls for cls in (AwaitSignal, Call, RunTool, Sleep)}
"""Commands whose members are JSON. Done and Respond take effect at once and are never carried."""


def command_to_json(command: Command) -> dict[str, Any]:
    """Return a command as plain JSON: {kind, ...}."""
    if isinstance(command, ToolCommand):
        inner = command_to_json(command.command)
        return {"kind": "ToolCommand", "call": command.call.to_json(), "index": command.index, "command": inner}
    if isinstance(command, StartChild):
        told = {"mode": str(command.mode), "trigger": str(command.kind), "wait": command.wait}
        return {"kind": "StartChild", "workflow": command.workflow, "items": command.items, **told}
    members = command.to_json() if isinstance(command, Call | RunTool) else vars(command)
    return {"kind": type(command).__name__, **members}


def command_from_json(document: Mapping[str, Any]) -> Command:
    """Return the command that `command_to_json` wrote. Raise KeyError for what it did not write."""
    members = dict(document)
    kind = members.pop("kind")
    if kind == "ToolCommand":
        return ToolCommand(RunTool(**members["call"]), members["index"], command_from_json(members["command"]))
    if kind == "StartChild":
        trigger, mode = TriggerKind(members.pop("trigger")), Mode(members.pop("mode"))
        return StartChild(**members, mode=mode, kind=trigger)
    command: Command = PLAIN[kind](**members)
    return command


def innermost(command: Command) -> Command:
    """Return what is to be done, whichever tool orders it."""
    while isinstance(command, ToolCommand):
        command = command.command
    return command


def until(command: Command, now: float) -> Command:
    """Return a command that begins now (ms since the epoch) as one that may begin again later: a pause by its end."""
    if isinstance(command, ToolCommand):
        return replace(command, command=until(command.command, now))
    if isinstance(command, Sleep) and command.until is None:
        return Sleep(until=now + 1000 * (command.seconds or 0.0))
    return command


def command_bytes(command: Command, items: Items) -> int:
    """Return about how large the task or the input of a command is: its members, and the item that it is for."""
    inner = innermost(command)
    size = len(json.dumps(command_to_json(command)))
    if isinstance(inner, Call | RunTool):
        size += len(json.dumps(items if inner.item is None else items[inner.item : inner.item + 1]))
    return size
