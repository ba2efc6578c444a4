"""What n8n cannot write again in a template that calls one of its extension methods (`.isEmpty()`), and refuses as invalid syntax.

| author | with an extension method anywhere in the template |
|---|---|
| `a?.[{}]`, `a?.[new Date(0)]`, `` a?.[`b`] ``, `a?.[typeof b]` | refused; a name, a text, a number or a sum as the key is not |
| `` `a``, a break, ``b`.isEmpty() `` | refused; in brackets, or with the break behind a `${}`, it is not |
"""

from collections.abc import Iterable
from typing import Final

from compiler.expressions.syntax import InvalidCodeError, Node, ParsedCode, walk
from compiler.expressions.template import CodePart
from schemas.expression import EXTENSION_NAMES

__all__ = ["check_extended"]

_UNWRITABLE: Final = frozenset({"new_expression", "object", "template_string", "unary_expression"})


def check_extended(chunks: Iterable[tuple[CodePart, ParsedCode, Node]]) -> None:
    """Raise InvalidCodeError, with its place in the template, for what n8n cannot write again."""
    trees = list(chunks)
    if not any(_is_extension(source, node) for _, source, root in trees for node in walk(root)):
        return
    for code, source, root in trees:
        for node in walk(root):
            if _is_unwritable(source, node):
                raise InvalidCodeError("invalid syntax", code.place(source.index(node.start_byte)))


def _is_extension(source: ParsedCode, node: Node) -> bool:
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    method = function.child_by_field_name("property") if function is not None else None
    return method is not None and source.text(method) in EXTENSION_NAMES


def _is_unwritable(source: ParsedCode, node: Node) -> bool:
    if node.type == "subscript_expression" and node.child_by_field_name("optional_chain") is not None:
        index = node.child_by_field_name("index")
        return index is not None and index.type in _UNWRITABLE
    if not _is_extension(source, node):
        return False
    function = node.child_by_field_name("function")
    receiver = function.child_by_field_name("object") if function is not None else None
    if receiver is None or receiver.type != "template_string":
        return False
    first = next((child for child in receiver.children if child.type == "template_substitution"), None)
    end = receiver.end_byte if first is None else first.start_byte
    return b"\n" in source.data[receiver.start_byte : end]
