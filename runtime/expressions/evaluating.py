"""All expressions of a step for all its items in one batch."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from runtime.expressions import v8
from runtime.expressions.paths import path_column, template_column
from runtime.expressions.quick import Slow, quick_column
from runtime.expressions.scope import ExpressionError, Scope
from runtime.expressions.snapshots import snapshot_for
from runtime.values.javascript import BigInt
from schemas.expression import Expression, Invalid, Literal, Path, Script, Template
from schemas.item import UNDEFINED

__all__ = ["evaluate", "evaluate_scripts", "evaluate_snapshot", "split"]

Column = list[Any]

SECONDS = 1.0
"""Half of what Temporal grants a workflow task before it calls it a deadlock."""

_ODD = "\u0000"


def evaluate(
    expressions: Sequence[Expression], scope: Scope, count: int, *, seconds: float = SECONDS, final: bool = False
) -> list[Column]:
    """A column per expression with a cell per item: a plain JSON-shaped value, UNDEFINED, or an ExpressionError instance
    (kept, to be raised when a node reads that parameter of that item, as n8n does).

    Pure paths cost no more than the walk; all scripts together cost one call of V8. `$execution.customData` that a script
    sets is put into `scope.custom_data`.

    Raises ScriptLimit when the scripts need more than `seconds` or too much memory. With `final` (in an activity, where
    the outcome is recorded) the script at fault gives that as its error instead.
    """
    columns = [_simple(expression, scope, count) for expression in expressions]
    scripts = _open(expressions, columns)
    if scripts and count:
        made = iter(_scripts(scripts, scope, count, seconds, final))
        return [next(made) if column is None else column for column in columns]
    return [[] if column is None else column for column in columns]


def split(expressions: Sequence[Expression], scope: Scope, count: int) -> tuple[list[Column | None], dict[str, Any] | None]:
    """What needs no V8 as columns (None where a script stands), and the snapshot that the scripts read (None: there are
    none): for a step whose scripts must run in a recorded activity."""
    columns = [_simple(expression, scope, count) for expression in expressions]
    scripts = _open(expressions, columns)
    return columns, snapshot_for(scope, scripts) if scripts and count else None


def evaluate_scripts(
    scripts: Sequence[Script], data: Mapping[str, Any], count: int, *, seconds: float = 10.0
) -> tuple[list[Column], dict[str, str] | None]:
    """Columns of scripts over the snapshot of `split`, in an activity, where the outcome is recorded: a limit is the
    error of the script at fault. Beside them `$execution.customData`, when a script set it."""
    try:
        answer = v8.call([script.source for script in scripts], _request(scripts, data, 0, count), seconds)
    except v8.ScriptLimit as limit:
        if len(scripts) == 1:
            return [[ExpressionError(limit.message)] * count], None
        return [evaluate_scripts([script], data, count, seconds=seconds)[0][0] for script in scripts], None
    return [[_cell(cell) for cell in column] for column in answer["columns"]], answer.get("custom")


def evaluate_snapshot(
    expressions: Sequence[Expression], data: Mapping[str, Any], index: int, *, seconds: float = 10.0
) -> list[Any]:
    """The values of expressions for one item over a snapshot (see `snapshot`), all on V8: for `$response` and its like,
    where an activity turns pages. Cells as in `evaluate`; a limit is an ExpressionError."""
    values: list[Any] = []
    for expression in expressions:
        if isinstance(expression, Literal):
            values.append(expression.value)
        elif isinstance(expression, Invalid):
            values.append(ExpressionError(expression.message, description=expression.description))
        else:
            script = expression if isinstance(expression, Script) else as_script(expression)
            values.append(_one(script, data, index, seconds))
    return values


def _one(script: Script, data: Mapping[str, Any], index: int, seconds: float) -> Any:
    try:
        answer = v8.call([script.source], _request([script], data, index, 1), seconds)
    except v8.ScriptLimit as limit:
        return ExpressionError(limit.message)
    return _cell(answer["columns"][0][0])


def _open(expressions: Sequence[Expression], columns: Sequence[Column | None]) -> list[Script]:
    """The scripts whose columns are still to be made."""
    pairs = zip(expressions, columns, strict=True)
    return [each for each, column in pairs if column is None and isinstance(each, Script)]


def _simple(expression: Expression, scope: Scope, count: int) -> Column | None:
    """The column of an expression that needs no V8; None for a script."""
    if isinstance(expression, Path):
        return path_column(expression, scope, count)
    if isinstance(expression, Template):
        return template_column(expression, scope, count)
    if isinstance(expression, Literal):
        return [expression.value] * count
    if isinstance(expression, Invalid):
        return [ExpressionError(expression.message, description=expression.description)] * count
    if expression.quick is not None:
        with suppress(Slow):
            return quick_column(expression.quick, scope, count)
    return None


# --- V8 -------------------------------------------------------------------------------------------------------------------


def _scripts(scripts: Sequence[Script], scope: Scope, count: int, seconds: float, final: bool) -> list[Column]:
    try:
        return _call(scripts, scope, count, seconds)
    except v8.ScriptLimit as limit:
        if not final:
            raise
        if len(scripts) == 1:
            return [[ExpressionError(limit.message)] * count]
    return [_scripts([script], scope, count, seconds, final)[0] for script in scripts]


def _call(scripts: Sequence[Script], scope: Scope, count: int, seconds: float) -> list[Column]:
    request = _request(scripts, snapshot_for(scope, scripts), 0, count)
    answer = v8.call([script.source for script in scripts], request, seconds)
    if answer.get("custom") is not None:
        scope.custom_data.clear()
        scope.custom_data.update(answer["custom"])
    return [[_cell(cell) for cell in column] for column in answer["columns"]]


def _request(scripts: Sequence[Script], data: Mapping[str, Any], first: int, count: int) -> dict[str, Any]:
    return {
        "copies": [script.writes for script in scripts],
        "first": first,
        "count": count,
        "seed": int(data["seed"]) & 0x7FFFFFFF,
        "snapshot": data,
    }


def _cell(cell: Any) -> Any:
    """A cell of the kernel's answer as a Python value."""
    if cell.__class__ is not list:
        return cell
    tag = cell[0]
    if tag == 0:
        return cell[1]
    if tag == 1:
        return UNDEFINED
    if tag == 9:  # noqa: PLR2004  # the kernel's tags
        return ExpressionError(cell[1], description=cell[2])
    return _odd(cell)


