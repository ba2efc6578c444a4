"""What expressions and programs read: nodes that exist and come before, data that is pinned, nothing that is denied."""

import re
from collections.abc import Iterator
from typing import Final

from compiler.graph.ancestry import Ancestry
from compiler.reachability import is_part, live
from compiler.sites.expression_sites import Found, dotted, text_at
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
    reached, ancestry = live(unit), Ancestry(unit.graph, list(unit.bound))
    for bound in unit.bound.values():
        before = ancestry.before(_roots(unit, bound.node.name))
        for found in bound.found:
            if not _interesting(found):
                continue
            whole = bound.at.within("parameters", *found.at)
            text = text_at(bound.parameters, found.at)
            for name in sorted(found.compiled.references or ()):
                at = whole.after(max(text.find(name), 0))
                if name not in unit.bound:
                    advice = unit.hint(name, unit.bound) or _before(unit, bound)
                    yield UnknownReference(at=at, parameter=found.name, name=name, advice=advice)
                elif not ancestry.among(name, before) and not is_part(unit.bound[name]):
                    yield _elsewhere(at, found.name, name, name in reached and _beside(ancestry, bound, name, before))
            if "$env" in found.compiled.variables:
                yield EnvironmentRead(at=whole.after(text.find("$env")), parameter=found.name)
            if isinstance(found.compiled.expression, Script) and not found.compiled.expression.linear:
                yield UnboundedScript(at=whole, parameter=found.name)
        yield from _plain(bound)


def _interesting(found: Found) -> bool:
    """Whether there may be a finding: most expressions read `$json` and nothing else."""
    made = found.compiled
    return bool(made.references) or "$env" in made.variables or isinstance(made.expression, Script)


def _roots(unit: Unit, name: str) -> set[str]:
    """The node itself; for a sub-node also the nodes that it serves, whose place in the order is its own."""
    roots = {name}
    while extra := {link.target for root in roots for link in unit.graph.roots(root)} - roots:
        roots |= extra
    return roots


def _before(unit: Unit, bound: Bound) -> str:
    """What could have been meant when no name is near."""
    sources = list(dict.fromkeys(link.source for link in unit.graph.into(bound.node.name)))
    return f"the node directly before this one is {' or '.join(map(repr, sources[:3]))}" if sources else ""


def _beside(ancestry: Ancestry, bound: Bound, name: str, before: int) -> bool:
    """Whether the two have a node before them in common, and neither comes before the other."""
    others = ancestry.before([name])
    return bool(others & before) and not ancestry.among(bound.node.name, others)


def _elsewhere(at: Location, parameter: str, name: str, beside: bool) -> OtherBranch | NotUpstream:
    return (OtherBranch if beside else NotUpstream)(at=at, parameter=parameter, name=name)


def _plain(bound: Bound) -> Iterator[Diagnostic]:
    """Text with `{{ $json... }}` that is not evaluated."""
    evaluated = {found.at for found in bound.found}
    for at, text in bound.texts:
        if "{{" not in text or text[0] == "=" or at in evaluated or str(at[0]) in bound.programs:
            continue
        found = TEMPLATE.search(text)
        if found is not None:
            excerpt = text[found.start() : found.start() + 40].splitlines()[0]
            place = bound.at.within("parameters", *at).after(found.start())
            yield NoEqualsSign(at=place, parameter=dotted(at), excerpt=excerpt)
