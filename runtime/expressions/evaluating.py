"""Evaluate all expressions of a step for all its items in one batch."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.limits import ScriptLimit
from runtime.expressions.paths import path_column, template_column
from runtime.expressions.quick import Slow, quick_column
from runtime.expressions.rendering import as_script
from runtime.expressions.scope import ExpressionError, Scope
from runtime.expressions.snapshots import snapshot_for
from runtime.expressions.wire import call
from schemas.expression import Expression, Invalid, Literal, Path, Script, Template

__all__ = ["PreparedExpressions", "evaluate", "evaluate_scripts", "evaluate_snapshot", "prepare", "split"]

Column = list[Any]
Custom = dict[str, str] | None
Simple = Callable[[Scope, int], Column | None]

WORKFLOW_SECONDS = 1.0
"""Time limit of scripts in workflow code: half of what Temporal grants a workflow task before it reports a deadlock."""
FINAL_SECONDS = 5.0
"""Time limit of scripts in an activity: n8n's own limit for an expression."""


@dataclass(frozen=True)
class PreparedExpressions:
    """The expressions of a step, compiled once for all its runs."""

    expressions: tuple[Expression, ...]
    simple: tuple[Simple, ...]
    """Per expression, the function that computes its column without V8; it returns None where V8 is needed."""
    linear: bool
    """False when a script that needs V8 costs more than linear time."""
    slow: int
    """Number of scripts that always need V8."""


def prepare(expressions: Iterable[Expression]) -> PreparedExpressions:
    """Return the expressions with those compiled that run in Python; a step that runs often is prepared once."""
    all_ = tuple(expressions)
    slow = [each for each in all_ if isinstance(each, Script) and not each.quick]
    return PreparedExpressions(
        all_, tuple(_simple(each) for each in all_), all(each.linear for each in slow), len(slow)
    )


def evaluate(
    expressions: PreparedExpressions | Sequence[Expression],
    scope: Scope,
    count: int,
    evaluator: ScriptEvaluator,
    *,
    seconds: float | None = None,
    final: bool = False,
) -> list[Column]:
    """Return a column per expression with a cell per item: a plain JSON-shaped value, UNDEFINED, or an ExpressionError
    instance (to be raised when a node reads that parameter of that item, as n8n does).

    Pure paths cost no more than the walk; all scripts together cost one call of V8. Scripts that are not linear run
    apart from the others. `$execution.customData` that a script sets is put into `scope.custom_data`.

    Raise ScriptLimit when the scripts need more than `seconds` (default: 1) or too much memory. With `final` (in an
    activity, where the outcome is recorded; default: 5 seconds) the cells of the script at fault have the error instead.
    """
    prepared = expressions if isinstance(expressions, PreparedExpressions) else prepare(expressions)
    columns, data = split(prepared, scope, count)
    if data is None:
        return [[] if column is None else column for column in columns]
    scripts = _open(prepared.expressions, columns)
    limit = seconds or (FINAL_SECONDS if final else WORKFLOW_SECONDS)
    script_columns, custom = _batch(
        evaluator, scripts, data, range(count), limit, final=final, keep_undefined=scope.keep_undefined
    )
    if custom is not None:
        scope.custom_data.clear()
        scope.custom_data.update(custom)
    rest = iter(script_columns)
    return [next(rest) if column is None else column for column in columns]


def split(
    expressions: PreparedExpressions | Sequence[Expression], scope: Scope, count: int
) -> tuple[list[Column | None], dict[str, Any] | None]:
    """Return the columns that need no V8 (None for the others), and the snapshot that the other scripts read (None: there
    are none). For a step whose scripts must run in a recorded activity.
    """
    prepared = expressions if isinstance(expressions, PreparedExpressions) else prepare(expressions)
    columns = [simple(scope, count) for simple in prepared.simple]
    if not count or None not in columns:
        return columns, None
    return columns, snapshot_for(scope, _open(prepared.expressions, columns))


def evaluate_scripts(
    scripts: Sequence[Script],
    data: Mapping[str, Any],
    count: int,
    evaluator: ScriptEvaluator,
    *,
    first: int = 0,
    seconds: float = FINAL_SECONDS,
    keep_undefined: Callable[[], bool] = lambda: False,
) -> tuple[list[Column], Custom]:
    """Return the columns of scripts over the snapshot of `split`, for `count` items from `first` on, and
    `$execution.customData` when a script set it.

    For an activity, where the outcome is recorded: a limit is the error of the script at fault.
    """
    return _batch(
        evaluator, scripts, data, range(first, first + count), seconds, final=True, keep_undefined=keep_undefined
    )


