"""Check what expressions read: nodes must exist and come before, and environment variables are not available."""

import re
from collections.abc import Iterator
from typing import Final

from compiler.graph.ancestry import Ancestry
from compiler.reachability import is_sub_node, reachable_nodes
from compiler.sites.expression_sites import ExpressionSite, dotted, text_at
from compiler.unit import BoundNode, Unit
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

EXPORT: Final = "workflowJson"
"""The parameter that holds an export: its expressions are evaluated when it runs, in their own nodes."""


def references(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about the nodes and variables that expressions read, and about text that looks like an expression
    but is not evaluated.
    """
    reachable, ancestry = reachable_nodes(unit), Ancestry(unit.graph, list(unit.bound))
    for bound in unit.bound.values():
        before = ancestry.before(_roots(unit, bound.node.name))
        for site in bound.expressions:
            if not _reads_nodes(site):
                continue
            at = bound.at.within("parameters", *site.at)
            text = text_at(bound.parameters, site.at)
            for name in sorted(site.compiled.references or ()):
                name_at = at.after(max(text.find(name), 0))
                if name not in unit.bound:
                    advice = unit.hint(name, unit.bound) or _preceding_nodes(unit, bound)
                    yield UnknownReference(at=name_at, parameter=site.name, name=name, advice=advice)
                elif not ancestry.contains(name, before) and not is_sub_node(unit.bound[name]):
                    yield _not_before(
                        name_at, site.name, name, name in reachable and _in_parallel(ancestry, bound, name, before)
                    )
            if "$env" in site.compiled.variables:
                yield EnvironmentRead(at=at.after(text.find("$env")), parameter=site.name)
            if isinstance(site.compiled.expression, Script) and not site.compiled.expression.linear:
                yield UnboundedScript(at=at, parameter=site.name)
        yield from _unevaluated(bound)


def _reads_nodes(site: ExpressionSite) -> bool:
    """Return whether a finding is possible at all: most expressions read `$json` and nothing else."""
    compiled = site.compiled
    return bool(compiled.references) or "$env" in compiled.variables or isinstance(compiled.expression, Script)


def _roots(unit: Unit, name: str) -> set[str]:
    """Return the node itself and, for a sub-node, the nodes that it serves, since it runs where they run."""
    roots = {name}
    while extra := {link.target for root in roots for link in unit.graph.roots(root)} - roots:
        roots |= extra
    return roots


def _preceding_nodes(unit: Unit, bound: BoundNode) -> str:
    """Return a hint that names the nodes directly before this one, for when no similar name exists."""
    sources = list(dict.fromkeys(link.source for link in unit.graph.into(bound.node.name)))
    return f"the node directly before this one is {' or '.join(map(repr, sources[:3]))}" if sources else ""


def _in_parallel(ancestry: Ancestry, bound: BoundNode, name: str, before: int) -> bool:
    """Return whether the two nodes have an ancestor in common and neither comes before the other."""
    others = ancestry.before([name])
    return bool(others & before) and not ancestry.contains(bound.node.name, others)


def _not_before(at: Location, parameter: str, name: str, parallel: bool) -> OtherBranch | NotUpstream:
    return (OtherBranch if parallel else NotUpstream)(at=at, parameter=parameter, name=name)


def _unevaluated(bound: BoundNode) -> Iterator[Diagnostic]:
    """Yield a finding for each text with `{{ $json... }}` that is not evaluated."""
    places = {site.at for site in bound.expressions}
    for at, text in bound.texts:
        if "{{" not in text or text[0] == "=" or at in places or str(at[0]) in (*bound.programs, EXPORT):
            continue
        match = TEMPLATE.search(text)
        if match is not None:
            excerpt = text[match.start() : match.start() + 40].splitlines()[0]
            place = bound.at.within("parameters", *at).after(match.start())
            yield NoEqualsSign(at=place, parameter=dotted(at), excerpt=excerpt)
