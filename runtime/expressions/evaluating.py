"""All expressions of a step for all its items in one batch."""

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

__all__ = ["Prepared", "evaluate", "evaluate_scripts", "evaluate_snapshot", "prepare", "split"]

Column = list[Any]
Custom = dict[str, str] | None
Simple = Callable[[Scope, int], Column | None]

SECONDS = 1.0
"""Half of what Temporal grants a workflow task before it calls it a deadlock."""
FINAL_SECONDS = 5.0
"""n8n's own limit for an expression."""


@dataclass(frozen=True)
class Prepared:
    """The expressions of a step, with what of them can be said once for all its runs."""

    expressions: tuple[Expression, ...]
    simple: tuple[Simple, ...]
    """Per expression, what gives its column without V8; it gives None where V8 is needed."""
    linear: bool
    """False when a script that Python cannot do by itself costs more than linear time."""
    slow: int
    """How many scripts Python cannot do by itself."""


def prepare(expressions: Iterable[Expression]) -> Prepared:
    """Compile what runs in Python; a step that runs often does so once."""
    all_ = tuple(expressions)
    slow = [each for each in all_ if isinstance(each, Script) and not each.quick]
    return Prepared(all_, tuple(_simple(each) for each in all_), all(each.linear for each in slow), len(slow))


def evaluate(
    expressions: Prepared | Sequence[Expression],
    scope: Scope,
    count: int,
    evaluator: ScriptEvaluator,
    *,
    seconds: float | None = None,
    final: bool = False,
) -> list[Column]:
    """A column per expression with a cell per item: a plain JSON-shaped value, UNDEFINED, or an ExpressionError
    instance (kept, to be raised when a node reads that parameter of that item, as n8n does).

    Pure paths cost no more than the walk; all scripts together cost one call of V8. Scripts that are not linear run in
    a child process. `$execution.customData` that a script sets is put into `scope.custom_data`.

    Raises ScriptLimit when the scripts need more than `seconds` (1) or too much memory. With `final` (in an activity,
    where the outcome is recorded; 5 seconds) the script at fault gives that as its error instead.
    """
    prepared = expressions if isinstance(expressions, Prepared) else prepare(expressions)
    columns, data = split(prepared, scope, count)
    if data is None:
        return [[] if column is None else column for column in columns]
    scripts = _open(prepared.expressions, columns)
    limit = seconds or (FINAL_SECONDS if final else SECONDS)
    made, custom = _batch(evaluator, scripts, data, count, limit, final=final)
    if custom is not None:
        scope.custom_data.clear()
        scope.custom_data.update(custom)
    found = iter(made)
    return [next(found) if column is None else column for column in columns]


def split(
    expressions: Prepared | Sequence[Expression], scope: Scope, count: int
) -> tuple[list[Column | None], dict[str, Any] | None]:
    """What needs no V8 as columns (None where a script stands), and the snapshot that the scripts read (None: there are
    none): for a step whose scripts must run in a recorded activity.
    """
    prepared = expressions if isinstance(expressions, Prepared) else prepare(expressions)
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
    seconds: float = FINAL_SECONDS,
) -> tuple[list[Column], Custom]:
    """Columns of scripts over the snapshot of `split`, in an activity, where the outcome is recorded: a limit is the
    error of the script at fault. Beside them `$execution.customData`, when a script set it.
    """
    return _batch(evaluator, scripts, data, count, seconds, final=True)


def evaluate_snapshot(
    expressions: Sequence[Expression],
    data: Mapping[str, Any],
    index: int,
    evaluator: ScriptEvaluator,
    *,
    seconds: float = FINAL_SECONDS,
) -> list[Any]:
    """The values of expressions for one item over a snapshot (see `snapshot`), all on V8: for `$response` and its like,
    where an activity turns pages. Cells as in `evaluate`; a limit is an ExpressionError.
    """
    return [_over_snapshot(evaluator, expression, data, index, seconds) for expression in expressions]


def _over_snapshot(
    evaluator: ScriptEvaluator, expression: Expression, data: Mapping[str, Any], index: int, seconds: float
) -> Any:
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Invalid):
        return ExpressionError(expression.message, description=expression.description)
    script = expression if isinstance(expression, Script) else as_script(expression)
    try:
        columns, _ = call(evaluator, [script], data, index, 1, seconds, apart=not script.linear)
    except ScriptLimit as limit:
        return ExpressionError(limit.message)
    return columns[0][0]


def _open(expressions: Sequence[Expression], columns: Sequence[Column | None]) -> list[Script]:
    """The scripts whose columns are still to be made."""
    pairs = zip(expressions, columns, strict=True)
    return [each for each, column in pairs if column is None and isinstance(each, Script)]


def _simple(expression: Expression) -> Simple:
    """What gives the column of an expression that needs no V8; None for a script."""
    match expression:
        case Path():
            return partial(path_column, expression)
        case Template():
            return partial(template_column, expression)
        case Literal():
            return lambda _scope, count: [expression.value] * count
        case Invalid():
            refused = ExpressionError(expression.message, description=expression.description)
            return lambda _scope, count: [refused] * count
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
    count: int,
    seconds: float,
    *,
    final: bool,
) -> tuple[list[Column], Custom]:
    """The linear scripts together, then the others apart."""
    found: dict[int, Column] = {}
    custom: Custom = None
    for apart in (False, True):
        group = [i for i, script in enumerate(scripts) if script.linear is not apart]
        if group:
            some = [scripts[i] for i in group]
            made, changed = _group(evaluator, some, data, count, seconds, apart=apart, final=final)
            found.update(zip(group, made, strict=True))
            custom = changed if changed is not None else custom
    return [found[i] for i in range(len(scripts))], custom


def _group(
    evaluator: ScriptEvaluator,
    scripts: Sequence[Script],
    data: Mapping[str, Any],
    count: int,
    seconds: float,
    *,
    apart: bool,
    final: bool,
) -> tuple[list[Column], Custom]:
    """One call for all; one by one once a limit was hit, to find the script at fault."""
    try:
        return call(evaluator, scripts, data, 0, count, seconds, apart=apart)
    except ScriptLimit as limit:
        if not final:
            raise
        if len(scripts) == 1:
            return [[ExpressionError(limit.message)] * count], None
    singles = [_group(evaluator, [script], data, count, seconds, apart=apart, final=True) for script in scripts]
    return [columns[0] for columns, _ in singles], next((c for _, c in reversed(singles) if c is not None), None)