def _odd(cell: Sequence[Any]) -> Any:
    tag, value = cell
    if tag == 2:  # noqa: PLR2004
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[value]
    return BigInt(value) if tag == 3 else _restored(value)  # noqa: PLR2004


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if _ODD in value and isinstance(value[_ODD], list):
            return _odd(value[_ODD])
        return {key: _restored(each) for key, each in value.items()}
    return [_restored(each) for each in value] if isinstance(value, list) else value


def as_script(expression: Path | Template) -> Script:
    """The same expression as JavaScript."""
    if isinstance(expression, Path):
        return Script(source=f"return ({_javascript(expression)}\n);")
    parts = [_quoted(part) if isinstance(part, str) else f"___r(()=>({_javascript(part)}))" for part in expression.parts]
    return Script(source="return " + "+".join(['""', *parts]) + ";")


def _javascript(path: Path) -> str:
    node = _quoted(path.node or "")
    root = _ROOTS.get(path.root, path.root)
    keys = "".join(f"[{_quoted(key) if isinstance(key, str) else key}]" for key in path.keys)
    return f"___s.{root.format(node=node)}{keys}"


def _quoted(text: str) -> str:
    return json.dumps(text)


_ROOTS = {
    "$input.all": "$input.all()",
    "$input.first": "$input.first()",
    "$input.last": "$input.last()",
    "$node.binary": "$node[{node}].binary",
    "$node.json": "$node[{node}].json",
    "$node.runIndex": "$node[{node}].runIndex",
    "node.all": "$({node}).all()",
    "node.context": "$({node}).context",
    "node.first": "$({node}).first()",
    "node.isExecuted": "$({node}).isExecuted",
    "node.item": "$({node}).item",
    "node.last": "$({node}).last()",
    "node.params": "$({node}).params",
}
