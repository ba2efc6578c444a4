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
    return Effective({name: full[name] for name in shown}, shown)


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
