"""The state of one execution, and what a step sees of it."""

from dataclasses import replace
from typing import Any, Final

from runtime.contract import NodeError
from runtime.engine.machine import Engine
from runtime.engine.pairing import PairingError
from runtime.expressions.scope import ExpressionError, Scope
from runtime.interpreter.context import StepContext
from runtime.interpreter.host import Host
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.prepared_step import PreparedStep
from runtime.interpreter.run_info import RunInfo
from schemas.item import UNDEFINED
from schemas.node import Catalog
from schemas.outcome import Execute
from schemas.plan import Kind, Plan, Step
from schemas.plan_facts import with_facts

__all__ = ["RunState"]

MAX_SCRIPT_VALUES: Final = 20_000
"""Script values that one step may compute inside workflow code, far below a second of V8."""
MAX_VALUES: Final = 100_000
"""Items and values of expressions that one step may move inside workflow code: about half a second of Python."""


class RunState:
    """The plan, the engine and the data of one execution."""

    def __init__(
        self, plan: Plan, catalog: Catalog, host: Host, info: RunInfo, *, state: dict[str, Any] | None = None
    ) -> None:
        self.plan, self.catalog, self.host, self.info = with_facts(plan, catalog), catalog, host, info
        self.engine = Engine(self.plan, state=state, pinned=info.pinned)
        self.static_data = info.static_data
        self.custom_data: dict[str, str] = {}
        self.usage: list[dict[str, Any]] = []
        """Model usage, one entry per request."""
        self.active: dict[str, Any] | None = None
        """The step that works or waits, as status answers show it; a parked step is not shown."""
        self.reasons: dict[tuple[str, int], dict[str, Any]] = {}
        """What steps wait for, by node and run."""
        self.workflow = {"id": plan.workflow_id, "name": plan.name, "active": plan.active}
        self._prepared: dict[str, PreparedStep] = {}

    def prepared(self, step: Step) -> PreparedStep:
        """Return what is the same in all runs of a step. Raises NodeError when it cannot run at all."""
        prepared = self._prepared.get(step.name)
        if prepared is not None:
            return prepared
        if step.kind is Kind.UNSUPPORTED:
            raise NodeError(step.problem or f"Node type {step.type} version {step.version:g} is not supported")
        cls = self.catalog.find(step.type, step.version, step.parameters)
        if cls is None:
            raise NodeError(f"Unrecognized node type: {step.type}")
        where = self.plan.step
        parents = [(name, where[name].type) for name in self.engine.graph.ancestors(step.name) if name in where]
        prepared = self._prepared[step.name] = PreparedStep(step, cls, parents)
        return prepared

    def scope(self, execute: Execute, step: Step | None = None, *, now: float | None = None) -> Scope:
        """The step's surroundings for its expressions; with `step`, those of one of its sub-nodes."""

        def pair(name: str, i: int) -> Any:
            try:
                found = self.engine.paired(execute, name, i)
            except PairingError as error:
                raise ExpressionError(error.message, description=error.description, item=i) from None
            return UNDEFINED if found is None else found

        info = self.info_of(execute)
        return Scope(
            plan=self.plan, step=step or execute.step, items=execute.items, inputs=execute.uncut_inputs, source=execute.source,
            run_index=execute.run_index, runs=self.engine.runs, memory=self.engine.memory,
            now=self.host.now() if now is None else now,
            seed=self.host.seed(), mode=self.info.mode, execution_id=self.info.execution_id,
            resume_url=info.resume_url, resume_form_url=info.resume_form_url, variables=self.info.variables,
            custom_data=self.custom_data, static_data=self.static_data, arguments=self.info.arguments, pair=pair,
            root=execute.step if step else None,
        )  # fmt: skip

    def info_of(self, execute: Execute) -> RunInfo:
        """With the links of the wait that the step is, where it has its own."""
        return self.info if execute.ordinal is None else replace(self.info, waits=execute.ordinal)

    def context(self, execute: Execute, prepared: PreparedStep, parameters: Parameters, now: float) -> StepContext:
        """Return what the step's class gets."""
        step, info = execute.step, self.info_of(execute)
        return StepContext(
            name=step.name, version=step.version, inputs=execute.inputs, source=execute.source,
            run_index=execute.run_index, continue_on_fail=prepared.continue_on_fail,
            memory=self.engine.memory.setdefault(step.name, {}), now=now,
            timezone=self.plan.settings.timezone, seed=self.host.seed, mode=self.info.mode,
            workflow=self.workflow, execution_id=self.info.execution_id,
            connected_outputs=prepared.connected_outputs, parents=prepared.parents, parameters=parameters,
            resume_url=info.resume_url, custom_data=self.custom_data, info=info,
        )  # fmt: skip

    def belongs_in_activity(self, prepared: PreparedStep, execute: Execute | Scope) -> bool:
        """Return whether a step must not run inside workflow code: its scripts are not linear, or it moves too much at once."""
        if not self.host.replays:
            return False
        scripts, count = prepared.expressions, len(execute.items)
        values = count * (1 + len(scripts.expressions))
        return not scripts.linear or scripts.slow * count > MAX_SCRIPT_VALUES or values > MAX_VALUES
