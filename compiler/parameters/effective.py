"""Effective parameters: n8n stores no defaults and drops what is hidden, so both are put right here.

n8n's rules (observed): a scalar is the given value or its default; a parameter that is declared several times is the
one that is shown; inside a `collection` nothing has a default; an entry of a `fixedCollection` gets its defaults;
what the type does not declare is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.node import Declared, Node, declarations


@dataclass(frozen=True)
class Effective:
    """What a node works with."""

    values: dict[str, Any]
    """By wire name, in the order of declaration."""
    shown: dict[str, Declared]
    """The declaration that holds for each of them."""


def effective(node: type[Node], given: Mapping[str, Any], version: float) -> Effective:
    """Visible parameters with defaults filled."""
    if not _declared(node):
        return Effective(dict(given), {})  # a type whose parameters are all its own business
    full = _with_defaults(node, given, version)
    shown: dict[str, Declared] = {}
    for each in _declared(node):
        if each.alias in full and each.alias not in shown and each.visible(full, version):
            shown[each.alias] = each
    values = {name: _filled(full[name], each, name in given) for name, each in shown.items()}
    return Effective(values, shown)


def _filled(value: Any, declared: Declared, given: bool) -> Any:
    """The value with the defaults inside it; the deepest places first, since those above may add empty ones."""
    for path, defaults in sorted(declared.info.fill.items(), key=lambda pair: -len(pair[0])):
        if path or given:
            value = _fill(value, path.replace("[]", ".[]").split(".") if path else [], defaults)
    return value


def _fill(value: Any, path: list[str], defaults: Mapping[str, Any]) -> Any:
    if not path:
        return _with(value, defaults)
    first, rest = path[0], path[1:]
    if first == "[]":
        return [_fill(each, rest, defaults) for each in value] if isinstance(value, list) else value
    if not isinstance(value, dict) or first not in value:
        return value
    return value | {first: _fill(value[first], rest, defaults)}


def _with(value: Any, defaults: Mapping[str, Any]) -> Any:
    """n8n: null counts as absent here."""
    if not isinstance(value, dict):
        return value
    made = dict(value)
    for name, default in defaults.items():
        if made.get(name) is None:
            made[name] = _with({}, default) if isinstance(default, Mapping) else default
        elif isinstance(default, Mapping):
            made[name] = _with(made[name], default)
    return made


def _with_defaults(node: type[Node], given: Mapping[str, Any], version: float) -> dict[str, Any]:
    """Every declared parameter, hidden ones included: what display conditions are evaluated over."""
    full = dict(given)
    for each in _declared(node):
        if each.alias not in full and not _repeated(node, each.alias):
            full[each.alias] = each.default(version)
    for each in _declared(node):
        if each.alias not in full and each.visible(full, version):
            full[each.alias] = each.default(version)
    return full


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


def _repeated(node: type[Node], alias: str) -> bool:
    return alias in _repeated_aliases(node)


def unknown(node: type[Node], given: Mapping[str, Any]) -> list[str]:
    """Names that the node type does not declare."""
    return [name for name in given if name not in _aliases(node)]
