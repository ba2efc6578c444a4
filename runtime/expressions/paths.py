"""Evaluate paths and templates in Python: a column per expression, the root resolved once where all items share it."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from runtime.expressions.natives import Function, member
from runtime.expressions.nodes import item_at, latest_output, leads_here, require, without_bytes
from runtime.expressions.scope import ExpressionError, Scope
from runtime.values.javascript import js_string
from schemas.expression import Path, Template
from schemas.item import UNDEFINED

__all__ = ["MISSING", "path_column", "render", "strict_column", "template_column"]

Column = list[Any]
_ABSENT: Any = object()
MISSING: Any = object()
_EXACT = 2**53


def path_column(path: Path, scope: Scope, count: int) -> Column:
    """Return the value of a path per item; an ExpressionError in the cells where n8n would raise it."""
    column = _column(path, scope, count)
    if any(cell.__class__ is Function for cell in column):
        return [not_cloned(cell) if isinstance(cell, Function) else cell for cell in column]
    return column


def not_cloned(function: Function) -> ExpressionError:
    """Return the error of a method that an expression names and does not call."""
    return ExpressionError(f"Expression evaluation failed: {function} could not be cloned.")


def strict_column(path: Path) -> Callable[[Scope, int], Column]:
    """Return the function that computes a path's column as an operand: MISSING where JavaScript throws, since a member of
    null or undefined is read. A path of its own is undefined there, since n8n swallows the error.
    """
    if not path.keys:
        return lambda scope, count: _column(path, scope, count)
    *keys, last = path.keys
    above = path.model_copy(update={"keys": tuple(keys)})
    return lambda scope, count: [_member(owner, last) for owner in _column(above, scope, count)]


def _member(owner: Any, key: str | int) -> Any:
    if owner.__class__ is dict and key in owner:
        return owner[key]
    if owner is None or owner is UNDEFINED:
        return MISSING
    return owner if owner.__class__ is ExpressionError or owner.__class__ is Function else member(owner, key)


def template_column(template: Template, scope: Scope, count: int) -> Column:
    """Return the text of a template per item, or the ExpressionError of its first part that has one."""
    columns = [part if isinstance(part, str) else _column(part, scope, count) for part in template.parts]
    try:
        texts = [[part] * count if isinstance(part, str) else _texts(part) for part in columns]
    except ExpressionError:
        return [_row(columns, i) for i in range(count)]
    return ["".join(row) for row in zip(*texts, strict=True)]


def _texts(column: Column) -> list[str]:
    """Return a column as text. Raise the ExpressionError of its first cell that has one."""
    return [
        cell
        if cell.__class__ is str
        else str(cell)
        if cell.__class__ is int and -_EXACT < cell < _EXACT
        else _text(cell)
        for cell in column
    ]


def _text(cell: Any) -> str:
    if isinstance(cell, ExpressionError):
        raise ExpressionError(cell.message)
    return render(cell)


def render(value: Any) -> str:
    """Return a value as text of a template: JavaScript's String(), with null, undefined and NaN as ''."""
    if isinstance(value, str):
        return value
    if value is None or value is UNDEFINED or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value) if isinstance(value, Function) else js_string(value)


def _row(columns: Sequence[Any], i: int) -> Any:
    parts = []
    for column in columns:
        cell = column if isinstance(column, str) else column[i]
        if isinstance(cell, ExpressionError):
            return cell
        parts.append(render(cell))
    return "".join(parts)


# --- the walk -------------------------------------------------------------------------------------------------------


def _column(path: Path, scope: Scope, count: int) -> Column:
    try:
        if path.root in _PER_ITEM:
            return _PER_ITEM[path.root](path, scope, count)
        value = _walk(_SHARED[path.root](scope, path), path.keys)
    except ExpressionError as error:
        return [error] * count
    return [value] * count


def _walk(value: Any, keys: Iterable[str | int]) -> Any:
    for key in keys:
        if value.__class__ is dict and key in value:
            value = value[key]
        else:
            value = member(value, key)
            if value is UNDEFINED:
                return UNDEFINED
    return value


def _json(path: Path, scope: Scope, count: int) -> Column:
    """Return the column of `$json...`: the fast path of most exports."""
    items = scope.items[:count]
    keys = path.keys
    column: Column
    if not keys:
        column = [item["json"] for item in items]
    elif isinstance(keys[0], str):
        try:
            column = _fields([item["json"].get(keys[0], _ABSENT) for item in items], keys)
        except AttributeError:  # json that is no object, of a function node
            column = [_walk(item["json"], keys) for item in items]
    else:
        column = [_walk(item["json"], keys) for item in items]
    return column if len(column) == count else column + _beyond(scope, len(column), count)


def _fields(values: Column, keys: Sequence[str | int]) -> Column:
    """Return the values below the first key, which has been looked up already."""
    rest = keys[1:]
    missing = _walk({}, keys)
    if rest:
        return [missing if value is _ABSENT else _walk(value, rest) for value in values]
    return [missing if value is _ABSENT else value for value in values]


