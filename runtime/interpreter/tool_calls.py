"""Calls of tools in a durable step: what a tool sees of the item that it is called for, and the number of its wait."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast

from runtime.contract import Activity, Inline, NodeError, RunTool, SubNode
from runtime.expressions import ScriptLimit, evaluate
from runtime.expressions.scope import Scope
from runtime.interpreter.context import StepContext
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.run_state import RunState
from schemas.item import Item, Items
from schemas.node import Node
from schemas.outcome import Execute
from schemas.plan import Step

__all__ = ["Calls", "ToolCalls", "call_id", "is_pure"]

Calls: TypeAlias = Sequence[RunTool]
"""Leads to a tool: the call of the step's tool, then of that tool's tool, and so on. Empty: the step itself."""


class ToolCalls:
    """The calls of tools in one try of a durable step."""

    def __init__(self, run: RunState, execute: Execute, ordinals: Mapping[str, int] | None = None) -> None:
        self._run, self._execute = run, execute
        self.ordinals = dict(ordinals or {})
        """Numbers of the waits of tools, by call."""

    def name(self, calls: Calls) -> str:
        """Return the name of the node that the calls lead to."""
        return calls[-1].step if calls else self._execute.step.name

    def key(self, calls: Calls) -> str:
        """Return which call of a tool it is, for idempotency keys: several steps may have one tool."""
        return f"{self._execute.step.name}/{call_id(calls)}"

    def execute(self, calls: Calls) -> Execute:
        """Return the step's run, with the number of the tool's wait where it has its own."""
        ordinal = self.ordinals.get(call_id(calls))
        return self._execute if ordinal is None else replace(self._execute, ordinal=ordinal)

    def scope(self, step: Step, calls: Calls, *, now: float | None = None, seed: int | None = None) -> Scope:
        """Return what the expressions of a sub-node see; inside calls of tools the one item that the first one is for."""
        scope = self._run.scope(self.execute(calls), step, now=now, seed=seed)
        if not calls:
            return scope
        pair, i = scope.pair, calls[0].item
        item = scope.items[i]
        if any(call.given == "both" for call in calls):
            item = _with_arguments(item, calls)
        return replace(
            scope, arguments=calls[-1].arguments, items=[item], pair=pair and (lambda name, _: pair(name, i))
        )

    def inputs(self, scope: Scope, calls: Calls) -> list[Items | None]:
        """Return the input of the tool that the calls lead to; `scope` is what its expressions see."""
        call = calls[-1]
        if call.given != "arguments":
            return [scope.items]
        return [[{"json": dict(call.arguments), "pairedItem": {"item": 0}}]]

    def parameters(self, step: Step, scope: Scope) -> Parameters:
        """Return the parameters of a sub-node, evaluated here. Raises NodeError when that takes too long."""
        prepared, host, count = self._run.prepared(step), self._run.host, len(scope.items)
        try:
            columns = evaluate(prepared.expressions, scope, count, host.evaluator, final=not host.replays)
        except ScriptLimit as limit:
            raise NodeError(
                f"The expressions in the parameters of '{step.name}' need too much time or memory",
                description="Compute the value in a node before this one, and let the parameter read the result.",
            ) from limit
        return Parameters(prepared.bound, columns)

    def context(self, calls: Calls) -> StepContext:
        """Return what a durable tool sees. One that waits for a call gets the number of its links now."""
        run, step = self._run, self._run.plan.step[self.name(calls)]
        prepared, key = run.prepared(step), call_id(calls)
        if prepared.bound.node.waits_for() == "call" and key not in self.ordinals:
            self.ordinals[key] = run.info.waits
            run.info.waits += 1
        scope = self.scope(step, calls)
        execute = replace(self.execute(calls), step=step, inputs=self.inputs(scope, calls))
        return run.context(execute, prepared, self.parameters(step, scope), scope.now)


def _with_arguments(item: Item, calls: Calls) -> Item:
    """Return the item of a call as a tool of version 3 of the agent sees it: the arguments of each call that leads there are in it."""
    json = dict(item["json"])
    for call in calls:
        if call.given == "both":
            json |= {**call.arguments, "toolCallId": call.call}
    return cast(Item, {**cast(Any, item), "json": json})


def is_pure(tool: Node) -> bool:
    """Return whether a call of a tool touches nothing outside, so that it may be a local activity."""
    return isinstance(tool, Inline) or (isinstance(tool, Activity | SubNode) and tool.local)


def call_id(calls: Calls) -> str:
    """Return which call it is, among all of one step run; empty for the step itself."""
    return "/".join(call.id for call in calls)
