"""What the steps of a run had before them and gave out, cut down to what a history shows."""

import json
from collections.abc import Sequence
from typing import Any, Final

from runtime.engine.machine import Engine
from runtime.engine.node_runs import ForgottenRunError
from runtime.interpreter.journal import page_entries
from runtime.values.undefined import without_undefined
from schemas.item import Items, NodeRun
from schemas.run import JournalPage

__all__ = ["previews", "said"]

MAX_PREVIEW_CHARACTERS: Final = 500
"""Characters of JSON that are shown of an item; a longer one is shown as the beginning of its text."""
MAX_PREVIEWS: Final = 1_000
"""Steps of one answer: the last ones."""


def previews(engine: Engine, page: JournalPage | None = None) -> dict[str, dict[str, list[Any]]]:
    """`node#run` -> {input, output}: per input and output the json of its first item, None where there was none. Of the
    steps of a page, or of the last ones.
    """
    order = engine.order[-MAX_PREVIEWS:] if page is None else page_entries(engine, page)
    return {
        f"{name}#{run}": {"input": _inputs(engine, engine.runs[name][run]), "output": _outputs(engine.runs[name][run])}
        for name, run, *_ in order
    }


def said(engine: Engine) -> list[dict[str, Any]]:
    """The answers of agents that are done, in order: {node, id, run, at, texts}."""
    found = []
    for name, index, *_ in engine.order:
        step, run = engine.plan.step[name], engine.runs[name][index]
        if step.speaks and not run.get("failed") and run["outputs"]:
            texts = without_undefined([item["json"].get("output") for item in run["outputs"][0] or ()])
            found.append({"node": name, "id": step.id, "run": index, "at": run.get("finished"), "texts": texts})
    return found


def _outputs(run: NodeRun) -> list[Any]:
    return [_first(items) for items in run["outputs"]]


def _inputs(engine: Engine, run: NodeRun) -> list[Any]:
    shown = []
    for source in run["source"]:
        before: Sequence[NodeRun] = engine.runs.get(source["previousNode"], ()) if source is not None else ()
        index = source.get("previousNodeRun", 0) if source is not None else 0
        output = source.get("previousNodeOutput", 0) if source is not None else 0
        try:
            outputs = before[index]["outputs"] if index < len(before) else []
        except ForgottenRunError:
            outputs = []
        shown.append(_first(outputs[output]) if output < len(outputs) else None)
    return shown


def _first(items: Items | None) -> Any:
    if not items:
        return None
    value = without_undefined(items[0]["json"])
    text = json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= MAX_PREVIEW_CHARACTERS else text[:MAX_PREVIEW_CHARACTERS] + "…"
