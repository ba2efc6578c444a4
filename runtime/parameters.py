"""Parameters of a step per input item: the declared ones, with the values of its expressions put in their places."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime.expressions.scope import ExpressionError
from runtime.nodes.base import NodeError
from schemas.item import UNDEFINED
from schemas.node import Node, declarations
from schemas.plan import Step

Columns = Sequence[Sequence[Any]]
"""Per expression of the step (in the order of `Step.expressions`): its value per item, or the ExpressionError it ended in."""

Builder = Callable[[int], Any]


class Bound:
    """A step's node as written, and which of its fields hold expressions: made once per step, used by every run of it."""

    def __init__(self, cls: type[Node], step: Step) -> None:
        self.node = cls.bind(step.parameters, step.version)
        wanted = {placed.at[0] for placed in step.expressions}
        self.fields = {
            declared.alias: name
            for name, declared in declarations(cls).items()
            if declared.alias in wanted and _holds(self.node, name, declared.alias, step)
        }
        self.values = {key: step.parameters.get(str(key)) for key in wanted}


class Parameters:
    """Gives a node instance per item."""

    def __init__(self, bound: Bound, step: Step, columns: Columns) -> None:
        self.node = bound.node
        tree: dict[Any, Any] = {}
        for placed, column in zip(step.expressions, columns, strict=False):
            _insert(tree, placed.at, column)
        self._fields = [
            (bound.fields[key], _compile(bound.values[key], branch))
            for key, branch in tree.items()
            if key in bound.fields
        ]
        self._cache: tuple[int, Node] | None = None

    def at(self, i: int) -> Node:
        """The node as it is for item `i`."""
        if not self._fields:
            return self.node
        if self._cache is not None and self._cache[0] == i:
            return self._cache[1]
        node = _shadow(self.node, self._fields, i)
        self._cache = (i, node)
        return node


def _holds(node: Node, name: str, alias: str, step: Step) -> bool:
    return alias in step.parameters and vars(node).get(name) is step.parameters[alias]


def _shadow(node: Node, fields: Sequence[tuple[str, Builder]], i: int) -> Node:
    shadow = object.__new__(type(node))
    values = vars(node).copy()
    for name, build in fields:
        try:
            value = build(i)
        except ExpressionError as error:
            values.pop(name, None)
            values.setdefault("_failed", {})[name] = _node_error(error, i)
            continue
        if value is UNDEFINED:
            value = None
            values["_undefined"] = values.get("_undefined", frozenset()) | {name}
        values[name] = value
    object.__setattr__(shadow, "__dict__", values)
    return shadow


def _node_error(error: ExpressionError, i: int) -> NodeError:
    return NodeError(error.message, description=error.description, item=i)


class _Leaf:
    """The values of one expression, by item."""

    __slots__ = ("column",)

    def __init__(self, column: Sequence[Any]) -> None:
        self.column = column


def _insert(tree: dict[Any, Any], path: Sequence[str | int], column: Sequence[Any]) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = _Leaf(column)


def _compile(value: Any, branch: Any) -> Builder:
    """A function of the item index that gives `value` with its expressions replaced; what has none is shared."""
    if isinstance(branch, _Leaf):
        return _reader(branch.column)
    if isinstance(value, list):
        return _list(value, {key: _compile(value[key], each) for key, each in branch.items()})
    if isinstance(value, dict):
        return _dict(value, {key: _compile(value[key], each) for key, each in branch.items()})
    return lambda _i: value


def _reader(column: Sequence[Any]) -> Builder:
    def read(i: int) -> Any:
        cell = column[i] if i < len(column) else UNDEFINED
        if isinstance(cell, ExpressionError):
            raise cell
        return cell

    return read


def _list(value: list[Any], builders: Mapping[int, Builder]) -> Builder:
    def build(i: int) -> list[Any]:
        copy = value.copy()
        for index, builder in builders.items():
            made = builder(i)
            copy[index] = None if made is UNDEFINED else made
        return copy

    return build


def _dict(value: dict[str, Any], builders: Mapping[str, Builder]) -> Builder:
    def build(i: int) -> dict[str, Any]:
        copy = value.copy()
        for key, builder in builders.items():
            made = builder(i)
            if made is UNDEFINED:
                del copy[key]
            else:
                copy[key] = made
        return copy

    return build
