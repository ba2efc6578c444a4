"""Node types to classes: the catalogue answers, and what it does not know becomes an unsupported step."""

import re
from typing import Final

from compiler.suggest import nearest
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Location
from schemas.diagnostic.nodes import UnsupportedChoice, UnsupportedNode, UnsupportedVersion
from schemas.export import ExportNode
from schemas.shapes import choices

OWN: Final = ("n8n-nodes-base.", "@n8n/n8n-nodes-langchain.")
INSTEAD: Final = {
    "agentTool": "put the agent into a workflow of its own and call that with the Call n8n Workflow Tool",
    "lmChat": "use the OpenAI Chat Model and set its Base URL",
    "lm": "use the OpenAI Chat Model and set its Base URL",
    "memory": "use Simple Memory, which is durable here, or Postgres Chat Memory",
    "openAi": "use AI Agent or Basic LLM Chain with a chat model",
    "anthropic": "use AI Agent or Basic LLM Chain with a chat model",
    "googleGemini": "use AI Agent or Basic LLM Chain with a chat model",
    "tool": "use the HTTP Request Tool or the Code Tool",
    "mcpClientTool": "use the HTTP Request Tool",
}
"""What does nearly the same, by the beginning of an AI node's name."""
TYPED: Final = re.compile(r"^(@[\w.-]+/)?[\w-]+\.\w+$")


def resolve(unit: Unit) -> None:
    """Fill `unit.bound` with the class of each node."""
    assert unit.export is not None
    for node in unit.export.nodes:
        at = Location(
            file=unit.file, pointer=unit.base + unit.pointers[node.name], node=node.name, node_id=node.id or None
        )
        unit.bound[node.name] = BoundNode(node, at)
    for bound in unit.bound.values():
        _class(unit, bound)


def _class(unit: Unit, bound: BoundNode) -> None:
    node, catalog = bound.node, unit.catalog
    declared = catalog.find(node.type, node.type_version, node.parameters, _ports(unit, node))
    if declared is not None and declared.unsupported is None:
        bound.declared = declared
        return
    versions = catalog.versions(node.type)
    finding: UnsupportedVersion | UnsupportedNode | UnsupportedChoice
    if declared is not None:
        finding = UnsupportedNode(at=bound.at.within("type"), type=node.type, advice=declared.unsupported or "")
    elif node.type_version in versions:
        finding = _no_shape(unit, bound)
    elif versions:
        nearest = min(versions, key=lambda each: (abs(each - node.type_version), -each))
        at = bound.at.within("typeVersion")
        finding = UnsupportedVersion(
            at=at, type=node.type, version=node.type_version, supported=versions, nearest=nearest
        )
    else:
        finding = UnsupportedNode(at=bound.at.within("type"), type=node.type, advice=_advice(unit, node))
    bound.problem = finding.message
    unit.report(finding)


def _ports(unit: Unit, node: ExportNode) -> set[str]:
    """Return the ports to which an enabled sub-node is connected."""
    return {each.type for each in unit.graph.sub_nodes(node.name) if not unit.bound[each.source].node.disabled}


def _no_shape(unit: Unit, bound: BoundNode) -> UnsupportedChoice:
    """The type and version are known, and no class stands for the parameters."""
    node = bound.node
    offered = choices(unit.catalog.shapes(node.type), node.type_version)
    name = next((each for each in offered if node.parameters.get(each) not in offered[each]), next(iter(offered)))
    advice = f"supported are {', '.join(repr(each) for each in offered[name])}"
    value = str(node.parameters.get(name, ""))
    at = bound.at.within("parameters", name)
    return UnsupportedChoice(at=at, type=node.type, name=name, value=value, advice=advice)


def _advice(unit: Unit, node: ExportNode) -> str:
    """Did you mean: the same name in another package or case, or one that is misspelt in a letter or two."""
    short = {type_.rpartition(".")[2].casefold(): type_ for type_ in unit.catalog.types()}
    found = nearest(node.type.rpartition(".")[2], short, cutoff=0.9)
    if found is not None:
        return f"did you mean {short[found]!r}?"
    if not TYPED.match(node.type):
        return "n8n types have the form package.name"
    return "; ".join(each for each in (_instead(node.type), "--allow-unsupported compiles the other nodes") if each)


def _instead(type_: str) -> str:
    if type_.lower().endswith("trigger"):
        return "start the workflow with a Webhook or a Schedule Trigger"
    if type_.startswith(OWN[1]):
        short = type_.removeprefix(OWN[1])
        return next((hint for start, hint in INSTEAD.items() if short.startswith(start)), "")
    own = "" if type_.startswith(OWN) else "this is a community node: "
    return own + (
        "replace it with HTTP Request Tool" if type_.endswith("Tool") else "replace it with HTTP Request or Code"
    )
