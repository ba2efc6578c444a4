"""Node types to classes: the catalogue answers, and what it does not know becomes an unsupported step."""

import re
from typing import Final

from compiler.suggest import nearest
from compiler.unit import Bound, Unit
from schemas.diagnostic import Location
from schemas.diagnostic.nodes import UnsupportedNode, UnsupportedVersion
from schemas.diagnostic.reading import Normalised
from schemas.export import ExportNode

ALIASES: Final = {"n8n-nodes-base.start": "n8n-nodes-base.manualTrigger"}
"""Types that n8n has replaced by one that does the same."""


OWN: Final = ("n8n-nodes-base.", "@n8n/n8n-nodes-langchain.")
TYPED: Final = re.compile(r"^(@[\w.-]+/)?[\w-]+\.\w+$")


def resolve(unit: Unit) -> None:
    """Fill `unit.bound` with the class of each node."""
    assert unit.export is not None
    for node in unit.export.nodes:
        at = Location(
            file=unit.file, pointer=unit.base + unit.pointers[node.name], node=node.name, node_id=node.id or None
        )
        bound = Bound(node, at)
        unit.bound[node.name] = bound
        _class(unit, bound)


def _class(unit: Unit, bound: Bound) -> None:
    node, catalog = bound.node, unit.catalog
    type_ = node.type
    if type_ in ALIASES and not catalog.versions(type_):
        type_ = ALIASES[type_]
        unit.tell(Normalised(at=bound.at.within("type"), what=f"{node.type} runs as {type_}"))
    bound.declared = catalog.find(type_, node.type_version)
    if bound.declared is not None:
        return
    versions = catalog.versions(type_)
    finding: UnsupportedVersion | UnsupportedNode
    if versions:
        nearest = min(versions, key=lambda each: (abs(each - node.type_version), -each))
        at = bound.at.within("typeVersion")
        finding = UnsupportedVersion(at=at, type=type_, version=node.type_version, supported=versions, nearest=nearest)
    else:
        finding = UnsupportedNode(at=bound.at.within("type"), type=type_, advice=_advice(unit, node))
    bound.problem = finding.message
    unit.tell(finding)


def _advice(unit: Unit, node: ExportNode) -> str:
    """Did you mean: the same name in another package or case, or one that is misspelt in a letter or two."""
    short = {type_.rpartition(".")[2].casefold(): type_ for type_ in unit.catalog.types()}
    found = nearest(node.type.rpartition(".")[2], short, cutoff=0.9)
    if found is not None:
        return f"did you mean {short[found]!r}?"
    if not TYPED.match(node.type):
        return "n8n's types have the form package.name"
    return "" if node.type.startswith(OWN) else "this is a community node: replace it by HTTP Request or Code"