def _beyond(scope: Scope, start: int, count: int) -> Column:
    return _cells(lambda i: item_at(scope.items, i, scope.step.name), count, start)


def _cells(at: Callable[[int], Any], count: int, start: int = 0) -> Column:
    """Return the value of `at` per item, or the ExpressionError that it raises."""
    column: Column = []
    for i in range(start, count):
        try:
            column.append(at(i))
        except ExpressionError as error:
            column.append(error)
    return column


def _binary(path: Path, scope: Scope, count: int) -> Column:
    def at(i: int) -> Any:
        return _walk(without_bytes(item_at(scope.items, i, scope.step.name).get("binary")), path.keys)

    return _cells(at, count)


def _input_item(path: Path, scope: Scope, count: int) -> Column:
    def at(i: int) -> Any:
        return _walk(item_at(scope.items, i, scope.step.name), path.keys)

    return _cells(at, count)


def _item_index(path: Path, scope: Scope, count: int) -> Column:
    del scope
    return [_walk(i, path.keys) for i in range(count)]


def _node_item(path: Path, scope: Scope, count: int) -> Column:
    name = path.node or ""
    require(scope, name)
    pair = scope.pair
    if pair is None:
        raise ExpressionError("Invalid expression")
    return _cells(lambda i: _walk(pair(name, i), path.keys), count)


def _legacy(key: str) -> Callable[[Path, Scope, int], Column]:
    """Return the column function of `$node["X"].json` or `.binary`: by position, not by pairing."""

    def column(path: Path, scope: Scope, count: int) -> Column:
        name = path.node or ""
        if require(scope, name) and not leads_here(scope, name):
            raise ExpressionError(f'connect "{scope.step.name}" to "{name}"')
        items = latest_output(scope, name)

        def at(i: int) -> Any:
            item = item_at(items, i, name)
            value: Any = item["json"] if key == "json" else without_bytes(item.get("binary"))
            return _walk(value, path.keys)

        return _cells(at, count)

    return column


_PER_ITEM: dict[str, Callable[[Path, Scope, int], Column]] = {
    "$json": _json,
    "$binary": _binary,
    "$input.item": _input_item,
    "$itemIndex": _item_index,
    "node.item": _node_item,
    "$node.json": _legacy("json"),
    "$node.binary": _legacy("binary"),
}


# --- roots that are the same for all items --------------------------------------------------------------------------


def _ends(scope: Scope, path: Path) -> Any:
    items = latest_output(scope, path.node or "")
    if path.root == "node.all":
        return items
    return (items[0] if path.root == "node.first" else items[-1]) if items else UNDEFINED


def _input(scope: Scope, path: Path) -> Any:
    if path.root == "$input.all":
        return scope.items
    return (scope.items[0] if path.root == "$input.first" else scope.items[-1]) if scope.items else UNDEFINED


def _previous(scope: Scope, path: Path) -> Any:
    del path
    source = scope.source[0] if scope.source else None
    if source is None:
        return {}
    return {
        "name": source["previousNode"],
        "outputIndex": source.get("previousNodeOutput") or 0,
        "runIndex": source.get("previousNodeRun") or 0,
    }


def _parameters(scope: Scope, path: Path) -> Any:
    require(scope, path.node or "")
    return scope.plan.step[path.node or ""].parameters


def _memory(scope: Scope, path: Path) -> Any:
    require(scope, path.node or "")
    return scope.memory.get(path.node or "", {})


def _execution(scope: Scope, path: Path) -> Any:
    del path
    return {
        "id": scope.execution_id,
        "mode": "test" if scope.mode == "manual" else "production",
        "resumeUrl": scope.resume_url,
        "resumeFormUrl": scope.resume_form_url,
    }


_SHARED: dict[str, Callable[[Scope, Path], Any]] = {
    "$execution": _execution,
    "$executionId": lambda scope, _path: scope.execution_id,
    "$input.all": _input,
    "$input.first": _input,
    "$input.last": _input,
    "$mode": lambda scope, _path: scope.mode,
    "$node.runIndex": lambda scope, path: len(require(scope, path.node or "")) - 1,
    "$nodeId": lambda scope, _path: scope.step.id,
    "$nodeVersion": lambda scope, _path: scope.step.version,
    "$prevNode": _previous,
    "$runIndex": lambda scope, _path: scope.run_index,
    "$vars": lambda scope, _path: dict(scope.variables),
    "$workflow": lambda scope, _path: {
        "active": scope.plan.active,
        "id": scope.plan.workflow_id,
        "name": scope.plan.name,
    },
    "node.all": _ends,
    "node.context": _memory,
    "node.first": _ends,
    "node.isExecuted": lambda scope, path: bool(require(scope, path.node or "")),
    "node.last": _ends,
    "node.params": _parameters,
}
