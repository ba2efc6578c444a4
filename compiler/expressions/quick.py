"""Operators over constants and paths as a small tree that Python walks: most scripts of real exports are no more than a
comparison, a sum or a ternary, and a call of V8 costs a hundred times what they do.

The tree is only a short cut: if a value is not of the plain types for which Python and JavaScript agree, the script
itself is run.
"""

from typing import Any, Final

from compiler.expressions.simple import simplify
from compiler.expressions.syntax import Node, ParsedCode, walk

__all__ = ["quick"]

Tree = list[Any]
"""["path", {...}], ["value", x], or [operator, operand, ...]."""

_BINARY: Final = frozenset({"+", "-", "*", "/", "%", "===", "!==", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "??"})
_UNARY: Final = frozenset({"!", "-", "+"})
_METHODS: Final = {"toUpperCase": 0, "toLowerCase": 0, "trim": 0, "includes": 1, "startsWith": 1, "endsWith": 1}
"""Methods of strings, with how many arguments they take here."""


def quick(source: ParsedCode, node: Node) -> Tree | None:
    """Return the operator tree of an expression; None if it contains a construct that the tree cannot express."""
    simple = simplify(source, node)
    if simple is not None:
        if any(each.type == "optional_chain" for each in walk(node)):
            return None  # which link may be missing is not in a path, and inside operators it matters
        return ["value", simple.value] if simple.kind == "literal" else ["path", simple.model_dump(mode="json")]
    match node.type:
        case "parenthesized_expression":
            inside = [child for child in node.named_children if child.type not in ("comment", "html_comment")]
            return quick(source, inside[0]) if len(inside) == 1 else None
        case "binary_expression":
            return _operation(source, node, _BINARY, ("left", "right"))
        case "unary_expression":
            return _operation(source, node, _UNARY, ("argument",))
        case "ternary_expression":
            return _all(source, node, "?:", ("condition", "consequence", "alternative"))
        case "template_string":
            return _template(source, node)
        case "call_expression":
            return _call(source, node)
    return None


def _operation(source: ParsedCode, node: Node, known: frozenset[str], fields: tuple[str, ...]) -> Tree | None:
    operator = node.child_by_field_name("operator")
    name = source.text(operator) if operator is not None else ""
    if name not in known:
        return None
    return _all(source, node, name if len(fields) > 1 else f"unary {name}", fields)


def _all(source: ParsedCode, node: Node, name: str, fields: tuple[str, ...]) -> Tree | None:
    tree: Tree = [name]
    for field in fields:
        operand = node.child_by_field_name(field)
        part = quick(source, operand) if operand is not None else None
        if part is None:
            return None
        tree.append(part)
    return tree


def _template(source: ParsedCode, node: Node) -> Tree | None:
    tree: Tree = ["`"]
    for child in node.children[1:-1]:
        if child.type == "template_substitution":
            inside = child.named_children
            part = quick(source, inside[0]) if len(inside) == 1 else None
        elif child.type == "string_fragment":
            part = ["value", source.text(child).replace("\r\n", "\n").replace("\r", "\n")]
        else:
            part = None
        if part is None:
            return None
        tree.append(part)
    return tree


def _call(source: ParsedCode, node: Node) -> Tree | None:
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or function.type != "member_expression" or arguments.type != "arguments":
        return None
    receiver, name = function.child_by_field_name("object"), function.child_by_field_name("property")
    if receiver is None or name is None or any(child.type == "optional_chain" for child in function.children):
        return None
    method = source.text(name)
    operands = arguments.named_children
    if _METHODS.get(method) != len(operands):
        return None
    parts = [quick(source, receiver), *(quick(source, each) for each in operands)]
    return None if any(part is None for part in parts) else [f".{method}", *parts]
