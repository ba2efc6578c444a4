"""Expressions that need no JavaScript at run time: constants, and walks through data.

Four of five expressions in real exports are one of these or text mixed with them.
"""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from compiler.expressions.gate import check_node
from compiler.expressions.syntax import Node, ParsedCode, walk
from schemas.expression import FORBIDDEN_NAMES, Literal, Path

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_HEX_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})\Z")
_PLAIN_NUMBER = re.compile(r"(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?\Z|\.\d+(?:[eE][+-]?\d+)?\Z")
_INDEX = re.compile(r"(?:0|[1-9]\d*)\Z")
_MAX_SAFE_INTEGER = 2**53
"""Up to here a double holds every integer."""

_ITEM_ROOTS = {"$json": "$json", "$data": "$json", "$binary": "$binary"}
_PLAIN_ROOTS = {
    "$executionId": "$executionId",
    "$itemIndex": "$itemIndex",
    "$mode": "$mode",
    "$nodeId": "$nodeId",
    "$nodeVersion": "$nodeVersion",
    "$position": "$itemIndex",
    "$prevNode": "$prevNode",
    "$runIndex": "$runIndex",
    "$thisItemIndex": "$itemIndex",
    "$thisRunIndex": "$runIndex",
    "$vars": "$vars",
    "$workflow": "$workflow",
}
_EXECUTION = frozenset({"id", "mode", "resumeFormUrl", "resumeUrl"})
_NODE_MEMBERS = frozenset({"context", "isExecuted", "item", "params"})
_NODE_CALLS = frozenset({"all", "first", "last"})
_LEGACY_MEMBERS = {"json": "$node.json", "data": "$node.json", "binary": "$node.binary", "runIndex": "$node.runIndex"}


class _Call(NamedTuple):
    """A call without arguments in a chain."""


Link = str | int | _Call


def simplify(source: ParsedCode, node: Node) -> Literal | Path | None:
    """Return the constant or the path that the expression is; None if it is neither. Raise InvalidCodeError if a key of
    the path is forbidden.
    """
    constant = _constant(source, node)
    if constant is not _NOT_CONSTANT:
        return Literal(value=constant)
    return _path(source, node)


# --- constants -----------------------------------------------------------------------------------------------------

_NOT_CONSTANT: Any = object()


def _constant(source: ParsedCode, node: Node) -> Any:
    node = _unwrap(node)
    match node.type:
        case "true" | "false":
            return node.type == "true"
        case "null":
            return None
        case "number":
            return _number(source.text(node))
        case "string" | "template_string":
            text = string_value(source, node)
            return _NOT_CONSTANT if text is None else text
        case "unary_expression":
            return _negative(source, node)
    return _NOT_CONSTANT


def _negative(source: ParsedCode, node: Node) -> Any:
    operator, argument = node.child_by_field_name("operator"), node.child_by_field_name("argument")
    if operator is None or argument is None or argument.type != "number" or source.text(operator) != "-":
        return _NOT_CONSTANT
    number = _number(source.text(argument))
    return _NOT_CONSTANT if number is _NOT_CONSTANT or number == 0 else -number


def _number(text: str) -> Any:
    if not _PLAIN_NUMBER.match(text):
        return _NOT_CONSTANT
    number = float(text)
    if not math.isfinite(number):
        return _NOT_CONSTANT
    return int(number) if number.is_integer() and number <= _MAX_SAFE_INTEGER else number


def string_value(source: ParsedCode, node: Node) -> str | None:
    """Return the value of a string literal or of a template literal without substitutions; None if it is neither, or
    has an escape that is not supported here.
    """
    pieces: list[str] = []
    for child in node.children[1:-1]:
        piece = _escape(source.text(child)) if child.type == "escape_sequence" else source.text(child)
        if piece is None or child.type not in ("string_fragment", "escape_sequence"):
            return None
        pieces.append(piece)
    text = "".join(pieces)
    if node.type == "template_string":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _escape(sequence: str) -> str | None:
    if (match := _HEX_ESCAPE.match(sequence)) is not None:
        code = int(match[1] or match[2] or match[3], 16)
        return None if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF else chr(code)
    if sequence[1:] in ("\n", "\r\n", "\r", "\u2028", "\u2029"):
        return ""
    if len(sequence) != 2 or sequence[1] in "123456789xu":  # a backslash and one character
        return None
    return _ESCAPES.get(sequence[1], sequence[1])


# --- paths ---------------------------------------------------------------------------------------------------------


