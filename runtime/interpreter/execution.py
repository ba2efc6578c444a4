"""One execution: the engine's decisions, carried out step by step through a host.

The interpreter runs unchanged inside a Temporal workflow and in process: everything that depends on the world goes through
`Host`, and everything else is a function of the plan, the items and what the host answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from runtime.contract import Inline, NodeError, Trigger
from runtime.engine.start_node import start_step
from runtime.expressions import ScriptLimit
from runtime.interpreter.border import check_depth
from runtime.interpreter.context import StepContext
from runtime.interpreter.durable_step import DurableStep
from runtime.interpreter.failures import issues_text, run_fault
from runtime.interpreter.host import Host
from runtime.interpreter.parallel_waits import ParallelWaits
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.prepared_step import PreparedStep
from runtime.interpreter.run_info import RunInfo
from runtime.interpreter.run_state import RunState
from runtime.interpreter.tasks import columns, run_activity
from runtime.values.patterns import ScriptNeeded, matching
from schemas.item import Items, Outputs
from schemas.kinds import Mode
from schemas.node import Catalog
from schemas.outcome import Delay, Execute, Finished, Idle, Outcome
from schemas.plan import Kind, Plan

__all__ = ["Execution"]

DEPTH_CHECK_RUNS: Final = 50
"""Runs of an inline step from one look at how deep its outputs are to the next. A step nests its input by few levels, and what has
more at once (JSON, field names, expressions) is refused where it is read, so that only a loop gets deeper and deeper."""


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
            return self.as_json(self.engine.result())
        runs = [run["outputs"] for run in self.engine.runs.get(self.engine.last) or ()]
        count = max((len(outputs) for outputs in runs), default=0)
        return self.as_json([[item for outputs in runs for item in _at(outputs, index)] for index in range(count)])

    def _returns_all_runs(self) -> bool:
        for step in self.plan.steps:
            if step.trigger != "workflow":
                continue
            cls = self.catalog.find(step.type, step.version, step.parameters, step.subnodes)
            if cls is not None and issubclass(cls, Trigger) and not step.disabled:
                return cls.bind(step.parameters, step.version).returns_all_runs(step.version)
        return False

    def refusal(self, node: str) -> dict[str, Any] | None:
        """n8n refuses a run when a step that it can reach has issues: the error object, or None."""
        steps = self.engine.graph.last_first(node)
        found = [each for each in steps if each.issues and not each.disabled and each.name not in self.engine.pinned]
        return {"name": "WorkflowHasIssuesError", "message": issues_text(found)} if found else None

    async def run(self) -> Finished:
        """Run step by step to the end, and return it. An exception outside the steps ends the run as an error."""
        try:
            return await self._run_steps()
        except Exception as error:  # noqa: BLE001 - see `abort`
            return self.abort(error)

    def abort(self, error: Exception) -> Finished:
        """End the run by an exception that is no step's, and return the end. Raise it where it is the host's own."""
        if self.host.passes(error):
            raise error
        node = self.engine.current.step.name if self.engine.current else self.engine.last or ""
        self.host.log_exception(error, node)
        return self.engine.abort(run_fault(error))

    async def _run_steps(self) -> Finished:
        waits = ParallelWaits(self)
        waits.resume()
        try:
            while True:
                if (current := self.engine.current) is not None:  # the run that continued as this one was in its middle
                    await self.run_step(current)
                    await self.host.boundary(self, current.step.name)
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
                if (refused := await self._boundary(decided.name)) is not None:
                    return refused
        finally:
            waits.cancel()

    async def _boundary(self, step: str) -> Finished | None:
        """Tell the host that a step is over. Return the end of a run whose state the host cannot carry further."""
        try:
            await self.host.boundary(self, step)
        except NodeError as refused:
            return Finished("error", step, refused.to_json() | {"node": step})
        return None

    async def run_step(self, execute: Execute) -> None:
        """Run a step, again after an error where its settings say so, until its outcome is final."""
        while True:
            outcome = self._try_inline(execute) or await self.run_attempt(execute)
            delay = self.complete(outcome)
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

    def complete(self, outcome: Outcome) -> Delay | None:
        """Record how the current attempt ended. Outputs that are no items are an error of the step."""
        execute = self.engine.current
        assert execute is not None
        try:
            return self.engine.complete(outcome)
        except Exception as error:
            if self.engine.current is None:  # it went wrong after the step was recorded
                raise
            failed = self.step_error(error, execute.step)
        return self.engine.complete(replace(outcome, outputs=None, error=failed.to_json()))

    def _try_inline(self, execute: Execute) -> Outcome | None:
        """Run a step that needs nothing from outside. Most steps are such, so this path is short. None: it is not such a step."""
        prepared = self._prepared.get(execute.step.name)
        if prepared is None or not prepared.inline or self.belongs_in_activity(prepared, execute):
            return None
        now = self.host.now()
        try:
            values: Sequence[Sequence[Any]] = ()
            if prepared.expressions.expressions:
                evaluated = self.evaluate_here(prepared, self.scope(execute, now=now))
                if evaluated is None:
                    return None
                values = evaluated
            if not prepared.cls.exact_values:
                values = self.cells_as_json(values)
            context = self.context(execute, prepared, Parameters(prepared.bound, values), now)
            with matching(self.match):
                outputs, error = _run_inline(prepared, context, execute), None
        except (ScriptNeeded, ScriptLimit):
            self.move_to_activity(prepared)
            return None
        except NodeError as failed:
            outputs, error = None, failed.to_json()
        except Exception as failed:  # noqa: BLE001 - see `step_error`
            outputs, error = None, self.step_error(failed, execute.step).to_json()
        return Outcome(outputs=outputs, error=error, started=now, finished=self.host.now())

    async def run_attempt(self, execute: Execute, *, parked: int | None = None) -> Outcome:
        """Run one try of a step, or go on with it where the run before this one was in its middle. `parked`: the number of a
        parked step, which is not shown as the active one.
        """
        resumed = self.engine.progress.pop(parked, None) or {}
        started = resumed.get("started", self.host.now())
        step = execute.step
        if parked is None:
            self.active = {"node": step.name, "run": execute.run_index, "attempt": execute.attempt, "started": started}
        try:
            prepared = self.prepared(step)
            if prepared.inline and (outcome := self._try_inline(execute)) is not None:
                return outcome
            outputs, error = await self._run(execute, prepared, started, parked, resumed), None
        except NodeError as failed:
            outputs, error = None, failed.to_json()
        except Exception as failed:  # noqa: BLE001 - see `step_error`
            outputs, error = None, self.step_error(failed, step).to_json()
        finally:
            self.reasons.pop((step.name, execute.run_index), None)
            if parked is None:
                self.active = None
        return Outcome(outputs=outputs, error=error, started=started, finished=self.host.now())

    async def _run(
        self,
        execute: Execute,
        prepared: PreparedStep,
        now: float,
        parked: int | None = None,
        resumed: Mapping[str, Any] | None = None,
    ) -> Outputs | None:
        step, resumed = execute.step, resumed or {}
        scope = self.scope(execute, now=now, seed=resumed.get("seed"))
        if step.kind in (Kind.ACTIVITY, Kind.LOCAL):
            return await run_activity(self, execute, scope, step.kind)
        if prepared.inline:  # its scripts are not for workflow code
            return await run_activity(self, execute, scope, Kind.LOCAL)
        values = await columns(self, execute, prepared, scope)
        if not prepared.cls.exact_values:
            values = self.cells_as_json(values)
        context = self.context(execute, prepared, Parameters(prepared.bound, values), now)
        if step.kind is Kind.DURABLE:
            return await DurableStep(self, context, execute, scope.seed, parked, resumed).outputs()
        raise NodeError(f"{prepared.cls.__name__} is not a step that can be run by itself")


def _run_inline(prepared: PreparedStep, context: StepContext, execute: Execute) -> Outputs | None:
    node = context.parameters.node
    if not isinstance(node, Inline):
        raise NodeError(f"{prepared.cls.__name__} does not run inline")
    items = next((each for each in context.inputs if each), [])
    outputs: Outputs | None = node.run(context, items)  # type: ignore[arg-type]  # see run_task
    if execute.run_index % DEPTH_CHECK_RUNS == DEPTH_CHECK_RUNS - 1:
        check_depth(outputs, f"The output of '{execute.step.name}'")
    return outputs


def _at(outputs: Outputs, index: int) -> Items:
    return (outputs[index] or []) if index < len(outputs) else []
