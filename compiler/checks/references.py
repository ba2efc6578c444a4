"""What expressions and programs read: nodes that exist and come before, data that is pinned, nothing that is denied."""

import re
from collections.abc import Iterator
from typing import Final

from compiler.placing import strings
from compiler.reach import is_part, live
from compiler.suggest import did_you_mean
from compiler.unit import Bound, Unit
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.expressions import (
    EnvironmentRead,
    NoEqualsSign,
    NotUpstream,
    OtherBranch,
    UnboundedScript,
    UnknownReference,
)
from schemas.expression import Script

TEMPLATE: Final = re.compile(r"\{\{.{0,60}?(?:\$json|\$node|\$\(|\$now|\$input|\$binary|\$vars|\$workflow)", re.DOTALL)


def references(unit: Unit) -> Iterator[Diagnostic]:
    """Every expression of every node."""
    reached = live(unit)
    for bound in unit.bound.values():
        before, after = _before(unit, bound), unit.graph.downstream([bound.node.name])
        for found in bound.found:
            at = bound.at.within("parameters", *found.at)
            yield from _names(unit, before, after, found.compiled.references or frozenset(), at, found.name, reached)
            if "$env" in found.compiled.variables:
                yield EnvironmentRead(at=at, parameter=found.name)
            if isinstance(found.compiled.expression, Script) and not found.compiled.expression.linear:
                yield UnboundedScript(at=at, parameter=found.name)
        yield from _plain(bound)


def _before(unit: Unit, bound: Bound) -> set[str]:
    """Nodes that lead here; for a sub-node those that lead to the nodes that it serves."""
    name = bound.node.name
    roots = {name}
    while extra := {link.target for root in roots for link in unit.graph.roots(root)} - roots:
        roots |= extra
    return unit.graph.upstream(roots)


def _names(
    unit: Unit,
    before: set[str],
    after: set[str],
    names: frozenset[str],
    at: Location,
    parameter: str,
    reached: set[str],
) -> Iterator[Diagnostic]:
    for name in sorted(names - before):
        if name not in unit.bound:
            yield UnknownReference(at=at, parameter=parameter, name=name, advice=did_you_mean(name, unit.bound))
        elif is_part(unit.bound[name]):
            continue
        elif name in reached - after and before & unit.graph.upstream([name]):
            yield OtherBranch(at=at, parameter=parameter, name=name)
        else:
            yield NotUpstream(at=at, parameter=parameter, name=name)


def _plain(bound: Bound) -> Iterator[Diagnostic]:
    """Text with `{{ $json... }}` that nobody evaluates."""
    evaluated = {found.at for found in bound.found}
    for at, text in strings(bound.parameters):
        if at in evaluated or text.startswith("=") or str(at[0]) in bound.programs or "{{" not in text:
            continue
        found = TEMPLATE.search(text)
        if found is not None:
            excerpt = text[found.start() : found.start() + 40].splitlines()[0]
            place = bound.at.within("parameters", *at).after(found.start())
            yield NoEqualsSign(at=place, parameter=_dotted(at), excerpt=excerpt)


def _dotted(at: tuple[str | int, ...]) -> str:
    return ".".join(map(str, at))
