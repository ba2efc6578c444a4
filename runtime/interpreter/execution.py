"""One execution: the engine's decisions, carried out step by step through a host.

This is the whole interpreter. It runs unchanged inside a Temporal workflow and in process: everything that depends on the
world goes through `Host`, and everything else is a function of the plan, the items and what the host answered.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from runtime.contract import (
    AwaitSignal,
    Call,
    Command,
    Done,
    Durable,
    Event,
    Inline,
    NodeError,
    Respond,
    RunTool,
    Sleep,
    StartChild,
    Trigger,
)
from runtime.engine.machine import Engine
from runtime.engine.pairing import PairingError
from runtime.engine.start_node import start_step
from runtime.expressions import ScriptEvaluator, evaluate, prepare, snapshot, split
from runtime.expressions.scope import ExpressionError, Scope
from runtime.interpreter.context import StepContext
from runtime.interpreter.parallel_waits import Overlapping
from runtime.interpreter.parameters import Bound, Parameters
from runtime.interpreter.task_codec import decode, encode
from runtime.interpreter.task_runner import EVALUATE
from schemas.item import UNDEFINED, Items, Outputs
from schemas.kinds import Mode
from schemas.node import Catalog, Node, declarations
from schemas.outcome import Delay, Execute, Finished, Idle, Outcome
from schemas.plan import Kind, OnError, Plan, Step
from schemas.plan_facts import FACTS, with_facts
from schemas.resume_link import WAITING, WAITING_FORM, link
from schemas.task import Task, TaskResult

MOST_CELLS: Final = 20_000
"""Script values that are computed in one go inside workflow code, far below a second of V8."""
MOST_VALUES: Final = 100_000
"""Items and values of expressions that one step may move inside workflow code: about half a second of Python."""


class Host(Protocol):
    """What carries an execution: Temporal in production, in-process in tests and for transient templates."""

    replays: bool
    """Whether this code runs again on the recorded history: then nothing here may depend on how long it takes."""
    evaluator: ScriptEvaluator
    """What the scripts of expressions run on."""

    def now(self) -> float:
        """Milliseconds since the epoch; the same on replay."""

    def seed(self) -> int:
        """A random seed; the same on replay."""

    async def work(self, task: Task, kind: Kind) -> TaskResult:
        """Run a task as an activity (or local activity). A node's error comes back as `error`."""

    async def sleep(self, seconds: float) -> None:
        """A durable timer."""

    async def signal(self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None) -> Any:
        """Wait for somebody to resume this step. None when its time is up. `ordinal`: of the wait, where it was given before."""

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Run another workflow: {'status', 'outputs', 'error', 'execution_id'}."""

    def respond(self, response: Mapping[str, Any]) -> None:
        """Answer the webhook request that started the run; the first answer counts."""

    async def boundary(self, execution: "Execution", step: str) -> None:
        """A step is over and its outcome is in the engine's state: time to yield, to tell whoever watches, to continue
        as new.
        """


@dataclass
class RunInfo:
    """What is known about a run from outside."""

    tenant: str = ""
    execution_id: str = ""
    mode: str = "trigger"
    variables: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    """Where the API is reached from outside."""
    resume_secret: str = ""
    waits: int = 0
    """How many waits for a call are over: the ordinal of the next one."""
    pinned: bool = False
    static_data: dict[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] | None = None
    _links: dict[tuple[str, int], str] = field(default_factory=dict, repr=False)

    @property
    def resume_url(self) -> str:
        """The address that resumes the next wait for a call."""
        return self._link(WAITING)

    @property
    def resume_form_url(self) -> str:
        """The address of the form of the next wait for a form."""
        return self._link(WAITING_FORM)

    def bound_link(self, query: str) -> str:
        """The address that resumes the next wait with this query, and with no other."""
        return link(self.base_url, WAITING, self.execution_id, self.resume_secret, self.waits, query)

    def _link(self, kind: str) -> str:
        """Made once per wait: every step asks for it."""
        if not self.resume_secret:
            return ""
        if (kind, self.waits) not in self._links:
            made = link(self.base_url, kind, self.execution_id, self.resume_secret, self.waits)
            self._links = {
                **{key: each for key, each in self._links.items() if key[1] == self.waits},
                (kind, self.waits): made,
            }
        return self._links[kind, self.waits]


class Prepared:
    """What can be said of a step once for all its runs."""

    def __init__(self, step: Step, cls: type[Node], parents: list[tuple[str, str]]) -> None:
        self.cls, self.bound, self.parents = cls, Bound(cls, step), parents
        self.expressions = prepare(each.expression for each in step.expressions)
        self.connected_outputs = max((edge.output + 1 for edge in step.edges), default=0)
        self.continue_on_fail = step.on_error is not OnError.STOP
        self.inline = step.kind is Kind.INLINE or (step.trigger is not None and step.trigger != "poll")
        self.has_program = any(declared.info.code for declared in declarations(cls).values())
        """It runs its author's code: whatever that is, it sees the input."""


