"""Values of expressions that are known before a run: constants, operators over them, and the workflow's id and name.

What listens for requests is read before there is an item, so that nothing else of an expression could be evaluated there.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from compiler.expressions import compile_expression
from schemas.export import Export
from schemas.expression import Expression, Literal, Path, Script, Template
from schemas.node import Node

__all__ = ["fold", "listens"]

LISTENING: Final = frozenset({"webhook", "form"})
"""Kinds of triggers whose parameters are read when a request comes. Those that register with a vendor evaluate theirs."""
WORKFLOW: Final = "$workflow"
_ARITHMETIC: Final[Mapping[str, Callable[[int, int], int]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_MAX_SAFE_INTEGER: Final = 2**53


class _UnknownError(Exception):
    """The value is not known before a run."""


def listens(declared: type[Node]) -> bool:
    """Return whether nodes of this class are read when a request comes, before there is a run."""
    return declared.trigger in LISTENING and not declared.registers


def fold(
    value: Any, export: Export, keep: Callable[[tuple[str | int, ...]], bool], at: tuple[str | int, ...] = ()
) -> Any:
    """Return parameters with each expression whose value is known in its place; `keep` says which to leave as written."""
    if isinstance(value, Mapping):
        return {key: fold(each, export, keep, (*at, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [fold(each, export, keep, (*at, index)) for index, each in enumerate(value)]
    if not isinstance(value, str) or not value.startswith("=") or keep(at):
        return value
    try:
        return _value(compile_expression(value).expression, export)
    except _UnknownError:
        return value


def _value(expression: Expression, export: Export) -> Any:
    match expression:
        case Literal():
            return expression.value
        case Path():
            return _of_workflow(expression.root, expression.keys, export)
        case Template():
            parts = (_value(part, export) if isinstance(part, Path) else part for part in expression.parts)
            return "".join(_text(part) for part in parts)
        case Script() if expression.quick is not None:
            return _tree(expression.quick, export)
    raise _UnknownError


def _of_workflow(root: str, keys: tuple[str | int, ...], export: Export) -> Any:
    value = {"id": export.id, "name": export.name}.get(".".join(map(str, keys))) if root == WORKFLOW else None
    if not value:
        raise _UnknownError
    return value


def _tree(tree: list[Any], export: Export) -> Any:
    """Return the value of a tree of operators (`compiler.expressions.quick`) over texts and whole numbers."""
    name, *operands = tree
    if name == "value":
        return operands[0]
    if name == "path":
        path = Path.model_validate(operands[0])
        return _of_workflow(path.root, path.keys, export)
    if name in ("text", "`"):
        return "".join(_text(each if isinstance(each, str) else _tree(each, export)) for each in operands)
    if name not in _ARITHMETIC:
        raise _UnknownError
    left, right = (_tree(each, export) for each in operands)
    if name == "+" and (isinstance(left, str) or isinstance(right, str)):
        return _text(left) + _text(right)
    if type(left) is not int or type(right) is not int:
        raise _UnknownError
    number = _ARITHMETIC[name](left, right)
    if abs(number) > _MAX_SAFE_INTEGER:
        raise _UnknownError
    return number


def _text(value: Any) -> str:
    """Return a value as JavaScript joins it to text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise _UnknownError
