"""One execution: the engine's decisions, carried out step by step through a host.

The interpreter runs unchanged inside a Temporal workflow and in process: everything that depends on the world goes through
`Host`, and everything else is a function of the plan, the items and what the host answered.
"""

from collections.abc import Sequence
from typing import Any

from runtime.contract import Inline, NodeError, Trigger
from runtime.engine.start_node import start_step
from runtime.expressions import evaluate
from runtime.interpreter.context import StepContext
from runtime.interpreter.durable_step import DurableStep
from runtime.interpreter.host import Host
from runtime.interpreter.parallel_waits import ParallelWaits
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.prepared_step import PreparedStep
from runtime.interpreter.run_info import RunInfo
from runtime.interpreter.run_state import RunState
from runtime.interpreter.tasks import columns, run_activity
from schemas.item import Items, Outputs
from schemas.kinds import Mode
from schemas.node import Catalog
from schemas.outcome import Delay, Execute, Finished, Idle, Outcome
from schemas.plan import Kind, Plan

__all__ = ["Execution"]


class Execution(RunState):
    """Drives one run of a plan."""

    def __init__(
        self, plan: Plan, catalog: Catalog, host: Host, info: RunInfo, *, state: dict[str, Any] | None = None
    ) -> None:
        super().__init__(plan, catalog, host, info, state=state)
        self.engine.keeps_all = info.mode == Mode.INTEGRATED and self._returns_all_runs()

    def start(self, node: str, items: Items) -> None:
        """Put the start node on the stack."""
        self.engine.start(node, items, now=self.host.now())

    def begin(self, items: Items, *, step: str | None = None, prefer: str | None = None) -> Finished | None:
        """Start at the step of this name; without a name at the step that n8n chooses, preferably a trigger of the kind
        `prefer`. Return the end of a run that cannot start, else None.
        """
        first = self.plan.step.get(step) if step else start_step(self.plan, prefer)
        if first is None:
            error: dict[str, Any] | None = {
                "name": "WorkflowOperationError",
                "message": "The workflow has no start node",
            }
        else:
            error = self.refusal(first.name)
        if first is None or error is not None:
            return Finished("not-started", None, error)
        self.start(first.name, items)
        return None

    def result(self) -> Outputs:
        """What the run gives back: the outputs of the last run of the node that ran last, or of all its runs where the
        trigger of a sub-workflow says so.
        """
        if self.info.mode != Mode.INTEGRATED or not self._returns_all_runs() or self.engine.last is None:
            return self.engine.result()
        runs = [run["outputs"] for run in self.engine.runs.get(self.engine.last) or ()]
        count = max((len(outputs) for outputs in runs), default=0)
        return [[item for outputs in runs for item in _at(outputs, index)] for index in range(count)]

    def _returns_all_runs(self) -> bool:
        for step in self.plan.steps:
            if step.trigger != "workflow":
                continue
            cls = self.catalog.find(step.type, step.version, step.parameters)
            if cls is not None and issubclass(cls, Trigger) and not step.disabled:
                return cls.bind(step.parameters, step.version).returns_all_runs(step.version)
        return False

    def refusal(self, node: str) -> dict[str, Any] | None:
        """n8n refuses a run when a step that it can reach has issues: the error object, or None."""
        for step in self.engine.graph.downstream(node):
            if step.disabled or (step.name in self.engine.pinned and step.trigger is None):
                continue
            if step.issues:
                lines = "\n".join(f"- {issue}" for issue in step.issues)
                return {"name": "WorkflowOperationError", "message": f"The '{step.name}' node has issues:\n{lines}"}
        return None

    async def run(self) -> Finished:
        """Run step by step to the end, and return it."""
        waits = ParallelWaits(self)
        try:
            while True:
                await waits.collect()
                decided = self.engine.next(self.host.now())
                if isinstance(decided, Finished):
                    return decided
                if isinstance(decided, Idle):
                    await waits.wait_any()
                    continue
                if isinstance(decided, Execute):
                    if waits.park(decided):
                        continue
                    await self.run_step(decided)
                    decided = decided.step
                await self.host.boundary(self, decided.name)
        finally:
            waits.cancel()

    async def run_step(self, execute: Execute) -> None:
        """Run a step, again after an error where its settings say so, until its outcome is final."""
        while True:
            outcome = self._try_inline(execute) or await self.run_attempt(execute)
            delay = self.engine.complete(outcome)
            if not isinstance(delay, Delay):
                return
            until = self.host.now() + 1000 * delay.seconds
            self.active = {
                "node": execute.step.name, "run": execute.run_index, "attempt": execute.attempt,
                "started": outcome.started, "reason": {"for": "next try", "until": until},
            }  # fmt: skip
            await self.host.sleep(delay.seconds)
            self.active = None
            execute = self.engine.retry()

    def _try_inline(self, execute: Execute) -> Outcome | None:
        """Run a step that needs nothing from outside. Most steps are such, so this path is short. None: it is not such a step."""
        prepared = self._prepared.get(execute.step.name)
        if prepared is None or not prepared.inline or self.belongs_in_activity(prepared, execute):
            return None
        now = self.host.now()
        try:
            values: Sequence[Sequence[Any]] = ()
            if prepared.expressions.expressions:
                scope = self.scope(execute, now=now)
                values = evaluate(
                    prepared.expressions, scope, len(scope.items), self.host.evaluator, final=not self.host.replays
                )
            outputs, error = (
                _run_inline(
                    prepared, self.context(execute, prepared, Parameters(prepared.bound, values), now), execute
                ),
                None,
            )
        except NodeError as failed:
            outputs, error = None, failed.to_json()
        return Outcome(outputs=outputs, error=error, started=now, finished=self.host.now())

    async def run_attempt(self, execute: Execute, *, parked: bool = False) -> Outcome:
        """Run one try of a step. A parked step is not shown as the active one."""
        started = self.host.now()
        step = execute.step
        if not parked:
            self.active = {"node": step.name, "run": execute.run_index, "attempt": execute.attempt, "started": started}
        try:
            prepared = self.prepared(step)
            if prepared.inline and (outcome := self._try_inline(execute)) is not None:
                return outcome
            outputs, error = await self._run(execute, prepared, started), None
        except NodeError as failed:
            outputs, error = None, failed.to_json()
        finally:
            self.reasons.pop((step.name, execute.run_index), None)
            if not parked:
                self.active = None
        return Outcome(outputs=outputs, error=error, started=started, finished=self.host.now())

    async def _run(self, execute: Execute, prepared: PreparedStep, now: float) -> Outputs | None:
        step = execute.step
        scope = self.scope(execute, now=now)
        if step.kind in (Kind.ACTIVITY, Kind.LOCAL):
            return await run_activity(self, execute, scope, step.kind)
        if prepared.inline:  # its scripts are not for workflow code
            return await run_activity(self, execute, scope, Kind.LOCAL)
        values = await columns(self, execute, prepared, scope)
        context = self.context(execute, prepared, Parameters(prepared.bound, values), now)
        if step.kind is Kind.DURABLE:
            return await DurableStep(self, context, execute).outputs()
        raise NodeError(f"{prepared.cls.__name__} is not a step that can be run by itself")


def _run_inline(prepared: PreparedStep, context: StepContext, execute: Execute) -> Outputs | None:
    node = context.parameters.node
    if not isinstance(node, Inline):
        raise NodeError(f"{prepared.cls.__name__} does not run inline")
    items = next((each for each in execute.inputs if each), [])
    return node.run(context, items)  # type: ignore[arg-type]  # see run_task


def _at(outputs: Outputs, index: int) -> Items:
    return (outputs[index] or []) if index < len(outputs) else []
