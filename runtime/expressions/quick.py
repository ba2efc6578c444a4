"""A short cut for scripts: evaluate operators over paths and constants in Python, for plain values only.

Where the result is not certain to be JavaScript's (objects, NaN, numbers beyond 2^53, letters beyond ASCII), `Slow` is
raised, and V8 evaluates the whole column.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from runtime.expressions.natives import Function
from runtime.expressions.paths import MISSING, render, strict_column
from runtime.expressions.scope import ExpressionError, Scope
from runtime.values.javascript import js_string, loose_equal, strict_equal, tidy, truthy
from schemas.expression import Path
from schemas.item import UNDEFINED

__all__ = ["Slow", "quick_column"]

Columns = Sequence[Sequence[Any]]
"""The columns of the paths of a tree, in the order of the tree."""
Cell = Callable[[Columns, int], Any]
_EXACT: Final = 2**53


class ThrowsTypeError(Exception):
    """JavaScript would throw a TypeError here: a member of null or undefined was read."""


class Slow(Exception):
    """This column needs V8."""


def quick_column(tree: Sequence[Any]) -> Callable[[Scope, int], list[Any]]:
    """Return a function that computes the tree's column: its value per item, an ExpressionError where n8n would raise it.

    The function raises Slow when V8 is needed.
    """
    paths: list[Callable[[Scope, int], list[Any]]] = []
    cell = _build(tree, paths)

    def column(scope: Scope, count: int) -> list[Any]:
        columns = [path(scope, count) for path in paths]
        return [_value(cell, columns, i) for i in range(count)]

    return column


def _value(cell: Cell, columns: Columns, i: int) -> Any:
    try:
        return cell(columns, i)
    except ExpressionError as error:
        return error
    except ThrowsTypeError:
        return UNDEFINED


def _build(tree: Sequence[Any], paths: list[Callable[[Scope, int], list[Any]]]) -> Cell:
    name, rest = tree[0], tree[1:]
    if name == "value":
        value = rest[0]
        return lambda _columns, _i: value
    if name == "path":
        paths.append(strict_column(Path.model_validate(rest[0])))
        return _reader(len(paths) - 1)
    if name == "text":
        return _text([each if isinstance(each, str) else _build(each, paths) for each in rest])
    parts = [_build(each, paths) for each in rest]
    if name in _LAZY:
        return _LAZY[name](*parts)
    if name == "`":
        return lambda columns, i: "".join([_plain_text(part(columns, i)) for part in parts])
    work = _EAGER[name]
    if len(parts) == 1:
        (only,) = parts
        return lambda columns, i: work(only(columns, i))
    left, right = parts
    return lambda columns, i: work(left(columns, i), right(columns, i))


def _reader(number: int) -> Cell:
    def read(columns: Columns, i: int) -> Any:
        value = columns[number][i]
        kind = value.__class__
        if kind is str or kind is int:
            return value
        if kind is ExpressionError:
            raise value
        if value is MISSING:
            raise ThrowsTypeError
        if kind is Function:
            raise Slow
        return value

    return read


def _text(parts: Sequence[str | Cell]) -> Cell:
    """Return the cell function of a template: text between expressions, whose values are rendered as n8n does."""
    return lambda columns, i: "".join(
        [part if isinstance(part, str) else _rendered(part, columns, i) for part in parts]
    )


def _rendered(part: Cell, columns: Columns, i: int) -> str:
    try:
        return render(_scalar(part(columns, i)))
    except ThrowsTypeError:
        return ""


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise Slow
    return value


def _plain_text(value: Any) -> str:
    """Return a value as `${value}` prints it."""
    return js_string(_scalar(value))


def _number(value: Any) -> Any:
    if value.__class__ is int or value.__class__ is float:
        return value
    raise Slow


def _exact(number: Any) -> Any:
    if -_EXACT < number < _EXACT:
        return number if number.__class__ is int else tidy(number)
    raise Slow


def _add(a: Any, b: Any) -> Any:
    if a.__class__ is str or b.__class__ is str:
        return _plain_text(a) + _plain_text(b)
    return _exact(_number(a) + _number(b))


def _divide(a: Any, b: Any) -> Any:
    if _number(b) == 0 or _number(a) == 0:
        raise Slow
    return _exact(a / b)


def _modulo(a: Any, b: Any) -> Any:
    if a.__class__ is int and b.__class__ is int and a >= 0 and b > 0:
        return a % b
    raise Slow


def _multiply(a: Any, b: Any) -> Any:
    product = _exact(_number(a) * _number(b))
    if product == 0:
        raise Slow  # the sign of zero
    return product


def _negate(a: Any) -> Any:
    if _number(a) == 0:
        raise Slow
    return -a


def _strict(a: Any, b: Any) -> bool:
    return strict_equal(_scalar(a), _scalar(b))


def _loose(a: Any, b: Any) -> bool:
    return loose_equal(_scalar(a), _scalar(b))


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(a: Any, b: Any) -> bool:
        if a.__class__ is str and b.__class__ is str and a.isascii() and b.isascii():
            return compare(a, b)
        return compare(_number(a), _number(b))

    return check


def _ascii(value: Any) -> str:
    if value.__class__ is str and value.isascii():
        return str(value)
    raise Slow


def _string(value: Any) -> str:
    if value.__class__ is str:
        return str(value)
    raise Slow


_EAGER: Final[dict[str, Callable[..., Any]]] = {
    "+": _add,
    "-": lambda a, b: _exact(_number(a) - _number(b)),
    "*": _multiply,
    "/": _divide,
    "%": _modulo,
    "===": _strict,
    "!==": lambda a, b: not _strict(a, b),
    "==": _loose,
    "!=": lambda a, b: not _loose(a, b),
    "<": _ordered(lambda a, b: a < b),
    ">": _ordered(lambda a, b: a > b),
    "<=": _ordered(lambda a, b: a <= b),
    ">=": _ordered(lambda a, b: a >= b),
    "unary !": lambda a: not truthy(a),
    "unary -": _negate,
    "unary +": _number,
    ".toUpperCase": lambda a: _ascii(a).upper(),
    ".toLowerCase": lambda a: _ascii(a).lower(),
    ".trim": lambda a: _ascii(a).strip(" \t\n\v\f\r"),
    ".includes": lambda a, b: _string(b) in _string(a),
    ".startsWith": lambda a, b: _string(a).startswith(_string(b)),
    ".endsWith": lambda a, b: _string(a).endswith(_string(b)),
}


def _and(left: Cell, right: Cell) -> Cell:
    def both(columns: Columns, i: int) -> Any:
        value = left(columns, i)
        return right(columns, i) if truthy(value) else value

    return both


def _or(left: Cell, right: Cell) -> Cell:
    def either(columns: Columns, i: int) -> Any:
        value = left(columns, i)
        return value if truthy(value) else right(columns, i)

    return either


def _coalesce(left: Cell, right: Cell) -> Cell:
    def first(columns: Columns, i: int) -> Any:
        value = left(columns, i)
        return right(columns, i) if value is None or value is UNDEFINED else value

    return first


def _choose(condition: Cell, yes: Cell, no: Cell) -> Cell:
    return lambda columns, i: yes(columns, i) if truthy(condition(columns, i)) else no(columns, i)


_LAZY: Final[dict[str, Callable[..., Cell]]] = {"&&": _and, "||": _or, "??": _coalesce, "?:": _choose}
