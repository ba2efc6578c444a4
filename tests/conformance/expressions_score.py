"""Recorded expressions: a file of records over one workflow, run through the interpreter; and single evaluations."""

import asyncio
import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.testing.case import as_item, plan_of
from compiler.expressions import compile_expression
from runtime.catalog import CATALOG
from runtime.expressions import evaluate
from runtime.expressions.scope import ExpressionError, Scope
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from runtime.values.javascript import BigInt, NullObject
from schemas.item import UNDEFINED
from schemas.plan import Kind, Plan, Settings, Step
from tests.conformance.equality import same_value
from tests.unit.expressions.world import run_scripts

__all__ = ["grade_expression", "grade_recorded", "run_expression_file", "run_recorded_expressions"]

Record = dict[str, Any]

_OBJECT = "Expression evaluation failed: [object "
_UNDEFINED = {"$undefined": True}
_RECORDED_NOW = 1_700_000_000_000.0
_TEXTS = frozenset({"$date", "$datetime", "$duration"})


def tagged(value: Any) -> Any:
    """A value as recorded results write it."""
    if value is UNDEFINED:
        return _UNDEFINED
    if isinstance(value, NullObject):
        return None
    if isinstance(value, BigInt):
        return {"$bigint": str(int(value))}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, dict):
        return {key: tagged(each) for key, each in value.items() if each is not UNDEFINED}
    return [tagged(each) for each in value] if isinstance(value, list) else value


# --- expressions/*.json: through the whole interpreter -------------------------------------------------------------


def run_expression_file(path: Path) -> dict[str, Any]:
    """The same document with `actual` and `actual_error` beside each record."""
    document: dict[str, Any] = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    document["cases"] = [record | _run_record(document, record) for record in document["cases"]]
    return document


def _run_record(document: dict[str, Any], record: Record) -> dict[str, Any]:
    plan = plan_of(filled(document["workflow"], record["expression"], record["timezone"]))
    inputs = [as_item(document["input"][index]) for index in record["items"]]
    host = LocalHost(CATALOG, OfflineCapabilities())
    info = RunInfo(execution_id="1", mode=document["mode"])
    start = plan.step[document["start"]]
    execution, finished = asyncio.run(run_local(plan, host, info, inputs, start=start))
    runs = execution.engine.runs.get(document["node"], ())
    if not runs or runs[0].get("error") or finished.error is not None:
        error = (runs[0].get("error") if runs else None) or finished.error or {"message": "the node did not run"}
        return {"actual": None, "actual_error": {"message": without_source(error.get("message") or "")}}
    items = execution.as_json(runs[0]["outputs"][0] or [])
    return {"actual": [tagged(item["json"].get(document["field"], UNDEFINED)) for item in items], "actual_error": None}


def without_source(message: str) -> str:
    """Return a message without the source of a function that could not be cloned, which n8n or a library has written."""
    if "could not be cloned" not in message or message.startswith(_OBJECT):
        return message
    return "Expression evaluation failed: <function> could not be cloned."


def filled(value: Any, expression: str, timezone: str) -> Any:
    """A workflow with its place-holders replaced."""
    if isinstance(value, dict):
        return {key: filled(each, expression, timezone) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, expression, timezone) for each in value]
    return {"<EXPRESSION>": expression, "<TIMEZONE>": timezone}.get(value, value) if isinstance(value, str) else value


def grade_expression(record: Record) -> tuple[bool, str]:
    """Whether a record of `run_expression_file` is what n8n gave (either of its two engines), and what differs."""
    wanted = [record, *([record["legacy"]] if record.get("legacy") else [])]
    passed = any(_is_wanted(record, each) for each in wanted)
    got = record["actual_error"] or record["actual"]
    return passed, "" if passed else f"gave {json.dumps(got)[:200]}, expected {_wish(wanted[0])[:200]}"


def _is_wanted(record: Record, wanted: Record) -> bool:
    if wanted.get("error"):
        return record["actual_error"] is not None
    expected, actual = wanted["expected"], record["actual"]
    if record["actual_error"] is not None or not isinstance(actual, list) or len(actual) != len(expected):
        return False
    return all(map(same_value, expected, actual))


def _wish(wanted: Record) -> str:
    return json.dumps(wanted.get("error") or wanted.get("expected"))


# --- recorded/expressions.json: one evaluation each ----------------------------------------------------------------


def run_recorded_expressions(path: Path) -> dict[str, Any]:
    """The same document with `actual` or `actual_error` beside each case."""
    document: dict[str, Any] = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    document["cases"] = [{"same_in_2_41": False} | case | _run_case(case) for case in document["cases"]]
    return document


def _run_case(case: Record) -> dict[str, Any]:
    cell = _evaluate(case["expression"], case["items"], case["itemIndex"], case["timezone"], case.get("now"))
    if isinstance(cell, ExpressionError):
        return {"actual": None, "actual_error": {"message": cell.message}}
    return {"actual": tagged(cell), "actual_error": None}


def _evaluate(expression: str, items: Sequence[Any], index: int, timezone: str, now: str | None) -> Any:
    step = Step(name="node", id="u", type="test.set", version=1, kind=Kind.INLINE)
    plan = Plan(workflow_id="1", name="", steps=(step,), settings=Settings(timezone=timezone))
    clock = datetime.fromisoformat(now).timestamp() * 1000 if now else _RECORDED_NOW
    scope = Scope(
        plan=plan,
        step=step,
        items=[as_item(item) for item in items],
        inputs=[],
        source=[],
        run_index=0,
        runs={},
        memory={},
        now=clock,
        seed=1,
        mode="manual",
    )
    if not expression.startswith("="):
        return expression
    compiled = compile_expression(expression)
    index = max(index, 0)
    return evaluate([compiled.expression], scope, index + 1, run_scripts)[0][index]


def grade_recorded(case: Record) -> tuple[bool, str]:
    """Whether a case of `run_recorded_expressions` is what n8n gave, and what differs."""
    if "error" in case:
        message = (case["actual_error"] or {}).get("message")
        passed = message is not None
        return passed, "" if passed else f"gave {json.dumps(case['actual'])[:200]}, expected {case['error']['message']}"
    passed = case["actual_error"] is None and same_value(untagged(case["expected"]), case["actual"])
    got = case["actual_error"] or case["actual"]
    return passed, "" if passed else f"gave {json.dumps(got)[:200]}, expected {json.dumps(case['expected'])[:200]}"


def untagged(value: Any) -> Any:
    """Recorded dates are tagged with the text that stands for them here."""
    if isinstance(value, dict):
        for tag in _TEXTS & set(value):
            return None if value[tag] == "Invalid" else value[tag]
        if "$regexp" in value or "$function" in value:
            return {}
        return {key: untagged(each) for key, each in value.items() if each != _UNDEFINED}
    return [untagged(each) for each in value] if isinstance(value, list) else value
