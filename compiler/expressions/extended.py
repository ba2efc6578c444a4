"""What n8n cannot write again in a template that calls one of its extension methods (`.isEmpty()`), and refuses as invalid syntax.

| author | with an extension method anywhere in the template |
|---|---|
| `a?.[{}]`, `a?.[[0]]`, `a?.[b?.c]`, `a?.[b && c]`, `` a?.[`b`] `` | refused; a name, a text, a number, a path or a sum as the key is not |
| `` `${a?.b}` `` | refused in these words, not in those that it has without such a method |
| `` `a``, a break, ``b`.isEmpty() `` | refused; in brackets, or with the break behind a `${}`, it is not |
"""

from collections.abc import Iterable
from typing import Final

from compiler.expressions.syntax import InvalidCodeError, Node, ParsedCode, walk
from compiler.expressions.template import CodePart
from schemas.expression import EXTENSION_NAMES

__all__ = ["calls_extension", "check_extended"]

_UNWRITABLE: Final = frozenset({
    "array", "arrow_function", "function_expression", "new_expression", "object", "template_string", "ternary_expression", "unary_expression",
})  # fmt: skip
_LOGICAL: Final = frozenset({"&&", "||", "??"})
_CHAINED: Final = ("object", "function")


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


def calls_extension(code: str) -> bool:
    """Return whether a piece of code that does not parse seems to call an extension method."""
    return any(f".{name}(" in code for name in EXTENSION_NAMES)


def _is_unwritable_key(source: ParsedCode, key: Node | None) -> bool:
    while key is not None and key.type == "parenthesized_expression":
        key = next(iter(key.named_children), None)
    if key is None:
        return False
    if key.type == "binary_expression":
        operator = key.child_by_field_name("operator")
        return operator is not None and source.text(operator) in _LOGICAL
    return key.type in _UNWRITABLE or _has_optional_link(key)


def _has_optional_link(node: Node) -> bool:
    """Return whether a path is read by `?.` somewhere."""
    below: Node | None = node
    while below is not None and below.type in ("call_expression", "member_expression", "subscript_expression"):
        if below.child_by_field_name("optional_chain") is not None:
            return True
        links = (below.child_by_field_name(name) for name in _CHAINED)
        below = next((each for each in links if each is not None), None)
    return False


def _is_unwritable(source: ParsedCode, node: Node) -> bool:
    if node.type == "subscript_expression" and node.child_by_field_name("optional_chain") is not None:
        return _is_unwritable_key(source, node.child_by_field_name("index"))
    if not _is_extension(source, node):
        return False
    function = node.child_by_field_name("function")
    receiver = function.child_by_field_name("object") if function is not None else None
    if receiver is None or receiver.type != "template_string":
        return False
    first = next((child for child in receiver.children if child.type == "template_substitution"), None)
    end = receiver.end_byte if first is None else first.start_byte
    return b"\n" in source.data[receiver.start_byte : end]
