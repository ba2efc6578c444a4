"""Durable steps: a reducer whose commands are executed through the host, and whose events come back in a fixed order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

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
from runtime.interpreter.border import hand_out
from runtime.interpreter.command_codec import command_from_json
from runtime.interpreter.command_window import CommandWindow
from runtime.interpreter.context import StepContext
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.run_state import RunState
from runtime.interpreter.tasks import absorb, build_task, cut_to_item
from runtime.interpreter.tool_calls import Calls, ToolCalls, call_id, is_pure
from schemas.item import Items, Json, Outputs
from schemas.node import Node
from schemas.outcome import Execute
from schemas.plan import Kind

__all__ = ["DurableStep", "DurableView"]

LOCAL_TOOLS: Final = "local tools"
"""The change from which on a call of a pure tool is a local activity; runs that called one before go on so."""


class DurableStep:
    """One try of a durable step.

    Args:
        run: the execution.
        context: of the step.
        execute: the step's run.
        seed: of its expressions.
        number: of the parked step that it is; None: the current one.
        resumed: the `progress` of the same try in the run that continued as this one.
    """

    def __init__(
        self,
        run: RunState,
        context: StepContext,
        execute: Execute,
        seed: int,
        number: int | None = None,
        resumed: Mapping[str, Any] | None = None,
    ) -> None:
        self._run, self._context, self._execute, self._seed, self._number = run, context, execute, seed, number
        resumed = resumed or {}
        self._tools = ToolCalls(run, execute, resumed.get("ordinals"))
        self._view = DurableView(run, context, self._tools, moments=resumed.get("moments"))
        self._window = CommandWindow(run.host, self._answer, self._view.items)
        self._state: Json = resumed.get("state")
        self._woken = False
        self._commands = [(index, command_from_json(command)) for index, command in resumed.get("commands", ())]

    async def outputs(self) -> Outputs | None:
        """Run the reducer until it is done, and return its outputs. Raises NodeError."""
        node = self._context.parameters.node
        assert isinstance(node, Durable)
        run, window = self._run, self._window
        run.open[self._number] = self
        watch = asyncio.create_task(self._watch())
        try:
            if not self._commands:
                self._advance(node, None)
            while True:
                for index, command in self._commands:
                    if isinstance(command, Done):
                        return command.outputs
                    if isinstance(command, Respond):
                        hand_out(command.response, f"The response of '{self._context.name}'", run.info.payload_limit)
                        run.host.respond(command.response)
                    else:
                        window.order(index, command)
                self._commands = []
                window.refill()
                if window.is_empty():
                    raise NodeError(f"{type(node).__name__} waits for nothing")
                event = await window.take()
                if event is not None:
                    self._advance(node, event)
                elif self._woken:
                    await run.host.continue_inside(run)
                    self._woken = False
        finally:
            watch.cancel()
            window.cancel()
            del run.open[self._number]

    def quiet(self) -> bool:
        """Return whether the step can be carried now: see `OpenStep`."""
        return self._window.quiet()

    def progress(self) -> dict[str, Any]:
        """Return how far the step is: what `resumed` takes."""
        return {
            "started": self._context.now, "seed": self._seed, "ordinal": self._execute.ordinal,
            "run_index": self._execute.run_index, "state": self._state,
            "commands": self._window.to_json(), "ordinals": self._tools.ordinals, "moments": self._view.moments,
        }  # fmt: skip

    def _advance(self, node: Durable, event: Event | None) -> None:
        self._state, commands = node.advance(self._view, self._state, event)
        self._commands = list(enumerate(commands))

    async def _watch(self) -> None:
        """Wake the step when the run is to continue as new and may. Parked steps leave that to whoever waits for them."""
        run = self._run
        while self._number is None:
            await run.host.until(lambda: not self._woken and run.host.should_continue_inside() and run.settled())
            self._woken = True
            self._window.wake()

    async def _answer(self, index: int, command: Command) -> Event:
        """Execute one command and return its event. Raises a fault of the host."""
        calls: Calls = ()
        while isinstance(command, ToolCommand):
            calls, index, command = (*calls, command.call), command.index, command.command
        tool = tuple(call.id for call in calls)
        try:
            return Event(index, await self._execute_command(command, calls), tool=tool)
        except NodeError as error:
            return Event(index, error=error.to_json(), tool=tool)
        except Exception as fault:  # noqa: BLE001 - see `step_error`, which raises a fault of the host
            return Event(index, error=self._run.step_error(fault, self._execute.step).to_json(), tool=tool)

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
        task["method"], task["payload"], task["item"] = command.method, command.payload, command.item or 0
        if command.id:
            task["call"] = command.id
        if not calls and command.item is not None and run.info.payload_limit is not None:
            cut_to_item(task, scope.items, command.item)
        if calls:
            inputs = self._tools.inputs(scope, calls) if command.step is None else list[Any]([scope.items])
            task["inputs"], task["arguments"] = inputs, dict(calls[-1].arguments)
            task["call"] = "/".join(filter(None, (self._tools.key(calls), command.id)))
        result = await run.host.work(task, Kind.ACTIVITY)
        absorb(run, step.name, result)
        return result.get("value")

    async def _tool(self, command: RunTool, calls: Calls) -> Any:
        run, step, inner = self._run, self._run.plan.step[command.step], (*calls, command)
        scope = self._tools.scope(step, inner)
        task = build_task(run, self._tools.execute(calls), scope, step)
        inputs = self._tools.inputs(scope, inner)
        task["inputs"], task["arguments"], task["item"] = inputs, dict(command.arguments), command.item
        task["call"] = self._tools.key(inner) if calls else command.id
        local = is_pure(run.prepared(step).bound.node) and run.host.patched(LOCAL_TOOLS)
        result = await run.host.work(task, Kind.LOCAL if local else Kind.ACTIVITY)
        absorb(run, step.name, result)
        return result.get("outputs")


class DurableView:
    """Implements `DurableContext` for a step, or for the tool that `calls` lead to: a context plus items and sub-nodes."""

    def __init__(
        self,
        run: RunState,
        context: StepContext,
        tools: ToolCalls,
        calls: Calls = (),
        moments: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self._run, self._context, self._tools, self._calls = run, context, tools, calls
        self.moments = dict(moments or {})
        """Name of a sub-node -> time (ms since the epoch) and seed that its parameters have seen, which they see again when the
        step goes on in another run.
        """
        self.arguments: Mapping[str, Any] = calls[-1].arguments if calls else {}
        self._parameters: dict[str, Parameters] = {}
        cut = [items for items in context.inputs if items]
        self.items: Items = cut[0] if cut else []
        self.agent = run.plan.step[context.name].agent
        self.streams = run.info.streams

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def patched(self, change: str) -> bool:
        """See `DurableContext`."""
        return self._run.host.patched(change)

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
        now, seed = self.moments.get(name, (None, None)) if arguments is None else (None, None)
        scope = replace(self._tools.scope(step, self._calls, now=now, seed=seed), arguments=arguments)
        if arguments is None:
            self.moments[name] = (scope.now, scope.seed)
        return self._tools.parameters(step, scope)