def _unwrap(node: Node) -> Node:
    while node.type == "parenthesized_expression":
        inside = [child for child in node.named_children if child.type not in ("comment", "html_comment")]
        if len(inside) != 1:
            break
        node = inside[0]
    return node


def _path(source: ParsedCode, node: Node) -> Path | None:
    links: list[Link] = []
    node = _unwrap(node)
    while node.type in ("member_expression", "subscript_expression", "call_expression"):
        link, below = _link(source, node)
        if below is None:
            return None
        if link is None:
            break
        links.append(link)
        node = _unwrap(below)
    links.reverse()
    root = _root(source, node, links)
    return root if root is None or _passes_gate(source, root) else None


def _passes_gate(source: ParsedCode, path: Path) -> bool:
    if any(key in FORBIDDEN_NAMES for key in path.keys):
        for node in walk(source.root):
            check_node(source, node)
        return False
    return True


def _link(source: ParsedCode, node: Node) -> tuple[Link | None, Node | None]:
    """Return one link and what is below it. (None, node): the root call `$('Node')`. (..., None): not a path."""
    if node.type == "member_expression":
        name = node.child_by_field_name("property")
        known = name is not None and name.type == "property_identifier" and "\\" not in source.text(name)
        return (source.text(name), node.child_by_field_name("object")) if known and name else (None, None)
    if node.type == "subscript_expression":
        index = node.child_by_field_name("index")
        key = _key(source, index) if index is not None else None
        return (None, None) if key is None else (key, node.child_by_field_name("object"))
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or arguments.type != "arguments":
        return None, None
    if function.type == "identifier":
        return None, node
    return (_Call(), function) if arguments.named_child_count == 0 else (None, None)


def _key(source: ParsedCode, index: Node) -> str | int | None:
    index = _unwrap(index)
    if index.type in ("string", "template_string"):
        return string_value(source, index)
    if index.type == "number" and _INDEX.match(source.text(index)) and int(source.text(index)) < _MAX_SAFE_INTEGER:
        return int(source.text(index))
    return None


def _root(source: ParsedCode, node: Node, links: list[Link]) -> Path | None:
    if node.type == "call_expression":
        name = called_with(source, node, "$")
        return _node_path(name, links) if name is not None else None
    if node.type != "identifier":
        return None
    name = source.text(node)
    if name in _ITEM_ROOTS:
        return _path_from(_ITEM_ROOTS[name], None, links)
    if name in _PLAIN_ROOTS:
        return _path_from(_PLAIN_ROOTS[name], None, links)
    builders: dict[str, Callable[[list[Link]], Path | None]] = {
        "$execution": _execution_path,
        "$input": _input_path,
        "$node": _legacy_path,
    }
    return builders[name](links) if name in builders else None


def called_with(source: ParsedCode, node: Node, function: str) -> str | None:
    """Return the constant string that is the only argument of a call of `function`; None for any other call."""
    callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if callee is None or arguments is None or source.text(callee) != function or arguments.named_child_count != 1:
        return None
    argument = arguments.named_children[0]
    return string_value(source, argument) if argument.type in ("string", "template_string") else None


def _path_from(root: str, node: str | None, links: list[Link]) -> Path | None:
    keys = [link for link in links if not isinstance(link, _Call)]
    return Path(root=root, node=node, keys=tuple(keys)) if len(keys) == len(links) else None


def _execution_path(links: list[Link]) -> Path | None:
    return _path_from("$execution", None, links) if links and links[0] in _EXECUTION else None


def _input_path(links: list[Link]) -> Path | None:
    if links and links[0] == "item":
        return _path_from("$input.item", None, links[1:])
    if len(links) > 1 and links[0] in _NODE_CALLS and isinstance(links[1], _Call):
        return _path_from(f"$input.{links[0]}", None, links[2:])
    return None


def _node_path(name: str, links: list[Link]) -> Path | None:
    if name and links and links[0] in _NODE_MEMBERS:
        return _path_from(f"node.{links[0]}", name, links[1:])
    if name and len(links) > 1 and links[0] in _NODE_CALLS and isinstance(links[1], _Call):
        return _path_from(f"node.{links[0]}", name, links[2:])
    return None


def _legacy_path(links: list[Link]) -> Path | None:
    if len(links) > 1 and isinstance(links[0], str) and links[1] in _LEGACY_MEMBERS:
        return _path_from(_LEGACY_MEMBERS[str(links[1])], links[0], links[2:])
    return None