class Execution:
    """Drives one run of a plan."""

    def __init__(
        self, plan: Plan, catalog: Catalog, host: Host, info: RunInfo, *, state: dict[str, Any] | None = None
    ) -> None:
        self.plan, self.catalog, self.host, self.info = with_facts(plan, catalog), catalog, host, info
        self.engine = Engine(self.plan, state=state, pinned=info.pinned)
        self.engine.keeps_all = info.mode == Mode.INTEGRATED and self._returns_all_runs()
        self.static_data = info.static_data
        self.custom_data: dict[str, str] = {}
        self.usage: list[dict[str, Any]] = []
        self.active: dict[str, Any] | None = None
        """The step that works or waits, for whoever looks; not one that was set aside."""
        self.reasons: dict[tuple[str, int], dict[str, Any]] = {}
        """What steps wait for, by node and run."""
        self._workflow = {"id": plan.workflow_id, "name": plan.name, "active": plan.active}
        self._prepared: dict[str, Prepared] = {}

    def start(self, node: str, items: Items) -> None:
        """Choose where the run begins."""
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
            cls = self.catalog.find(step.type, step.version) if step.trigger == "workflow" else None
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
        """Step by step to the end."""
        waits = Overlapping(self)
        try:
            while True:
                await waits.settle()
                decided = self.engine.next(self.host.now())
                if isinstance(decided, Finished):
                    return decided
                if isinstance(decided, Idle):
                    await waits.next()
                    continue
                if isinstance(decided, Execute):
                    if waits.takes(decided):
                        continue
                    await self.carry_out(decided)
                    decided = decided.step
                await self.host.boundary(self, decided.name)
        finally:
            waits.cancel()

    async def carry_out(self, execute: Execute) -> None:
        """Try the step until it is settled."""
        while True:
            outcome = self._at_once(execute) or await self.attempt(execute)
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

    def _at_once(self, execute: Execute) -> Outcome | None:
        """A try that needs nobody else: most steps are such, so this way is kept short. None: not this one."""
        known = self._prepared.get(execute.step.name)
        if known is None or not known.inline or self._elsewhere(known, execute):
            return None
        now = self.host.now()
        try:
            columns: Sequence[Sequence[Any]] = ()
            if known.expressions.expressions:
                scope = self.scope(execute, now=now)
                columns = evaluate(
                    known.expressions, scope, len(scope.items), self.host.evaluator, final=not self.host.replays
                )
            outputs, error = (
                _inline(known, self._context(execute, known, Parameters(known.bound, columns), now), execute),
                None,
            )
        except NodeError as failed:
            outputs, error = None, failed.to_json()
        return Outcome(outputs=outputs, error=error, started=now, finished=self.host.now())

    async def attempt(self, execute: Execute, *, aside: bool = False) -> Outcome:
        """One try that may need others; `aside`: it is not the step that whoever looks is told of."""
        started = self.host.now()
        step = execute.step
        if not aside:
            self.active = {"node": step.name, "run": execute.run_index, "attempt": execute.attempt, "started": started}
        try:
            known = self.known(step)
            if known.inline and (outcome := self._at_once(execute)) is not None:
                return outcome
            outputs, error = await self._run(execute, known, started), None
        except NodeError as failed:
            outputs, error = None, failed.to_json()
        finally:
            self.reasons.pop((step.name, execute.run_index), None)
            if not aside:
                self.active = None
        return Outcome(outputs=outputs, error=error, started=started, finished=self.host.now())

    async def _run(self, execute: Execute, known: Prepared, now: float) -> Outputs | None:
        step = execute.step
        scope = self.scope(execute, now=now)
        if step.kind in (Kind.ACTIVITY, Kind.LOCAL):
            return await self._activity(execute, scope, step.kind)
        if known.inline:  # its scripts are not for workflow code
            return await self._activity(execute, scope, Kind.LOCAL)
        columns = await self._columns(execute, known, scope)
        context = self._context(execute, known, Parameters(known.bound, columns), now)
        if step.kind is Kind.DURABLE:
            return await self._durable(known.cls, context, execute)
        raise NodeError(f"{known.cls.__name__} is not a step that can be run by itself")

    def known(self, step: Step) -> Prepared:
        """What is prepared of a step. Raises NodeError when it cannot run at all."""
        known = self._prepared.get(step.name)
        if known is not None:
            return known
        if step.kind is Kind.UNSUPPORTED:
            raise NodeError(step.problem or f"Node type {step.type} version {step.version:g} is not supported")
        cls = self.catalog.find(step.type, step.version)
        if cls is None:
            raise NodeError(f"Unrecognized node type: {step.type}")
        where = self.plan.step
        parents = [(name, where[name].type) for name in self.engine.graph.ancestors(step.name) if name in where]
        known = self._prepared[step.name] = Prepared(step, cls, parents)
        return known

    # --- what a step sees --------------------------------------------------------------------------------------------

    def scope(self, execute: Execute, step: Step | None = None, *, now: float | None = None) -> Scope:
        """The step's surroundings for its expressions; with `step`, those of one of its sub-nodes."""

        def pair(name: str, i: int) -> Any:
            try:
                found = self.engine.paired(execute, name, i)
            except PairingError as error:
                raise ExpressionError(error.message, description=error.description, item=i) from None
            return UNDEFINED if found is None else found

        info = self._info(execute)
        return Scope(
            plan=self.plan, step=step or execute.step, items=execute.items, inputs=execute.whole, source=execute.source,
            run_index=execute.run_index, runs=self.engine.runs, memory=self.engine.memory,
            now=self.host.now() if now is None else now,
            seed=self.host.seed(), mode=self.info.mode, execution_id=self.info.execution_id,
            resume_url=info.resume_url, resume_form_url=info.resume_form_url, variables=self.info.variables,
            custom_data=self.custom_data, static_data=self.static_data, arguments=self.info.arguments, pair=pair,
            root=execute.step if step else None,
        )  # fmt: skip

    def _info(self, execute: Execute) -> RunInfo:
        """With the links of the wait that the step is, where it has its own."""
        return self.info if execute.ordinal is None else replace(self.info, waits=execute.ordinal)

    def _context(self, execute: Execute, known: Prepared, parameters: Parameters, now: float) -> StepContext:
        step, info = execute.step, self._info(execute)
        return StepContext(
            name=step.name, version=step.version, inputs=execute.inputs, source=execute.source,
            run_index=execute.run_index, continue_on_fail=known.continue_on_fail,
            memory=self.engine.memory.setdefault(step.name, {}), now=now,
            timezone=self.plan.settings.timezone, seed=self.host.seed, mode=self.info.mode,
            workflow=self._workflow, execution_id=self.info.execution_id,
            connected_outputs=known.connected_outputs, parents=known.parents, parameters=parameters,
            resume_url=info.resume_url, custom_data=self.custom_data, info=info,
        )  # fmt: skip

    # --- activities --------------------------------------------------------------------------------------------------

    def _elsewhere(self, known: Prepared, execute: Execute | Scope) -> bool:
        """Whether the step must not run inside workflow code: its scripts are not linear, or it is too much at once."""
        if not self.host.replays:
            return False
        scripts, count = known.expressions, len(execute.items)
        values = count * (1 + len(scripts.expressions))
        return not scripts.linear or scripts.slow * count > MOST_CELLS or values > MOST_VALUES

    async def _columns(self, execute: Execute, known: Prepared, scope: Scope) -> Sequence[Sequence[Any]]:
        """The values of a step's expressions, from a recorded local activity where they must not be computed here."""
        step = execute.step
        if not self._elsewhere(known, scope):
            return evaluate(
                known.expressions, scope, len(scope.items), self.host.evaluator, final=not self.host.replays
            )
        task = self.task(execute, scope, step)
        task["method"] = EVALUATE
        result = await self.host.work(task, Kind.LOCAL)
        self._absorb(step.name, result)
        return [column or [] for column in decode(result["columns"])]

    async def _activity(self, execute: Execute, scope: Scope, kind: Kind) -> Outputs | None:
        task = self.task(execute, scope)
        result = await self.host.work(task, kind)
        self._absorb(execute.step.name, result)
        return result.get("outputs")

    def task(self, execute: Execute, scope: Scope, step: Step | None = None) -> Task:
        """One try of a step (or of its sub-node `step`) as a task for a worker."""
        step = step or execute.step
        known, root = self.known(step), self.known(execute.step)
        task: Task = {
            "step": step.model_dump(mode="json", exclude=FACTS),  # so that histories of plans without facts replay
            "inputs": execute.inputs,
            "source": execute.source,
            "run_index": execute.run_index,
            "columns": [],
            "snapshot": snapshot(scope, step.reads) if _reads_data(step) or known.has_program else None,
            "memory": self.engine.memory.setdefault(step.name, {}),
            "static_data": self.static_data,
            "meta": {
                "tenant": self.info.tenant,
                "execution_id": self.info.execution_id,
                "workflow": self._workflow,
                "timezone": self.plan.settings.timezone,
                "mode": self.info.mode,
                "now": scope.now,
                "seed": scope.seed,
                "connected_outputs": known.connected_outputs,
                "parents": root.parents,
                "resume_url": self._info(execute).resume_url,
            },
            "attempt": execute.attempt,
        }
        self._fill(task, known, scope)
        return task

    def _fill(self, task: Task, known: Prepared, scope: Scope) -> None:
        """Put the values of the step's expressions into the task, or its scripts where they are to run in the activity."""
        count = len(scope.items)
        if not self._elsewhere(known, scope):
            task["columns"] = encode(
                evaluate(known.expressions, scope, count, self.host.evaluator, final=not self.host.replays)
            )
            return
        columns, data = split(known.expressions, scope, count)
        task["columns"] = encode(columns)
        if data is not None:
            pairs = zip(known.expressions.expressions, columns, strict=True)
            task["scripts"] = [each.model_dump(mode="json") for each, column in pairs if column is None]
            task["script_data"], task["count"] = data, count

    def _absorb(self, name: str, result: TaskResult) -> None:
        """Take what a task changed beside its outputs, then raise its error if it had one."""
        if result.get("memory"):
            self.engine.memory[name] = result["memory"]
        if "static_data" in result:
            self.static_data.clear()
            self.static_data.update(result["static_data"])
        self.custom_data.update(result.get("custom_data") or {})
        self.usage += result.get("usage") or []
        if (error := result.get("error")) is not None:
            raise NodeError.from_json(error)

    # --- durable steps -----------------------------------------------------------------------------------------------

    async def _durable(self, cls: type[Node], context: StepContext, execute: Execute) -> Outputs | None:
        node = context.parameters.node
        assert isinstance(node, Durable)
        view = _DurableView(self, context, execute)
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
                        self.host.respond(command.response)
                    else:
                        open_.append(asyncio.create_task(self._answer(execute, index, command, events)))
                if answered == len(open_):
                    raise NodeError(f"{cls.__name__} waits for nothing")
                event = await events.get()
                if isinstance(event, Exception):
                    raise event
                answered += 1
                state, commands = node.advance(view, state, event)
        finally:
            for task in open_:
                task.cancel()

    async def _answer(
        self, execute: Execute, index: int, command: Command, events: "asyncio.Queue[Event | Exception]"
    ) -> None:
        """Carry out one command and queue its event. A queue and not `asyncio.wait`: its order is the same on replay."""
        try:
            event = Event(index, await self._carry_out(execute, command))
        except NodeError as error:
            event = Event(index, error=error.to_json())
        except Exception as fault:  # noqa: BLE001 - a fault of the host ends the run; kept to itself it would hang it
            events.put_nowait(fault)
            return
        events.put_nowait(event)

    async def _carry_out(self, execute: Execute, command: Command) -> Any:
        where, reason = (execute.step.name, execute.run_index), self._reason(command)
        if reason is not None:
            self.reasons[where] = reason
        if self.active is not None and (self.active["node"], self.active["run"]) == where:
            self.active["waiting"] = isinstance(command, Sleep | AwaitSignal)
            self.active["reason"] = reason
        match command:
            case Sleep():
                return await self.host.sleep(self._seconds(command))
            case AwaitSignal():
                return await self.host.signal(execute.step.name, execute.run_index, command, execute.ordinal)
            case StartChild():
                return await self.host.child(execute.step.name, command)
            case Call():
                return await self._call(execute, command)
            case RunTool():
                return await self._tool(execute, command)
        raise NodeError(f"{type(command).__name__} cannot be carried out")

    def _reason(self, command: Command) -> dict[str, Any] | None:
        """What a step waits for, for whoever looks: {for: time, call, form or workflow, until?, workflow?}."""
        match command:
            case Sleep():
                return {"for": "time", "until": self.host.now() + 1000 * self._seconds(command)}
            case AwaitSignal():
                return {"for": "form" if command.name == "form" else "call", "until": command.until}
            case StartChild(wait=True):
                return {"for": "workflow", "workflow": command.workflow.get("id") or command.workflow.get("name")}
        return None

    def _seconds(self, command: Sleep) -> float:
        if command.until is not None:
            return max(0.0, (command.until - self.host.now()) / 1000)
        return command.seconds or 0.0

    async def _call(self, execute: Execute, command: Call) -> Any:
        step = self.plan.step[command.step] if command.step else execute.step
        scope = self.scope(execute, None if step is execute.step else step)
        task = self.task(execute, scope, step)
        task["method"], task["payload"], task["item"] = command.method, command.payload, command.item
        result = await self.host.work(task, Kind.ACTIVITY)
        self._absorb(step.name, result)
        return result.get("value")

    async def _tool(self, execute: Execute, command: RunTool) -> Any:
        step, i = self.plan.step[command.step], command.item
        scope = self.scope(execute, step)
        pair = scope.pair
        one = [execute.items[i]]
        scope = replace(scope, arguments=command.arguments, items=one, pair=pair and (lambda name, _: pair(name, i)))
        task = self.task(execute, scope, step)
        task["inputs"], task["arguments"], task["item"] = [one], dict(command.arguments), i
        task["call"] = command.id
        result = await self.host.work(task, Kind.ACTIVITY)
        self._absorb(step.name, result)
        return result.get("outputs")


