"""Steps as tasks for a worker: what goes into a task, and what comes back."""

from collections.abc import Sequence
from typing import Any

from runtime.contract import NodeError
from runtime.expressions import snapshot, split
from runtime.expressions.scope import Scope
from runtime.interpreter.prepared_step import PreparedStep
from runtime.interpreter.run_state import RunState
from runtime.interpreter.task_codec import decode, encode
from runtime.interpreter.task_runner import EVALUATE
from runtime.interpreter.usage import add_usage
from runtime.values.undefined import marked, unmarked
from schemas.item import Items, Outputs
from schemas.outcome import Execute
from schemas.plan import Kind, Step
from schemas.plan_facts import FACTS
from schemas.task import Task, TaskResult

__all__ = ["absorb", "build_task", "columns", "cut_to_item", "run_activity"]


async def columns(run: RunState, execute: Execute, prepared: PreparedStep, scope: Scope) -> Sequence[Sequence[Any]]:
    """Return the values of a step's expressions, from a recorded local activity where they must not be computed here."""
    step, values = execute.step, run.evaluate_here(prepared, scope)
    if values is not None:
        return values
    task = build_task(run, execute, scope, step)
    task["method"] = EVALUATE
    result = await run.host.work(task, Kind.LOCAL)
    absorb(run, step.name, result)
    return [column or [] for column in decode(result["columns"])]  # `absorb` has noted whether members are undefined


async def run_activity(run: RunState, execute: Execute, scope: Scope, kind: Kind) -> Outputs | None:
    """Run a step as an activity, or as a local one, and return its outputs. Raises NodeError."""
    task = build_task(run, execute, scope)
    result = await run.host.work(task, kind)
    absorb(run, execute.step.name, result)
    return unmarked(result.get("outputs")) if result.get("undefined") else result.get("outputs")


def build_task(run: RunState, execute: Execute, scope: Scope, step: Step | None = None) -> Task:
    """Return one try of a step (or of its sub-node `step`) as a task for a worker."""
    step = step or execute.step
    prepared, root = run.prepared(step), run.prepared(execute.step)
    task: Task = {
        "step": step.model_dump(mode="json", exclude=FACTS),  # so that histories of plans without facts replay
        "inputs": marked(execute.inputs) if run.undefined else execute.inputs,
        "source": execute.source,
        "run_index": execute.run_index,
        "columns": [],
        "snapshot": snapshot(scope, step.reads) if _reads_data(step) or prepared.has_program else None,
        "memory": run.engine.memory.setdefault(step.name, {}),
        "static_data": run.static_data,
        "meta": {
            "tenant": run.info.tenant,
            "execution_id": run.info.execution_id,
            "workflow": run.workflow,
            "timezone": run.plan.settings.timezone,
            "mode": run.info.mode,
            "now": scope.now,
            "seed": scope.seed,
            "connected_outputs": prepared.connected_outputs,
            "parents": root.parents,
            "resume_url": run.info_of(execute).resume_url,
        },
        "attempt": execute.attempt,
    }
    if run.info.payload_limit is not None:  # so that histories of runs without it replay
        task["meta"]["payload_limit"] = run.info.payload_limit
    _fill(run, task, prepared, scope)
    if run.undefined:
        task["undefined"] = True
    return task


def _fill(run: RunState, task: Task, prepared: PreparedStep, scope: Scope) -> None:
    """Put the values of the step's expressions into the task, or its scripts where they are to run in the activity."""
    count, values = len(scope.items), run.evaluate_here(prepared, scope)
    if values is not None:
        task["columns"] = encode(values, undefined=scope.undefined)
        return
    columns, data = split(prepared.expressions, scope, count)
    task["columns"] = encode(columns, undefined=scope.undefined)
    if data is not None:
        pairs = zip(prepared.expressions.expressions, columns, strict=True)
        task["scripts"] = [each.model_dump(mode="json") for each, column in pairs if column is None]
        task["script_data"], task["count"] = data, count


def cut_to_item(task: Task, items: Items, item: int) -> None:
    """Leave in a task only what the method of one item reads: that item, and the cells of its columns."""
    task["inputs"] = [items[item : item + 1]]
    task["columns"] = [None if column is None else column[item : item + 1] for column in task["columns"]]
    task["first_item"] = item
    if "count" in task:
        task["count"] = len(task["inputs"][0] or ())


def absorb(run: RunState, name: str, result: TaskResult) -> None:
    """Take over what a task changed in addition to its outputs. Raises the task's NodeError if it has one."""
    run.undefined = run.undefined or result.get("undefined", False)
    if result.get("memory"):
        run.engine.memory[name] = result["memory"]
    if "static_data" in result:
        run.static_data.clear()
        run.static_data.update(result["static_data"])
    run.custom_data.update(result.get("custom_data") or {})
    add_usage(run.usage, result.get("usage") or [])
    if (error := result.get("error")) is not None:
        raise NodeError.from_json(error)


def _reads_data(step: Step) -> bool:
    return step.kind in (Kind.LOCAL, Kind.ACTIVITY) and (step.reads != () or _turns_pages(step))


def _turns_pages(step: Step) -> bool:
    """True when an expression sees a response, so that it is evaluated again for each page, inside the activity."""
    return any(each.at[:2] == ("options", "pagination") for each in step.expressions)
