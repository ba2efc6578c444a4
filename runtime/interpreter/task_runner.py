"""Carry out a task: rebuild the step from its JSON, give it a context that reaches the world, and run it."""

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from runtime.contract import Activity, Capabilities, Inline, NodeError, SubNode
from runtime.expressions import FINAL_SECONDS, ScriptEvaluator, evaluate_scripts, evaluate_snapshot, matcher
from runtime.interpreter.capabilities import NAMES, HostCapabilities, refuse
from runtime.interpreter.context import StepContext
from runtime.interpreter.failures import ExceptionPolicy, as_node_error
from runtime.interpreter.parameters import Bound, Parameters
from runtime.interpreter.task_codec import Open, decode, encode
from runtime.values.javascript import NullObject
from runtime.values.patterns import matching
from runtime.values.undefined import cells_without_undefined, marked, unmarked, without_undefined
from schemas.expression import Script
from schemas.item import Items, NoJson
from schemas.node import Catalog
from schemas.plan import Kind, OnError, Step
from schemas.task import Task, TaskResult

EVALUATE: Final = "evaluate expressions"
"""The method of a task that only evaluates scripts; no node has one of this name."""
T = TypeVar("T")


class StepHost(ExceptionPolicy, Protocol):
    """What a host lends to the steps that it carries out."""

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that may compute or wait for seconds, away from the event loop that others share."""

    def monotonic(self) -> float:
        """Return the seconds of a clock that only runs forward."""


class TaskContext(StepContext):
    """Implements `ActivityContext`."""

    error_output: bool
    task: Task
    kind: Kind
    capabilities: Capabilities
    host: StepHost
    turn: asyncio.Lock
    evaluator: ScriptEvaluator
    static_data: dict[str, Any]
    snapshot: Mapping[str, Any]
    logs: list[Any]
    usage: list[dict[str, Any]]
    undefined: bool
    """Whether members of the outputs may be undefined."""

    def keeps_undefined(self) -> bool:
        """Return True: the outcome is recorded."""
        self.undefined = True
        return True

    def __getattr__(self, name: str) -> Any:
        """A capability. Raises NodeError when the kind of step does not have it."""
        if name not in NAMES:
            raise AttributeError(name)
        refuse(self.kind, name, type(self.parameters.node).__name__)
        value = getattr(self.capabilities, name)
        setattr(self, name, value)
        return value

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that may compute or wait for seconds, on a thread."""
        return await self.host.on_thread(function, *args)

    async def run_javascript(
        self, code: str, *, mode: str, items: Items | None = None, continue_on_fail: bool = False
    ) -> Any:
        """Run a Code node's JavaScript; its static data and custom data are kept. Its items are JSON."""
        items = without_undefined(items)
        done = await self.code.run(
            "javascript", code, mode, items=items, continue_on_fail=continue_on_fail, helpers=self.capabilities
        )
        return self._absorb(done)

    async def run_python(
        self, code: str, *, mode: str, items: Items | None = None, continue_on_fail: bool = False
    ) -> Any:
        """Run a Code node's Python, likewise."""
        return self._absorb(await self.code.run("python", code, mode, items=items, continue_on_fail=continue_on_fail))

    def _absorb(self, done: Mapping[str, Any]) -> Any:
        if done.get("static_data") is not None:
            self.static_data.clear()
            self.static_data.update(done["static_data"])
        self.custom_data.update(done.get("custom_data") or {})
        self.logs += done.get("logs") or []
        return done.get("value")

    async def evaluate_paged(self, path: tuple[str | int, ...], i: int, paged: Mapping[str, Any]) -> Any:
        """The compiled expression at this parameter path, with $pageCount, $request and $response set."""
        step = Step.model_validate(self.task["step"])
        placed = next((each for each in step.expressions if each.at == path), None)
        if placed is None:
            return _dig(step.parameters, path)
        snapshot = dict(self.snapshot) | {"paged": dict(paged)}
        async with self.turn:  # one after the other, so that the requests of items keep their order
            values = await self.on_thread(evaluate_snapshot, [placed.expression], snapshot, i, self.evaluator)
        value = values[0]
        if isinstance(value, Exception):
            raise NodeError(getattr(value, "message", str(value)), item=i)
        return None if isinstance(value, NullObject) else value


