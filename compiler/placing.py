"""Expressions in their places: every string that starts with `=`, anywhere in the parameters, compiled once.

n8n: keys are never evaluated, and nothing but the first character decides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler import adapter as expressions
from schemas.expression import Expression, Path, Placed, Script, Template
from schemas.node import Node, declarations

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Program:
    """A program in a parameter: the value of a field declared with `code`."""

    at: Place
    source: str
    language: str


def strings(value: Any, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every string in a JSON value with its place."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from strings(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from strings(each, (*at, index))


def placed(parameters: Mapping[str, Any], resolvable: Mapping[str, str], programs: frozenset[str]) -> list[Placed]:
    """The expressions of effective parameters. `resolvable`: wire name -> 'text' or 'json'; `programs` are left alone."""
    found: list[Placed] = []
    for at, text in strings(parameters):
        if at[0] in programs:
            continue
        if text.startswith("="):
            found.append(Placed(at=at, expression=expressions.compile_expression(text)))
        elif "{{" in text and at[0] in resolvable:
            made = expressions.compile_resolvables(text, resolvable[str(at[0])])
            found.append(Placed(at=at, expression=made))
    return found


def reads(expression: Expression) -> frozenset[str] | None:
    """Names of the nodes whose data an expression may read; None: any."""
    if isinstance(expression, Path):
        return frozenset({expression.node} if expression.node else ())
    if isinstance(expression, Template):
        return frozenset(part.node for part in expression.parts if isinstance(part, Path) and part.node)
    if isinstance(expression, Script):
        return None if expression.nodes is None else frozenset(expression.nodes)
    return frozenset()


def special(node: type[Node], parameters: Mapping[str, Any], version: float) -> tuple[dict[str, str], dict[str, str]]:
    """Which wire names hold resolvable text, and which hold programs (name -> language), among those shown."""
    resolvable: dict[str, str] = {}
    programs: dict[str, str] = {}
    for each in declarations(node).values():
        if each.info.resolvables and each.visible(parameters, version):
            resolvable[each.alias] = each.info.resolvables
        if each.info.code and each.visible(parameters, version):
            programs[each.alias] = each.info.code
    return resolvable, programs
