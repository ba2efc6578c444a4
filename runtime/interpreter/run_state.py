"""The state of one execution, and what a step sees of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from runtime.contract import NodeError
from runtime.engine.machine import Engine
from runtime.engine.pairing import PairingError
from runtime.expressions import FINAL_SECONDS, ScriptLimit, evaluate, matcher
from runtime.expressions.scope import ExpressionError, Scope
from runtime.interpreter.context import StepContext
from runtime.interpreter.failures import as_node_error
from runtime.interpreter.host import Host
from runtime.interpreter.parameters import Parameters
from runtime.interpreter.prepared_plan import prepared_plan
from runtime.interpreter.prepared_step import PreparedStep
from runtime.interpreter.run_info import RunInfo
from runtime.values.patterns import ScriptNeeded
from runtime.values.undefined import cells_without_undefined, without_undefined
from schemas.item import UNDEFINED
from schemas.node import Catalog
from schemas.outcome import Execute
from schemas.plan import Kind, Plan, Step
from schemas.plan_facts import with_facts

__all__ = ["OpenStep", "RunState"]

T = TypeVar("T")

PATTERNS_IN_ACTIVITY: Final = "patterns in an activity"
"""The change by which steps whose patterns RE2 does not know run in an activity."""

UNDEFINED_MEMBERS: Final = "undefined members"
"""The change by which members that are undefined stay in items while workflow code moves them."""

UNPIN: Final = "Using the item method doesn't work with pinned data in this scenario. Please unpin '{}' and try again."
"""What n8n says in a manual run where the items of a pinned node do not say what they stem from."""
MAX_SCRIPT_VALUES: Final = 20_000
"""Script values that one step may compute inside workflow code, far below a second of V8."""
MAX_VALUES: Final = 100_000
"""Items and values of expressions that one step may move inside workflow code: about half a second of Python."""


class OpenStep(Protocol):
    """A step that has begun and may be carried to the run that this one continues as."""

    def quiet(self) -> bool:
        """Return whether nothing of it is under way but what its progress tells."""

    def progress(self) -> dict[str, Any]:
        """Return how far it is, as plain JSON."""


class RunState:
    """The plan, the engine and the data of one execution."""

    def __init__(
        self, plan: Plan, catalog: Catalog, host: Host, info: RunInfo, *, state: dict[str, Any] | None = None
    ) -> None:
        self.plan, self.catalog, self.host, self.info = with_facts(plan, catalog), catalog, host, info
        shared = prepared_plan(self.plan, catalog)
        self._prepared = shared.steps
        self._over_limit: set[PreparedStep] = set()
        """Steps whose scripts have hit a limit inside workflow code, in this run and not in another one of the plan: from then on
        they are evaluated in activities.
        """
        self.engine = Engine(self.plan, state=state, pinned=info.pinned, graph=shared.graph, patched=host.patched)
        self.undefined = False
        """Whether items or values may have members that are undefined: something has made one since the run, or the part of
        it since it last continued as new, began."""
        self.static_data = info.static_data
        self.custom_data: dict[str, str] = {}
        self.usage: list[dict[str, Any]] = []
        """Model usage: see `add_usage`."""
        self.active: dict[str, Any] | None = None
        """The step that works or waits, as status answers show it; a parked step is not shown."""
        self.reasons: dict[tuple[str, int], dict[str, Any]] = {}
        """What steps wait for, by node and run."""
        self.open: dict[int | None, OpenStep] = {}
        """Durable steps that have begun: parked ones by number, the current one under None."""
        self.workflow = {"id": plan.workflow_id, "name": plan.name, "active": plan.active}

    def state(self) -> dict[str, Any]:
        """Return the engine's state, with how far the open steps are."""
        return self.as_json(self.engine.state({number: step.progress() for number, step in self.open.items()}))

    def keeps_undefined(self) -> bool:
        """Return whether a member that is undefined stays: not in runs that began before such ones did. Asked where one arises,
        so that a run without any has no marker of it.
        """
        self.undefined = self.undefined or self.host.patched(UNDEFINED_MEMBERS)
        return self.undefined

    def cells_as_json(self, columns: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return the values of expressions for a class that knows JSON alone."""
        return [each or [] for each in cells_without_undefined(columns)] if self.undefined else columns

    def as_json(self, value: T) -> T:
        """Return a value for whoever knows JSON alone: without members that are undefined."""
        return without_undefined(value) if self.undefined else value

    def settled(self) -> bool:
        """Return whether nothing is under way but what `state` carries."""
        begun = [*self.engine.parked, *([None] if self.engine.current is not None else [])]
        return all(number in self.open and self.open[number].quiet() for number in begun)

    def prepared(self, step: Step) -> PreparedStep:
        """Return what is the same in all runs of a step. Raises NodeError when it cannot run at all."""
        prepared = self._prepared.get(step.name)
        if prepared is not None:
            return prepared
        if step.kind is Kind.UNSUPPORTED:
            raise NodeError(step.problem or f"Node type {step.type} version {step.version:g} is not supported")
        cls = self.catalog.find(step.type, step.version, step.parameters, step.subnodes)
        if cls is None:
            raise NodeError(f"Unrecognized node type: {step.type}")
        where = self.plan.step
        parents = [(name, where[name].type) for name in self.engine.graph.ancestors(step.name) if name in where]
        prepared = self._prepared[step.name] = PreparedStep(step, cls, parents)
        return prepared

    def scope(
        self, execute: Execute, step: Step | None = None, *, now: float | None = None, seed: int | None = None
    ) -> Scope:
        """The step's surroundings for its expressions; with `step`, those of one of its sub-nodes."""
        pinned: Any = self.engine.pinned if self.info.mode == "manual" else {}

        def pair(name: str, i: int) -> Any:
            if name in pinned and not self.engine.runs.get(name):
                if name in self.engine.graph.ancestors(execute.step.name):
                    return UNDEFINED
                raise ExpressionError(f"Unpin '{name}' to execute", item=i)
            try:
                found = self.engine.paired(execute, name, i)
            except PairingError as error:
                message = UNPIN.format(error.unpaired) if error.unpaired in pinned else error.message
                raise ExpressionError(message, description=error.description, item=i) from None
            return UNDEFINED if found is None else found

        info, prepared = self.info_of(execute), self._prepared.get((step or execute.step).name)
        exact = prepared is not None and prepared.cls.exact_values
        return Scope(
            plan=self.plan, step=step or execute.step, items=execute.items, inputs=execute.uncut_inputs, source=execute.source,
            run_index=execute.run_index, runs=self.engine.runs, memory=self.engine.memory,
            now=self.host.now() if now is None else now,
            seed=self.host.seed() if seed is None else seed, mode=self.info.mode, execution_id=self.info.execution_id,
            resume_url=info.resume_url, resume_form_url=info.resume_form_url, variables=self.info.variables,
            custom_data=self.custom_data, static_data=self.static_data, arguments=self.info.arguments, pair=pair,
            root=execute.step if step else None, pinned=pinned,
            undefined=self.undefined, keep_undefined=self.keeps_undefined if exact else lambda: False,
        )  # fmt: skip

    def info_of(self, execute: Execute) -> RunInfo:
        """With the links of the wait that the step is, where it has its own."""
        return self.info if execute.ordinal is None else replace(self.info, waits=execute.ordinal)

    def context(self, execute: Execute, prepared: PreparedStep, parameters: Parameters, now: float) -> StepContext:
        """Return what the step's class gets."""
        step, info = execute.step, self.info_of(execute)
        inputs = execute.inputs if prepared.cls.exact_values else self.as_json(execute.inputs)
        return StepContext(
            name=step.name, version=step.version, inputs=inputs, source=execute.source,
            run_index=execute.run_index, continue_on_fail=prepared.continue_on_fail,
            memory=self.engine.memory.setdefault(step.name, {}), now=now,
            timezone=self.plan.settings.timezone, seed=self.host.seed, mode=self.info.mode,
            workflow=self.workflow, execution_id=self.info.execution_id,
            connected_outputs=prepared.connected_outputs, parents=prepared.parents, parameters=parameters,
            resume_url=info.resume_url, custom_data=self.custom_data, info=info, keep_undefined=self.keeps_undefined,
        )  # fmt: skip

    def step_error(self, error: Exception, step: Step) -> NodeError:
        """Return the node error that an exception of a step becomes. Raise it where it is the host's own."""
        return as_node_error(error, self.host, step.name, step.type)

    def evaluate_here(self, prepared: PreparedStep, scope: Scope) -> list[list[Any]] | None:
        """Return the values of a step's expressions; None: they are to be computed in an activity, because of what they are or
        because they have hit a limit now.
        """
        if self.belongs_in_activity(prepared, scope):
            return None
        host = self.host
        try:
            return evaluate(prepared.expressions, scope, len(scope.items), host.evaluator, final=not host.replays)
        except ScriptLimit:
            self.move_to_activity(prepared)
            return None

    def match(self, source: str, flags: str, text: str, replacement: str | None) -> Any:
        """Match a text by a pattern that RE2 does not know. A step with such a pattern runs in an activity: ScriptNeeded.
        Histories of runs that began before that have no activity there.
        """
        if self.host.patched(PATTERNS_IN_ACTIVITY):
            raise ScriptNeeded
        return matcher(self.host.evaluator, FINAL_SECONDS, final=False, monotonic=lambda: 0.0)(
            source, flags, text, replacement
        )

    def move_to_activity(self, prepared: PreparedStep) -> None:
        """Run a step in activities from now on, in this run."""
        self._over_limit.add(prepared)

    def belongs_in_activity(self, prepared: PreparedStep, execute: Execute | Scope) -> bool:
        """Return whether a step must not run inside workflow code: its scripts are not linear or have hit a limit, or it moves too
        much at once. In a process where it holds up other runs, and no history, that is all that needs V8.
        """
        scripts, count = prepared.expressions, len(execute.items)
        if prepared in self._over_limit:
            return True
        if not self.host.replays:
            return scripts.slow > 0 and count > 0
        values = count * (1 + len(scripts.expressions))
        if not scripts.linear:
            return True
        return scripts.slow * count > MAX_SCRIPT_VALUES or values > MAX_VALUES
