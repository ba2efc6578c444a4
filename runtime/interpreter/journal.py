"""The journal of a run: what each node did, in the shape that status, history and metrics are made of."""

import json
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from runtime.contract import NodeError
from runtime.engine.machine import Engine
from runtime.interpreter.border import MESSAGE_CHARACTERS, failure_message, hand_out, hand_out_items
from runtime.interpreter.execution import Execution
from runtime.interpreter.usage import shortened
from schemas.item import NodeRun
from schemas.outcome import Finished
from schemas.run import Forgotten, Journal, JournalPage, RunResult, StepRecord, Totals


def journal(execution: Execution, finished: Finished | None = None, page: JournalPage | None = None) -> Journal:
    """The journal so far; with `finished`, the whole of it. With `page`, only those steps, and the latest usage."""
    engine = execution.engine
    entries = engine.order if page is None else page_entries(engine, page)
    steps = [_record(*entry, run=engine.runs[entry[0]][entry[1]], brief=page is not None) for entry in entries]
    status = finished.status if finished else ("waiting" if (execution.active or {}).get("waiting") else "running")
    return Journal(
        status=status,
        steps=steps,
        active=execution.active if finished is None else None,
        last_node=engine.last,
        error=_error(finished.error if finished else None),
        usage=execution.usage if page is None else execution.usage[-page.limit :],
        forgotten={name: Forgotten(**each) for name, each in engine.forgetting.totals.items()},
        totals=None if page is None else _totals(engine, entries),
    )


def within_limits(execution: Execution, finished: Finished) -> Finished:
    """Return the end of a run; an error instead of a success whose result cannot be handed out."""
    limit = execution.info.payload_limit
    if finished.status != "success" or limit is None:
        return finished
    try:
        hand_out_items(execution.result(), "The result of the run", limit)
        hand_out(execution.static_data, "The static data of the workflow", limit)
    except NodeError as refused:
        return Finished("error", finished.last_node, refused.to_json() | {"node": finished.last_node})
    return finished


def page_of(whole: Journal, page: JournalPage) -> Journal:
    """Return a page of the journal of a run that has ended."""
    after = whole.since(page.since)
    placed = after[: page.limit]
    totals = Totals(
        steps=whole.count, failed=whole.failed, next=placed[-1][0] + 1 if placed and len(after) > len(placed) else None
    )
    steps = [step.model_copy(update={"place": place, "error": _brief(step.error)}) for place, step in placed]
    return whole.model_copy(update={"steps": steps, "usage": whole.usage[-page.limit :], "totals": totals})


def page_entries(engine: Engine, page: JournalPage) -> list[list[Any]]:
    """Return the entries of the engine's order that a page has, each with its place."""
    order = engine.order
    begin = bisect_left(range(len(order)), page.since, key=lambda i: _place(order[i], i))
    return [[*order[i][:2], _place(order[i], i)] for i in range(begin, min(len(order), begin + page.limit))]


def _place(entry: list[Any], index: int) -> int:
    return entry[2] if len(entry) > 2 else index


def _totals(engine: Engine, entries: Sequence[list[Any]]) -> Totals:
    forgotten = engine.forgetting.totals.values()
    failed = sum(engine.runs[name][run].get("status") == "error" for name, run, *_ in engine.order)
    last = _place(engine.order[-1], len(engine.order) - 1) if engine.order else -1
    following = entries[-1][2] + 1 if entries else None
    return Totals(
        steps=len(engine.order) + sum(each["runs"] for each in forgotten),
        failed=failed + sum(each["errors"] for each in forgotten),
        next=following if following is not None and following <= last else None,
    )


def _record(name: str, run_index: int, place: int | None = None, *, run: NodeRun, brief: bool = False) -> StepRecord:
    error = run.get("error")
    return StepRecord(
        node=name,
        run=run_index,
        status=run.get("status", "success"),
        started=run.get("started", 0.0),
        finished=run.get("finished"),
        tries=run.get("tries", 1),
        items_in=run.get("inputs", []),
        items_out=[len(items or ()) for items in run["outputs"]],
        error=_brief(error) if brief else error,
        place=place,
    )


def _brief(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an error with its long texts cut, for a page that has many of them."""
    if error is None:
        return None
    return {name: _brief_value(value) for name, value in error.items()}


def _brief_value(value: Any) -> Any:
    if isinstance(value, str):
        return failure_message(value)
    text = json.dumps(value, default=str) if isinstance(value, dict | list) else ""
    return value if len(text) <= MESSAGE_CHARACTERS else failure_message(text)


def _error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if error is None else {key: value for key, value in error.items() if key != "stack"}


def result_bytes(done: RunResult, limit: int | None) -> bytes:
    """Return the result of a run as JSON. A journal that makes it too large has only its last steps, and errors in brief; the
    response to a webhook, which its caller has got, is left out where it is too large beside the outputs.
    """
    data = hand_out(done, "The result of the run", None)
    if limit is None or len(data) <= limit:
        return data
    whole, most = done.journal, JournalPage().limit
    since = next((place for place, _ in whole.since(0)[-most:]), 0)
    told = {"error": _brief(whole.error), "usage": shortened(whole.usage, most)}
    brief = page_of(whole, JournalPage(since=since)).model_copy(update=told)
    data = hand_out(done.model_copy(update={"journal": brief}), "The result of the run", None)
    if done.response is None or len(data) <= limit:
        return data
    return hand_out(done.model_copy(update={"journal": brief, "response": None}), "The result of the run", None)


def result(execution: Execution, finished: Finished, before: dict[str, Any]) -> RunResult:
    """What the run leaves. `before` is the static data that it began with."""
    return RunResult(
        journal=journal(execution, finished),
        outputs=execution.result() if finished.status == "success" else [],
        static_data=execution.static_data if execution.static_data != before else None,
        custom_data=execution.custom_data,
    )
