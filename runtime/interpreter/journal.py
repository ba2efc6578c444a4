"""The journal of a run: what each node did, in the shape that status, history and metrics are made of."""

from typing import Any

from runtime.interpreter.execution import Execution
from schemas.item import NodeRun
from schemas.outcome import Finished
from schemas.run import Forgotten, Journal, RunResult, StepRecord


def journal(execution: Execution, finished: Finished | None = None) -> Journal:
    """The journal so far; with `finished`, the whole of it."""
    engine = execution.engine
    steps = [_record(*entry, run=engine.runs[entry[0]][entry[1]]) for entry in engine.order]
    status = finished.status if finished else ("waiting" if (execution.active or {}).get("waiting") else "running")
    return Journal(
        status=status,
        steps=steps,
        active=execution.active if finished is None else None,
        last_node=engine.last,
        error=_error(finished.error if finished else None),
        usage=execution.usage,
        forgotten={name: Forgotten(**each) for name, each in engine.forgotten.items()},
    )


def _record(name: str, run_index: int, place: int | None = None, *, run: NodeRun) -> StepRecord:
    return StepRecord(
        node=name,
        run=run_index,
        status=run.get("status", "success"),
        started=run.get("started", 0.0),
        finished=run.get("finished"),
        tries=run.get("tries", 1),
        items_in=run.get("inputs", []),
        items_out=[len(items or ()) for items in run["outputs"]],
        error=run.get("error"),
        place=place,
    )


def _error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if error is None else {key: value for key, value in error.items() if key != "stack"}


def result(execution: Execution, finished: Finished, before: dict[str, Any]) -> RunResult:
    """What the run leaves. `before` is the static data that it began with."""
    return RunResult(
        journal=journal(execution, finished),
        outputs=execution.result() if finished.status == "success" else [],
        static_data=execution.static_data if execution.static_data != before else None,
        custom_data=execution.custom_data,
    )
