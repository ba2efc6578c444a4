"""What n8n writes again otherwise in a template that calls one of its extension methods (`.isEmpty()`).

n8n prints a chain with a `?.` anew there, its keys without the brackets, unless the key is a text, a number or another constant,
a path, or a sum or another operation of two values:

| author, with such a method or `$if` in the template | runs |
|---|---|
| `a?.b[0]`, `a?.['x']`, `a?.[b.c]`, `a?.[b() + 1]` | the same |
| `a[i]?.b` | `a.i?.b` |
| `a?.[f(1)]`, `a?.[b.c ?? 0]` | `a?.f(1)`, `a?.b.c ?? 0`: reads a member of undefined |
| `a?.[{}]`, `a[[0]]?.b`, `a?.[b?.c]`, `a?.[1 && c]`, `` a?.[`b`] ``, `a?.[(() => 1)()]` | refused as invalid syntax |
| `` `${a?.b}` `` | refused in these words, not in those that it has without such a method |
| `$if(a?.[b], c)` | as beside an extension method, which `$if` is to n8n |
| `` `a``, a break, ``b`.isEmpty() `` | refused; in brackets, or with the break behind a `${}`, it is not |
Everywhere else a `?.` before a key in brackets is lost, unless the key is a text, a number or another constant:

| author | runs |
|---|---|
| `a?.[0]`, `a?.['x']`, `a?.b[c]` | the same |
| `a?.[b]`, `a?.['x' + 1]`, `` a?.[`x`] `` | `a[b]`, `a['x' + 1]`, `` a[`x`] ``: fails where `a` is undefined |
"""

from collections.abc import Iterable, Iterator
from typing import Final

from compiler.expressions.syntax import CHAIN, InvalidCodeError, Node, ParsedCode, walk
from compiler.expressions.template import CodePart
from schemas.expression import EXTENSION_NAMES

__all__ = ["calls_extension", "check_extended", "key_edits", "lost_link_edits"]

_LOGICAL: Final = frozenset({"&&", "||", "??"})
_PATHS: Final = frozenset({"member_expression", "subscript_expression"})
_CONSTANTS: Final = frozenset({"false", "null", "number", "regex", "string", "true"})
_NAMES: Final = frozenset({"identifier", "this", "true", "false", "null", "undefined"})
"""What may stand behind a dot."""
_LEFTMOST: Final = ("function", "object", "left", "condition", "argument")
"""Field of what a call, a path, an operation, a choice or `x++` begins with."""


def check_extended(chunks: Iterable[tuple[CodePart, ParsedCode, Node]]) -> None:
    """Raise InvalidCodeError, with its place in the template, for what n8n cannot write again."""
    trees = list(chunks)
    if not any(
        _is_extension(source, node) or _condition(source, node) is not None
        for _, source, root in trees
        for node in walk(root)
    ):
        return
    for code, source, root in trees:
        unwritable = [node for node in walk(root) if _begins_with_broken_text(source, node)]
        unwritable += [key for key in _keys(root) if not _is_kept(source, key) and _name(source, key) is None]
        for node in unwritable:
            raise InvalidCodeError("invalid syntax", code.place(source.index(node.start_byte)))


def calls_extension(code: str) -> bool:
    """Return whether a piece of code seems to call an extension method, or `$if`."""
    return "$if(" in code or any(f".{name}(" in code for name in EXTENSION_NAMES)


def key_edits(source: ParsedCode, root: Node) -> Iterator[tuple[int, int, str]]:
    """Yield first byte, end and new text of each key that n8n prints without its brackets."""
    for key in _keys(root):
        name = None if _is_kept(source, key) else _name(source, key)
        if name is None:
            continue
        inner = _inside(key)
        if inner.type in _NAMES:
            yield key.start_byte, key.end_byte, f'"{name}"'
        elif _leftmost(source, inner)[1]:
            yield key.start_byte, key.end_byte, f"(void 0).{name}"


def lost_link_edits(root: Node) -> Iterator[tuple[int, int, str]]:
    """Yield first byte, end and new text of each `?.` that n8n loses in code without extension methods."""
    for link in walk(root):
        key = link.child_by_field_name("index") if link.type == "subscript_expression" else None
        token = next((each for each in link.children if each.type == "optional_chain"), None)
        if key is not None and token is not None and _inside(key).type not in _CONSTANTS:
            yield token.start_byte, token.end_byte, ""


