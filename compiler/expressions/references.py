"""Find what a script or a program reads: names of nodes, and n8n's variables."""

import re
from dataclasses import dataclass, field

from compiler.expressions.simple import called_with, string_value
from compiler.expressions.syntax import Node, ParsedCode, walk

__all__ = ["References", "python_variables", "references", "scan_python"]

_LEGACY_DATA = frozenset({"binary", "context", "data", "json", "runIndex"})
_WAYS = frozenset({"all", "context", "first", "isExecuted", "item", "itemMatching", "last", "pairedItem", "params"})
_PAIRED = frozenset({"item", "itemMatching", "pairedItem"})
_STATIC_DATA = frozenset({"$getWorkflowStaticData", "getWorkflowStaticData"})
_PYTHON_VARIABLE = re.compile(r"\b_(vars|execution|getWorkflowStaticData)\b")
_PYTHON_NODE = re.compile(r"""\b_(?:node)?\s*[\[(]\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*[\])]""")
_PYTHON_ANY = re.compile(r"\b_(?:\s*\(|node\b|items\s*\()")


@dataclass
class References:
    """`ways`: per node, how it is read (`first`, `item`, ...; `any` where that is not plain).

    `dynamic`: a name is computed, so any node may be read.
    """

    ways: dict[str, set[str]] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    dynamic: bool = False

    @property
    def nodes(self) -> frozenset[str] | None:
        """Names of the nodes it may read; None: any."""
        return None if self.dynamic else frozenset(self.ways)

    @property
    def pairs(self) -> bool:
        """True when it may follow paired items."""
        return any(ways & _PAIRED for ways in self.ways.values()) or self.dynamic

    def add(self, name: str, way: str) -> None:
        """Remember that a node is read in this way."""
        self.ways.setdefault(name, set()).add(way)


def references(source: ParsedCode, root: Node) -> References:
    """Return the nodes and variables that the code below `root` reads."""
    reads = References()
    for node in walk(root):
        if node.type in ("identifier", "shorthand_property_identifier"):
            _identifier(source, node, reads)
        elif node.type == "property_identifier" and source.text(node) in ("$node", "$items", "$", *_STATIC_DATA):
            _identifier(source, node, reads)  # `$item(0).$node["X"]`, `this.getWorkflowStaticData("global")`
    return reads


def _identifier(source: ParsedCode, node: Node, reads: References) -> None:
    name = source.text(node)
    if name in _STATIC_DATA:
        reads.variables.add("$getWorkflowStaticData")
    elif name.startswith("$") or name in ("items", "item"):
        reads.variables.add(name)
    if name == "$":
        _call(source, node, reads)
    elif name == "$node":
        _member(source, node, reads)
    elif name == "$items":
        _items(source, node, reads)
    elif name in ("$getPairedItem", "$evaluateExpression"):
        reads.dynamic = True


def _whole_name(node: Node) -> Node:
    """Return the expression that `node` names: itself, or the member expression whose property it is."""
    parent = node.parent
    if node.type == "property_identifier" and parent is not None and parent.type == "member_expression":
        return parent
    return node


def _call(source: ParsedCode, node: Node, reads: References) -> None:
    callee = _whole_name(node)
    call = callee.parent
    name = (
        called_with(source, call, source.text(callee)) if call is not None and call.type == "call_expression" else None
    )
    if name is None or call is None:
        reads.dynamic = True
    else:
        reads.add(name, _way(source, call))


def _way(source: ParsedCode, call: Node) -> str:
    parent = call.parent
    if parent is not None and parent.type == "member_expression" and parent.child_by_field_name("object") == call:
        member = parent.child_by_field_name("property")
        way = source.text(member) if member is not None else ""
        return way if way in _WAYS and _is_plain(parent, way) else "any"
    return "any"


def _is_plain(member: Node, way: str) -> bool:
    """Return whether only the latest run is read: `.first()`, `.last()` and `.all()` do so unless their second argument
    names a run.
    """
    if way not in ("first", "last", "all"):
        return True
    call = member.parent
    if call is None or call.type != "call_expression" or call.child_by_field_name("function") != member:
        return False
    arguments = call.child_by_field_name("arguments")
    return arguments is not None and arguments.type == "arguments" and _reads_latest_run(arguments.named_children, 1)


def _reads_latest_run(operands: list[Node], max_count: int) -> bool:
    return len(operands) <= max_count and all(each.type != "spread_element" for each in operands)


def _member(source: ParsedCode, node: Node, reads: References) -> None:
    target = _whole_name(node)
    parent = target.parent
    if parent is not None and parent.child_by_field_name("object") == target:
        if parent.type == "member_expression":
            member = parent.child_by_field_name("property")
            if member is not None:
                _legacy(source, parent, source.text(member), reads)
                return
        index = parent.child_by_field_name("index")
        if index is not None and index.type in ("string", "template_string"):
            name = string_value(source, index)
            if name is not None:
                _legacy(source, parent, name, reads)
                return
    reads.dynamic = True


def _legacy(source: ParsedCode, node: Node, name: str, reads: References) -> None:
    """Note that `node` is `$node["X"]`, and whether it may be read for its parameters."""
    reads.add(name, "legacy")
    parent = node.parent
    member = (
        parent.child_by_field_name("property")
        if parent is not None and parent.type == "member_expression" and parent.child_by_field_name("object") == node
        else None
    )
    if member is None or source.text(member) not in _LEGACY_DATA:
        reads.add(name, "parameter")


def _items(source: ParsedCode, node: Node, reads: References) -> None:
    callee = _whole_name(node)
    call = callee.parent
    arguments = call.child_by_field_name("arguments") if call is not None and call.type == "call_expression" else None
    if arguments is None or arguments.type != "arguments":
        reads.dynamic = True
        return
    operands = arguments.named_children
    if not operands:
        return
    name = string_value(source, operands[0]) if operands[0].type in ("string", "template_string") else None
    if name is None:
        reads.dynamic = True
    else:
        reads.add(name, "all" if _reads_latest_run(operands, 2) else "any")


def python_variables(source: str) -> frozenset[str]:
    """Return n8n's variables that a program in Python may read, by their names in JavaScript."""
    return frozenset(f"${name}" for name in _PYTHON_VARIABLE.findall(source))


def scan_python(source: str) -> frozenset[str] | None:
    """Return the names of the nodes that a Python program may read; None if a name is computed, so that it may be any."""
    names = {first or second for first, second in _PYTHON_NODE.findall(source)}
    return None if len(_PYTHON_ANY.findall(source)) > len(_PYTHON_NODE.findall(source)) else frozenset(names)
