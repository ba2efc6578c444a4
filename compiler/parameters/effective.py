"""Effective parameters of a node. n8n stores no defaults and drops hidden parameters, so both are applied here.

n8n's rules (observed): a value is the stored one or its default, which also stands for a null but of a choice, a number or a
boolean; of a parameter that is declared several times
the visible declaration counts; inside a `collection` nothing has a default; an entry of a `fixedCollection` gets its defaults;
parameters that the type does not declare are dropped; a collection that is given as text, be it an expression, is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_origin

from schemas.node import Declared, Node, declarations


@dataclass(frozen=True)
class EffectiveParameters:
    """The parameters that a node runs with."""

    values: dict[str, Any]
    """By wire name, in the order of declaration."""
    visible: dict[str, Declared]
    """The visible declaration of each of them."""


def effective_parameters(node: type[Node], parameters: Mapping[str, Any], version: float) -> EffectiveParameters:
    """Return the visible parameters of a node with their defaults filled in."""
    if not _declared(node):
        return EffectiveParameters(dict(parameters), {})  # the type declares none and reads them by itself
    ignored = [
        each.alias
        for each in _declared(node)
        if each.collection and isinstance(parameters.get(each.alias), str | int | float)
    ]
    if ignored:
        parameters = {**parameters, **{name: {} for name in ignored}}
    all_values = _all_values(node, parameters, version)
    visible: dict[str, Declared] = {}
    for each in _declared(node):
        if each.alias in all_values and each.alias not in visible and each.visible(all_values, version):
            visible[each.alias] = each
    values = {}
    for name, each in visible.items():
        lacking = all_values[name] is None and not _keeps_null(each)
        value = each.default(version) if lacking else all_values[name]
        values[name] = _fill_defaults(value, each, name in parameters and not lacking)
    return EffectiveParameters(values, visible)


def _keeps_null(declared: Declared) -> bool:
    type_ = declared.field.annotation
    return get_origin(type_) is Literal or type_ in (bool, int, float)


def _fill_defaults(value: Any, declared: Declared, is_set: bool) -> Any:
    """Return the value with the defaults inside it; the deepest places first, since those above may add empty ones."""
    for path, defaults in sorted(declared.info.fill.items(), key=lambda pair: -len(pair[0])):
        if path or is_set:
            value = _fill(value, path.replace("[]", ".[]").split(".") if path else [], defaults)
    return value


def _fill(value: Any, path: list[str], defaults: Mapping[str, Any]) -> Any:
    if not path:
        return _merge_defaults(value, defaults)
    first, rest = path[0], path[1:]
    if first == "[]":
        return [_fill(each, rest, defaults) for each in value] if isinstance(value, list) else value
    if not isinstance(value, dict) or first not in value:
        return value
    return value | {first: _fill(value[first], rest, defaults)}


def _merge_defaults(value: Any, defaults: Mapping[str, Any]) -> Any:
    """Return the value with the defaults of its absent members; null counts as absent, as in n8n."""
    if not isinstance(value, dict):
        return value
    result = dict(value)
    for name, default in defaults.items():
        if result.get(name) is None:
            result[name] = _merge_defaults({}, default) if isinstance(default, Mapping) else default
        elif isinstance(default, Mapping):
            result[name] = _merge_defaults(result[name], default)
    return result


def _all_values(node: type[Node], parameters: Mapping[str, Any], version: float) -> dict[str, Any]:
    """Return every declared parameter, hidden ones included: display conditions are evaluated over these."""
    values = dict(parameters)
    for each in _declared(node):
        if each.alias not in values and not _is_repeated(node, each.alias):
            values[each.alias] = each.default(version)
    for each in _declared(node):
        if each.alias not in values and each.visible(values, version):
            values[each.alias] = each.default(version)
    return values


@cache
def _declared(node: type[Node]) -> tuple[Declared, ...]:
    return tuple(declarations(node).values())


@cache
def _aliases(node: type[Node]) -> frozenset[str]:
    return frozenset(each.alias for each in _declared(node))


@cache
def _repeated_aliases(node: type[Node]) -> frozenset[str]:
    names = [each.alias for each in _declared(node)]
    return frozenset(name for name in names if names.count(name) > 1)


def _is_repeated(node: type[Node], alias: str) -> bool:
    return alias in _repeated_aliases(node)


def unknown_names(node: type[Node], parameters: Mapping[str, Any]) -> list[str]:
    """Return the parameter names that the node type does not declare."""
    return [name for name in parameters if name not in _aliases(node)]