def _is_extension(source: ParsedCode, node: Node) -> bool:
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    method = function.child_by_field_name("property") if function is not None else None
    return method is not None and source.text(method) in EXTENSION_NAMES


def _inside(node: Node) -> Node:
    """Return what stands in brackets."""
    while node.type == "parenthesized_expression":
        inner = next((each for each in node.named_children if each.type != "comment"), None)
        if inner is None:
            break
        node = inner
    return node


def _below(node: Node) -> Node | None:
    return node.child_by_field_name("function") or node.child_by_field_name("object") if node.type in CHAIN else None


def _has_optional_link(node: Node) -> bool:
    """Return whether a chain of paths and calls has a `?.` somewhere."""
    return any(each.child_by_field_name("optional_chain") is not None for each in _links(node))


def _keys(root: Node) -> list[Node]:
    """Return the keys of every chain with a `?.`; brackets around one end it."""
    found: dict[int, Node] = {}
    seen: set[int] = set()
    for top in walk(root):  # parents first: a chain is met at its last link
        if top.type not in CHAIN or top.id in seen:
            continue
        links = list(_links(top))
        seen.update(each.id for each in links)
        if not any(each.child_by_field_name("optional_chain") is not None for each in links):
            continue
        while links:
            keys = (each.child_by_field_name("index") for each in links)
            found.update((key.id, key) for key in keys if key is not None)
            below = _below(links[-1])
            inner = None if below is None else _inside(below)
            links = [] if inner is None or _has_optional_link(inner) else list(_links(inner))
    return list(found.values())


def _links(top: Node) -> Iterator[Node]:
    """Yield the paths and calls of a chain, the last one first."""
    link: Node | None = top
    while link is not None and link.type in CHAIN:
        yield link
        link = _below(link)


def _is_kept(source: ParsedCode, key: Node) -> bool:
    """Return whether n8n prints a key in its brackets."""
    key = _inside(key)
    if key.type == "binary_expression":
        operator = key.child_by_field_name("operator")
        return operator is None or source.text(operator) not in _LOGICAL
    return key.type in _CONSTANTS or (key.type in _PATHS and not _has_optional_link(key))


def _name(source: ParsedCode, key: Node) -> str | None:
    """Return the name that a key begins with; None where it cannot stand behind a dot."""
    return _leftmost(source, _inside(key))[0]


def _leftmost(source: ParsedCode, node: Node) -> tuple[str | None, bool]:
    """Return the name that code begins with, if it begins with one, and whether the code reads a member of it or calls it."""
    reads, in_chain = False, False
    while True:
        if node.type == "unary_expression" or (node.type in CHAIN and not in_chain and _has_optional_link(node)):
            return None, reads
        in_chain = node.type in CHAIN  # of what is below in a chain, the whole is known
        if node.type == "call_expression":
            if _is_extension(source, node):
                return "extend", True
            arguments = node.child_by_field_name("arguments")
            if (condition := _condition(source, node)) is not None and arguments is not None:
                node, in_chain = condition, False
                continue
        fields = (node.child_by_field_name(field) for field in _LEFTMOST)
        below = next((each for each in fields if each is not None and each.start_byte == node.start_byte), None)
        if below is None:
            return (source.text(node) if node.type in _NAMES else None), reads
        reads = reads or node.type in CHAIN
        node = below


def _condition(source: ParsedCode, call: Node) -> Node | None:
    """Return the condition of `$if(...)`, which n8n prints as a choice."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or source.text(function) != "$if":
        return None
    return next((each for each in arguments.named_children if each.type != "comment"), None)


def _begins_with_broken_text(source: ParsedCode, node: Node) -> bool:
    """Return whether an extension method is called on a template literal whose first piece has a break."""
    function = node.child_by_field_name("function") if _is_extension(source, node) else None
    receiver = function.child_by_field_name("object") if function is not None else None
    if receiver is None or receiver.type != "template_string":
        return False
    first = next((child for child in receiver.children if child.type == "template_substitution"), None)
    end = receiver.end_byte if first is None else first.start_byte
    return b"\n" in source.data[receiver.start_byte : end]