class _DurableView:
    """Implements `DurableContext`: a step's context plus its items and sub-nodes."""

    def __init__(self, execution: Execution, context: StepContext, execute: Execute) -> None:
        self._execution, self._context, self._execute = execution, context, execute
        self._parameters: dict[str, Parameters] = {}
        cut = [items for items in execute.inputs if items]
        self.items: Items = cut[0] if cut else []
        self.agent = execute.step.agent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def raw(self, name: str) -> Mapping[str, Any]:
        """Parameters of a sub-node as written."""
        return self._execution.plan.step[name].parameters

    def subnodes(self, connection: str, of: str | None = None) -> Sequence[str]:
        """Names of the enabled sub-nodes on this connection type."""
        step = self._execution.plan.step[of] if of else self._execute.step
        return step.subnodes.get(connection, ())

    def subnode(self, name: str, i: int, arguments: Mapping[str, Any] | None = None) -> tuple[Node, float]:
        """A sub-node with its parameters resolved against the root's input item `i`."""
        step = self._execution.plan.step[name]
        if arguments is not None:
            return self._resolved(name, arguments).at(i), step.version
        if name not in self._parameters:
            self._parameters[name] = self._resolved(name)
        return self._parameters[name].at(i), step.version

    def _resolved(self, name: str, arguments: Mapping[str, Any] | None = None) -> Parameters:
        step = self._execution.plan.step[name]
        known = self._execution.known(step)
        scope = replace(self._execution.scope(self._execute, step), arguments=arguments)
        evaluator = self._execution.host.evaluator
        return Parameters(known.bound, evaluate(known.expressions, scope, len(scope.items), evaluator))


def _inline(known: Prepared, context: StepContext, execute: Execute) -> Outputs | None:
    node = context.parameters.node
    if not isinstance(node, Inline):
        raise NodeError(f"{known.cls.__name__} does not run inline")
    items = next((each for each in execute.inputs if each), [])
    return node.run(context, items)  # type: ignore[arg-type]  # see perform


def _at(outputs: Outputs, index: int) -> Items:
    return (outputs[index] or []) if index < len(outputs) else []


def _reads_data(step: Step) -> bool:
    return step.kind in (Kind.LOCAL, Kind.ACTIVITY) and (step.reads != () or _turns_pages(step))


def _turns_pages(step: Step) -> bool:
    """True when an expression sees a response, so that it is evaluated again for each page, inside the activity."""
    return any(each.at[:2] == ("options", "pagination") for each in step.expressions)