def _dig(value: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _context(
    task: Task, step: Step, parameters: Parameters, capabilities: Capabilities, inputs: list[Items | None]
) -> TaskContext:
    meta = task["meta"]
    context = TaskContext(
        name=step.name, version=step.version, inputs=inputs, source=task["source"], run_index=task["run_index"],
        continue_on_fail=step.on_error.known_to_node, memory=copy.deepcopy(task["memory"]), now=meta["now"],
        timezone=meta["timezone"], seed=lambda: meta["seed"], mode=meta["mode"], workflow=meta["workflow"],
        execution_id=meta["execution_id"], connected_outputs=meta["connected_outputs"],
        parents=[(name, type_) for name, type_ in meta["parents"]], parameters=parameters,
        resume_url=meta.get("resume_url", ""),
    )  # fmt: skip
    context.task, context.kind, context.capabilities = task, step.kind, capabilities
    context.error_output = step.on_error is OnError.OUTPUT
    context.static_data = copy.deepcopy(task.get("static_data") or {})
    context.snapshot = task.get("snapshot") or {}
    context.custom_data, context.logs, context.usage = {}, [], []
    context.undefined = task.get("undefined", False)
    return context


async def run_task(
    task: Task, catalog: Catalog, capabilities: HostCapabilities, evaluator: ScriptEvaluator, host: StepHost
) -> TaskResult:
    """Run a task. An error of the node is part of the result; what `host` lets pass is raised."""
    try:
        return await _run_task(task, catalog, capabilities, evaluator, host)
    except Exception as error:  # noqa: BLE001 - before the node began, or of its result
        return {"error": _error(error, task, host)}


def _error(error: Exception, task: Task, policy: ExceptionPolicy) -> dict[str, Any]:
    return as_node_error(error, policy, task["step"].get("name", ""), task["step"].get("type", "")).to_json()


async def _run_task(
    task: Task, catalog: Catalog, capabilities: HostCapabilities, evaluator: ScriptEvaluator, host: StepHost
) -> TaskResult:
    step = Step.model_validate(task["step"])
    cls = catalog.find(step.type, step.version, step.parameters, step.subnodes)
    if cls is None:
        return {"error": NodeError(f"Unrecognized node type: {step.type}").to_json()}
    undefined = _Undefined(task, exact=cls.exact_values)
    columns, custom = (
        await host.on_thread(_columns, task, evaluator, undefined)
        if "scripts" in task
        else _columns(task, evaluator, undefined)
    )
    if task.get("method") == EVALUATE:
        found = {"undefined": True} if undefined.found else {}
        return {"columns": encode(columns, undefined=undefined.found), "custom_data": custom} | found  # type: ignore[return-value]
    parameters = Parameters(Bound(cls, step), columns, task.get("first_item", 0))
    context = _context(task, step, parameters, capabilities.for_task(task), undefined.read(task["inputs"]))
    context.undefined = undefined.found
    context.host, context.turn, context.evaluator = host, asyncio.Lock(), evaluator
    context.custom_data.update(custom)
    result: TaskResult = {}
    try:
        with matching(matcher(evaluator, FINAL_SECONDS, final=True, monotonic=host.monotonic)):
            if "method" in task:
                node = context.parameters.at(task.get("item", 0))
                result["value"] = await getattr(node, task["method"])(context, task["payload"])
            else:
                outputs = await _run(context, task)
                result["outputs"] = marked(outputs) if context.undefined else outputs
                if context.undefined:
                    result["undefined"] = True
    except Exception as error:  # noqa: BLE001 - what it changed and used until then is part of the result
        result["error"] = _error(error, task, host)
    if context.memory != task["memory"]:
        result["memory"] = context.memory
    if context.static_data != (task.get("static_data") or {}):
        result["static_data"] = context.static_data
    if context.custom_data:
        result["custom_data"] = context.custom_data
    if context.usage:
        result["usage"] = context.usage
    return result


class _Undefined:
    """What members that are undefined become in one task: they stay for classes with `exact_values`, and are gone for others."""

    def __init__(self, task: Task, *, exact: bool) -> None:
        self._marked = task.get("undefined", False)
        self._exact = exact
        self.found = self._marked and exact
        """Whether there may be any."""

    def read(self, value: Any) -> Any:
        """Return the inputs as the step reads them."""
        if not self._marked:
            return value
        return unmarked(value) if self._exact else without_undefined(unmarked(value))

    def cells(self, columns: Open) -> Open:
        """Return columns as the step reads them."""
        if not self._marked or self._exact:
            return columns
        return cells_without_undefined(columns)

    def keep(self) -> bool:
        """Return whether members of a script's value that are undefined stay."""
        self.found = self.found or self._exact
        return self._exact


def _columns(task: Task, evaluator: ScriptEvaluator, undefined: _Undefined) -> tuple[list[list[Any]], dict[str, str]]:
    """The task's columns, with those of its scripts evaluated now; and `$execution.customData` that a script set."""
    columns = undefined.cells(decode(task["columns"]))
    if "scripts" not in task:
        return [column or [] for column in columns], {}
    scripts = [Script.model_validate(each) for each in task["scripts"]]
    first = task.get("first_item", 0)
    made, custom = evaluate_scripts(
        scripts, task["script_data"], task["count"], evaluator, first=first, keep_undefined=undefined.keep
    )
    given = iter(made)
    return [next(given) if column is None else column for column in columns], custom or {}


def _require_json(outputs: Any) -> None:
    """Raise NodeError for an item without JSON: n8n looks for an error in it to choose the output, and the node fails on that.
    Here, because what leaves the task has an empty object in its place.
    """
    for items in outputs or ():
        if any(isinstance(item.get("json"), NoJson) and not item.get("error") for item in items or ()):
            raise NodeError("Cannot read properties of undefined (reading 'error')")


async def _run(context: TaskContext, task: Task) -> Any:
    node = context.parameters.node
    items: Items = next((each for each in context.inputs if each), [])
    if isinstance(node, Activity):
        outputs = await node.run(context, items)  # type: ignore[arg-type]  # read-only members are dataclass fields here
        if context.error_output:
            _require_json(outputs)
        return outputs
    if isinstance(node, Inline):
        return await context.on_thread(node.run, context, items)
    if isinstance(node, SubNode) and hasattr(node, "run_tool"):
        called = context.parameters.at(0)  # the input of a call is the one item that it is for
        return await called.run_tool(context, task.get("arguments") or {})
    raise NodeError(f"{type(node).__name__} is not a step that can be run by itself")
