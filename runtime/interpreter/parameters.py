"""Parameters of a step per input item: the declared ones, with the values of its expressions put in their places."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, get_origin

from runtime.contract import NodeError
from runtime.expressions.scope import ExpressionError
from runtime.values.javascript import NullObject
from schemas.item import UNDEFINED, LackingObject
from schemas.node import Declared, Node, declarations
from schemas.plan import Step

Columns = Sequence[Sequence[Any]]
"""Per expression of the step (in the order of `Step.expressions`): its value per item, or the ExpressionError it ended in."""

Builder = Callable[[Columns, int], Any]
"""A parameter's value for an item, from the columns of the step's expressions."""


class Bound:
    """A step's node as written, and how its fields with expressions are built: made once per step, used by every run."""

    def __init__(self, cls: type[Node], step: Step) -> None:
        self.node = cls.bind(step.parameters, step.version)
        tree: dict[Any, Any] = {}
        for number, placed in enumerate(step.expressions):
            _insert(tree, placed.at, number)
        self.fields = [
            (name, _field(declared, step.parameters.get(declared.alias), tree[declared.alias], exact=cls.exact_values))
            for name, declared in declarations(cls).items()
            if declared.alias in tree and _holds(self.node, name, declared.alias, step)
        ]


class Parameters:
    """Gives a node instance per item. `first_item`: which item the first cells of the columns are for."""

    def __init__(self, bound: Bound, columns: Columns, first_item: int = 0) -> None:
        self._first = first_item
        self.node = bound.node
        self._fields = bound.fields if columns else []
        self._columns = columns
        self._cache: tuple[int, Node] | None = None

    def at(self, i: int) -> Node:
        """The node as it is for item `i`."""
        if not self._fields:
            return self.node
        if self._cache is not None and self._cache[0] == i:
            return self._cache[1]
        node = _shadow(self.node, self._fields, self._columns, i, i - self._first)
        self._cache = (i, node)
        return node


def _holds(node: Node, name: str, alias: str, step: Step) -> bool:
    return alias in step.parameters and vars(node).get(name) is step.parameters[alias]


def _shadow(node: Node, fields: Sequence[tuple[str, Builder]], columns: Columns, i: int, cell: int) -> Node:
    shadow = object.__new__(type(node))
    values = vars(node).copy()
    for name, build in fields:
        try:
            value = build(columns, cell)
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


def _field(declared: Declared, value: Any, branch: Any, *, exact: bool) -> Builder:
    build = _compile(value, branch, _read if exact else _read_json, exact=exact)
    if isinstance(branch, _Leaf) and get_origin(declared.field.annotation) is dict:
        return lambda columns, i: _object(build(columns, i))
    return build


def _object(value: Any) -> Any:
    """Return a collection as a node reads it: of what is no object, JavaScript reads no member."""
    return value if isinstance(value, dict) or value is UNDEFINED else {}


class _Leaf:
    """The place of an expression among those of the step."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def _insert(tree: dict[Any, Any], path: Sequence[str | int], number: int) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = _Leaf(number)


def _compile(
    value: Any, branch: Any, read: Callable[[int, Columns, int], Any], *, in_entry: bool = False, exact: bool = False
) -> Builder:
    """A function that gives `value` with its expressions replaced; what has none is shared.

    A member that is undefined is left out, as an option that is not set. Within an entry of a list it stays, for `exact`
    classes: n8n has filled in the defaults of entries before it evaluates expressions.
    """
    if isinstance(branch, _Leaf):
        return partial(read, branch.number)
    if isinstance(value, list):
        return _list(
            value, {key: _compile(value[key], each, read, in_entry=exact, exact=exact) for key, each in branch.items()}
        )
    if isinstance(value, dict):
        members = {
            key: _compile(value[key], each, read, in_entry=in_entry, exact=exact) for key, each in branch.items()
        }
        return _dict(value, members, keeps=in_entry)
    return lambda _columns, _i: value


def _read(number: int, columns: Columns, i: int) -> Any:
    column = columns[number]
    cell = column[i] if i < len(column) else UNDEFINED
    if cell.__class__ is ExpressionError:
        raise cell
    return cell


def _read_json(number: int, columns: Columns, i: int) -> Any:
    """Read a value for a class that knows JSON alone."""
    cell = _read(number, columns, i)
    return None if cell.__class__ is NullObject else cell


def _list(value: list[Any], builders: Mapping[int, Builder]) -> Builder:
    def build(columns: Columns, i: int) -> list[Any]:
        copy = value.copy()
        for index, builder in builders.items():
            made = builder(columns, i)
            copy[index] = None if made is UNDEFINED else made
        return copy

    return build


def _dict(value: dict[str, Any], builders: Mapping[str, Builder], *, keeps: bool) -> Builder:
    def build(columns: Columns, i: int) -> dict[str, Any]:
        copy = value.copy()
        undefined = list[str]()
        for key, builder in builders.items():
            made = builder(columns, i)
            if made is UNDEFINED and not keeps:
                del copy[key]
                undefined.append(key)
            else:
                copy[key] = made
        return LackingObject(copy, frozenset(undefined)) if undefined else copy

    return build