def evaluate_snapshot(
    expressions: Sequence[Expression],
    data: Mapping[str, Any],
    index: int,
    evaluator: ScriptEvaluator,
    *,
    seconds: float = FINAL_SECONDS,
    keep_undefined: Callable[[], bool] = lambda: False,
) -> list[Any]:
    """Return the values of expressions for one item over a snapshot (see `snapshot`), all computed by V8.

    For `$response` and the like, where an activity turns pages. Values as in `evaluate`; a limit is an ExpressionError.
    """
    return [_over_snapshot(evaluator, each, data, index, seconds, keep_undefined) for each in expressions]


def _over_snapshot(
    evaluator: ScriptEvaluator,
    expression: Expression,
    data: Mapping[str, Any],
    index: int,
    seconds: float,
    keep_undefined: Callable[[], bool],
) -> Any:
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Invalid):
        return ExpressionError(expression.message, description=expression.description)
    script = expression if isinstance(expression, Script) else as_script(expression)
    try:
        columns, _ = call(
            evaluator, [script], data, index, 1, seconds, apart=not script.linear, final=True,
            keep_undefined=keep_undefined,
        )  # fmt: skip
    except ScriptLimit as limit:
        return ExpressionError(limit.message)
    return columns[0][0]


def _open(expressions: Sequence[Expression], columns: Sequence[Column | None]) -> list[Script]:
    """Return the scripts whose columns are still missing."""
    pairs = zip(expressions, columns, strict=True)
    return [each for each, column in pairs if column is None and isinstance(each, Script)]


def _simple(expression: Expression) -> Simple:
    """Return the function that computes an expression's column without V8; for a script that needs V8 it returns None."""
    match expression:
        case Path():
            return partial(path_column, expression)
        case Template():
            return partial(template_column, expression)
        case Literal():
            return lambda _scope, count: [expression.value] * count
        case Invalid():
            error = ExpressionError(expression.message, description=expression.description)
            return lambda _scope, count: [error] * count
    return _unless_slow(quick_column(expression.quick)) if expression.quick is not None else lambda _scope, _count: None


def _unless_slow(column: Callable[[Scope, int], Column]) -> Simple:
    def simple(scope: Scope, count: int) -> Column | None:
        try:
            return column(scope, count)
        except Slow:
            return None

    return simple


# --- scripts ------------------------------------------------------------------------------------------------------------


def _batch(
    evaluator: ScriptEvaluator,
    scripts: Sequence[Script],
    data: Mapping[str, Any],
    items: range,
    seconds: float,
    *,
    final: bool,
    keep_undefined: Callable[[], bool],
) -> tuple[list[Column], Custom]:
    """Run the linear scripts together, then the others apart from them."""
    columns: dict[int, Column] = {}
    custom: Custom = None
    for apart in (False, True):
        group = [i for i, script in enumerate(scripts) if script.linear is not apart]
        if group:
            members = [scripts[i] for i in group]
            run = partial(_group, evaluator, members, data, items, seconds, apart=apart, final=final)
            results, new_custom = run(keep_undefined=keep_undefined)
            columns.update(zip(group, results, strict=True))
            custom = new_custom if new_custom is not None else custom
    return [columns[i] for i in range(len(scripts))], custom


def _group(
    evaluator: ScriptEvaluator,
    scripts: Sequence[Script],
    data: Mapping[str, Any],
    items: range,
    seconds: float,
    *,
    apart: bool,
    final: bool,
    keep_undefined: Callable[[], bool],
) -> tuple[list[Column], Custom]:
    """Run scripts in one call; after a limit was hit, one by one to find the script at fault."""
    try:
        return call(
            evaluator, scripts, data, items.start, len(items), seconds, apart=apart, final=final,
            keep_undefined=keep_undefined,
        )  # fmt: skip
    except ScriptLimit as limit:
        if not final:
            raise
        if len(scripts) == 1:
            return [[ExpressionError(limit.message)] * len(items)], None
    singles = [
        _group(evaluator, [script], data, items, seconds, apart=apart, final=True, keep_undefined=keep_undefined)
        for script in scripts
    ]
    return [columns[0] for columns, _ in singles], next((c for _, c in reversed(singles) if c is not None), None)
