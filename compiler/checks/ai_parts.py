"""AI sub-nodes: on the right port, none missing, none left unconnected."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from compiler.reachability import is_sub_node
from compiler.suggest import nearest
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic, pointer
from schemas.diagnostic.graph import MissingPart, PartAlone, TooManyParts, WrongPort
from schemas.diagnostic.nodes import UnsupportedChoice
from schemas.plan import Kind

PACKAGE: Final = "@n8n/n8n-nodes-langchain."
REQUIRED_PORTS: Final[dict[str, tuple[str, ...]]] = {
    "agent": ("ai_languageModel",),
    "agentTool": ("ai_languageModel",),
    "chainLlm": ("ai_languageModel",),
    "chainSummarization": ("ai_languageModel",),
    "chainRetrievalQa": ("ai_languageModel", "ai_retriever"),
    "informationExtractor": ("ai_languageModel",),
    "textClassifier": ("ai_languageModel",),
    "sentimentAnalysis": ("ai_languageModel",),
    "memoryManager": ("ai_memory",),
    "outputParserAutofixing": ("ai_languageModel", "ai_outputParser"),
    "toolVectorStore": ("ai_vectorStore", "ai_languageModel"),
    "retrieverVectorStore": ("ai_vectorStore",),
    "modelSelector": ("ai_languageModel",),
}
"""Node type (without package) -> sub-node ports that n8n marks as required."""
SINGLE_PORTS: Final = (
    "ai_memory",
    "ai_outputParser",
    "ai_retriever",
    "ai_embedding",
    "ai_vectorStore",
    "ai_textSplitter",
)
"""Ports that accept a single sub-node in n8n."""
PORT_NAMES: Final = {
    "ai_languageModel": "a chat model",
    "ai_memory": "a memory",
    "ai_outputParser": "an output parser",
    "ai_retriever": "a retriever",
    "ai_embedding": "an embedding",
    "ai_vectorStore": "a vector store",
    "ai_textSplitter": "a text splitter",
    "ai_tool": "a tool",
    "ai_document": "a document loader",
    "ai_agent": "an agent",
    "ai_chain": "a chain",
    "ai_reranker": "a reranker",
}


def ai_parts(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about the port of each sub-node and about the sub-nodes that each root node requires."""
    yield from _ports(unit)
    for name, bound in unit.bound.items():
        if not bound.node.disabled:
            yield from _missing(unit, bound)
            yield from _several(unit, bound)
            yield from _lacking(unit, bound)
        if is_sub_node(bound) and not unit.graph.roots(name) and not unit.graph.out(name) and not bound.node.disabled:
            yield PartAlone(at=bound.at, node=name)


def _ports(unit: Unit) -> Iterator[Diagnostic]:
    for link in unit.graph.sub_node_links:
        source = unit.bound[link.source]
        at = unit.at("/connections" + pointer(link.source, link.type, link.output, link.place), link.source)
        port = link.type
        if port not in PORT_NAMES:
            reason = f"there is no such port{_hint(port)}"
        elif is_sub_node(source) and source.declared is not None:
            own = getattr(source.declared, "connection", port)
            if own == port:
                continue
            reason = f"it is {PORT_NAMES.get(own, own)}"
        elif source.declared is not None and source.declared.kind is not Kind.SUBNODE and not _may_serve(source, port):
            reason = "it is not a sub-node"
        else:
            continue
        yield WrongPort(at=at, source=link.source, target=link.target, port=PORT_NAMES.get(port, port), reason=reason)
    for link in unit.graph.main_links:
        source = unit.bound[link.source]
        if is_sub_node(source):
            at = unit.at("/connections" + pointer(link.source, "main", link.output, link.place), link.source)
            reason = "a sub-node has no main output"
            yield WrongPort(at=at, source=link.source, target=link.target, port="main", reason=reason)


def _hint(port: str) -> str:
    match = nearest(port, PORT_NAMES)
    return f"; did you mean {match}?" if match else ""


def _may_serve(source: BoundNode, port: str) -> bool:
    """Return whether the node may be connected to the port: ordinary nodes serve as tools, vector stores as several
    things.
    """
    return source.node.type.endswith("Tool") or "vectorStore" in source.node.type or port in ("ai_agent", "ai_chain")


def _missing(unit: Unit, bound: BoundNode) -> Iterator[Diagnostic]:
    short = bound.node.type.removeprefix(PACKAGE) if bound.node.type.startswith(PACKAGE) else ""
    connected = {link.type for link in unit.graph.sub_nodes(bound.node.name)}
    enabled = {link.type for link in unit.graph.sub_nodes(bound.node.name) if not unit.bound[link.source].node.disabled}
    for part in REQUIRED_PORTS.get(short, ()):
        if part not in enabled:
            advice = "enable the one that is connected" if part in connected else f"connect {PORT_NAMES[part]}"
            yield MissingPart(at=bound.at, node=bound.node.name, part=PORT_NAMES[part], advice=advice)


def _lacking(unit: Unit, bound: BoundNode) -> Iterator[Diagnostic]:
    ports = bound.instance.unsupported_ports(bound.node.type_version) if bound.instance is not None else {}
    for link in unit.graph.sub_nodes(bound.node.name):
        if link.type in ports and not unit.bound[link.source].node.disabled:
            at = unit.at("/connections" + pointer(link.source, link.type, link.output, link.place), bound.node.name)
            advice = ports[link.type]
            yield UnsupportedChoice(at=at, type=bound.node.type, name="port", value=link.type, advice=advice)


def _several(unit: Unit, bound: BoundNode) -> Iterator[Diagnostic]:
    links = [link for link in unit.graph.sub_nodes(bound.node.name) if not unit.bound[link.source].node.disabled]
    counts = Counter(link.type for link in links)
    for part in SINGLE_PORTS:
        if counts[part] > 1:
            yield TooManyParts(at=bound.at, node=bound.node.name, part=PORT_NAMES[part], count=counts[part], limit=1)
    models = 2 if bound.parameters.get("needsFallback") or bound.node.type.endswith(".modelSelector") else 1
    if counts["ai_languageModel"] > models and not bound.node.type.endswith(".modelSelector"):
        count = counts["ai_languageModel"]
        yield TooManyParts(
            at=bound.at, node=bound.node.name, part=PORT_NAMES["ai_languageModel"], count=count, limit=models
        )
