"""Durable steps: a reducer whose commands are executed through the host, and whose events come back in a fixed order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runtime.contract import (
    AwaitSignal,
    Call,
    Command,
    Done,
    Durable,
    Event,
    NodeError,
    Respond,
    RunTool,
    Sleep,
    StartChild,
    ToolCommand,
)
from runtime.interpreter.context import StepContext
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.run_state import RunState
from runtime.interpreter.tasks import absorb, build_task
from runtime.interpreter.tool_calls import Calls, ToolCalls, call_id
from schemas.item import Items, Outputs
from schemas.node import Node
from schemas.outcome import Execute
from schemas.plan import Kind

__all__ = ["DurableStep", "DurableView"]


class DurableStep:
    """One try of a durable step."""

    def __init__(self, run: RunState, context: StepContext, execute: Execute) -> None:
        self._run, self._context, self._execute = run, context, execute
        self._tools = ToolCalls(run, execute)

    async def outputs(self) -> Outputs | None:
        """Run the reducer until it is done, and return its outputs. Raises NodeError."""
        node = self._context.parameters.node
        assert isinstance(node, Durable)
        view = DurableView(self._run, self._context, self._tools)
        state, commands = node.advance(view, None, None)
        events: asyncio.Queue[Event | Exception] = asyncio.Queue()
        open_: list[asyncio.Task[None]] = []
        answered = 0
        try:
            while True:
                for index, command in enumerate(commands):
                    if isinstance(command, Done):
                        return command.outputs
                    if isinstance(command, Respond):
                        self._run.host.respond(command.response)
                    else:
                        open_.append(asyncio.create_task(self._answer(index, command, events)))
                if answered == len(open_):
                    raise NodeError(f"{type(node).__name__} waits for nothing")
                event = await events.get()
                if isinstance(event, Exception):
                    raise event
                answered += 1
                state, commands = node.advance(view, state, event)
        finally:
            for task in open_:
                task.cancel()

    async def _answer(self, index: int, command: Command, events: "asyncio.Queue[Event | Exception]") -> None:
        """Execute one command and queue its event. A queue and not `asyncio.wait`: its order is the same on replay."""
        calls: Calls = ()
        while isinstance(command, ToolCommand):
            calls, index, command = (*calls, command.call), command.index, command.command
        tool = tuple(call.id for call in calls)
        try:
            event = Event(index, await self._execute_command(command, calls), tool=tool)
        except NodeError as error:
            event = Event(index, error=error.to_json(), tool=tool)
        except Exception as fault:  # noqa: BLE001 - a fault of the host ends the run; kept to itself it would hang it
            events.put_nowait(fault)
            return
        events.put_nowait(event)

    async def _execute_command(self, command: Command, calls: Calls) -> Any:
        """Execute a command of the step, or of the tool that `calls` lead to."""
        self._show(command)
        run, execute, name = self._run, self._tools.execute(calls), self._tools.name(calls)
        match command:
            case Sleep():
                return await run.host.sleep(self._seconds(command))
            case AwaitSignal():
                return await run.host.signal(name, execute.run_index, command, execute.ordinal, call_id(calls))
            case StartChild():
                return await run.host.child(name, command)
            case Call():
                return await self._call(command, calls)
            case RunTool():
                return await self._tool(command, calls)
        raise NodeError(f"{type(command).__name__} cannot be carried out")

    def _show(self, command: Command) -> None:
        """Note what the step waits for, for status answers."""
        run = self._run
        step, reason = (self._execute.step.name, self._execute.run_index), self._reason(command)
        if reason is not None:
            run.reasons[step] = reason
        if run.active is not None and (run.active["node"], run.active["run"]) == step:
            run.active["waiting"] = isinstance(command, Sleep | AwaitSignal)
            run.active["reason"] = reason

    def _reason(self, command: Command) -> dict[str, Any] | None:
        """Return what a command waits for: {for: time, call, form or workflow, until?, workflow?}."""
        match command:
            case Sleep():
                return {"for": "time", "until": self._run.host.now() + 1000 * self._seconds(command)}
            case AwaitSignal():
                return {"for": "form" if command.name == "form" else "call", "until": command.until}
            case StartChild(wait=True):
                return {"for": "workflow", "workflow": command.workflow.get("id") or command.workflow.get("name")}
        return None

    def _seconds(self, command: Sleep) -> float:
        if command.until is not None:
            return max(0.0, (command.until - self._run.host.now()) / 1000)
        return command.seconds or 0.0

    async def _call(self, command: Call, calls: Calls) -> Any:
        run, execute = self._run, self._tools.execute(calls)
        step = run.plan.step[command.step or self._tools.name(calls)]
        scope = run.scope(execute) if step is execute.step else self._tools.scope(step, calls)
        task = build_task(run, execute, scope, step)
        task["method"], task["payload"], task["item"] = command.method, command.payload, command.item
        if calls:
            task["inputs"], task["arguments"] = [scope.items], dict(calls[-1].arguments)
            task["call"] = self._tools.key(calls)
        result = await run.host.work(task, Kind.ACTIVITY)
        absorb(run, step.name, result)
        return result.get("value")

    async def _tool(self, command: RunTool, calls: Calls) -> Any:
        run, step, inner = self._run, self._run.plan.step[command.step], (*calls, command)
        scope = self._tools.scope(step, inner)
        task = build_task(run, self._tools.execute(calls), scope, step)
        task["inputs"], task["arguments"], task["item"] = [scope.items], dict(command.arguments), command.item
        task["call"] = self._tools.key(inner) if calls else command.id
        result = await run.host.work(task, Kind.ACTIVITY)
        absorb(run, step.name, result)
        return result.get("outputs")


class DurableView:
    """Implements `DurableContext` for a step, or for the tool that `calls` lead to: a context plus items and sub-nodes."""

    def __init__(self, run: RunState, context: StepContext, tools: ToolCalls, calls: Calls = ()) -> None:
        self._run, self._context, self._tools, self._calls = run, context, tools, calls
        self._parameters: dict[str, Parameters] = {}
        cut = [items for items in context.inputs if items]
        self.items: Items = cut[0] if cut else []
        self.agent = run.plan.step[context.name].agent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def raw(self, name: str) -> Mapping[str, Any]:
        """Parameters of a sub-node as written."""
        return self._run.plan.step[name].parameters

    def subnodes(self, connection: str, of: str | None = None) -> Sequence[str]:
        """Names of the enabled sub-nodes on this connection type."""
        return self._run.plan.step[of or self._context.name].subnodes.get(connection, ())

    def subnode(self, name: str, i: int, arguments: Mapping[str, Any] | None = None) -> tuple[Node, float]:
        """A sub-node with its parameters resolved against the root's input item `i`."""
        step = self._run.plan.step[name]
        if arguments is not None:
            return self._resolved(name, arguments).at(i), step.version
        if name not in self._parameters:
            self._parameters[name] = self._resolved(name)
        return self._parameters[name].at(i), step.version

    def tool(self, call: RunTool) -> tuple[Node, "DurableView"]:
        """A tool as it is for one call, and what it sees if it is durable."""
        calls = (*self._calls, call)
        context = self._tools.context(calls)
        return context.parameters.at(0), DurableView(self._run, context, self._tools, calls)

    def _resolved(self, name: str, arguments: Mapping[str, Any] | None = None) -> Parameters:
        step = self._run.plan.step[name]
        scope = replace(self._tools.scope(step, self._calls), arguments=arguments)
        return self._tools.parameters(step, scope)
