"""JavaScript as a tree: one parse with tree-sitter, refused where a JavaScript engine would refuse it too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

__all__ = ["CHAIN", "InvalidCodeError", "Node", "ParsedCode", "parse", "parse_expression", "parse_program", "walk"]

_PARSER = Parser(Language(tree_sitter_javascript.language()))
_LEAST_STEPS, _BYTES_PER_STEP, _PIECE = 100, 4, 1 << 16
"""Steps that the parser reports (a hundred operations each): code in which it finds its way takes one for thirty bytes or more."""
_MAX_DEPTH = 2000
"""Levels of nesting; a JavaScript engine's own stack overflows not far above."""

CHAIN = frozenset({"call_expression", "member_expression", "subscript_expression"})
"""What a chain such as `$json.a[0].trim()` is made of."""
_NOT_JAVASCRIPT = frozenset({"jsx_element", "jsx_self_closing_element", "jsx_fragment", "decorator", "hash_bang_line"})
_NO_STATEMENT = re.compile(r"\{|(?:async\s+)?function\b|class\b")
"""An expression that begins so is a block or a declaration, whatever a tolerant parser makes of it."""
_RESERVED = frozenset({"enum", "let", "yield"})
_CONTINUATIONS: Final = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that go on with a character, also with half of a surrogate pair, which no decoder takes for one character."""
_FUNCTIONS = frozenset(
    {
        "arrow_function",
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)


class InvalidCodeError(Exception):  # n8n refuses the expression; nothing failed here
    """n8n refuses this expression. `message` is n8n's; `index` the character of the code at fault."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.index = index


@dataclass(frozen=True)
class ParsedCode:
    """Code and its tree. Positions in the tree are bytes of the UTF-8 text."""

    data: bytes
    root: Node
    shift: int = 0
    """Characters put before the author's code (the bracket around an object literal)."""

    def text(self, node: Node) -> str:
        """Return the text of a node."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    def index(self, byte: int) -> int:
        """Return the index of the character, in the author's code, at a byte position."""
        return max(0, len(self.data[:byte].translate(None, _CONTINUATIONS)) - self.shift)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """Yield what is around a node, the innermost first. A tree of tree-sitter looks for a parent from its root on each time."""
        while (parent := self._parents.get(node.id)) is not None:
            yield parent
            node = parent

    @cached_property
    def _parents(self) -> dict[int, Node]:
        return {child.id: node for node in walk(self.root) for child in node.children}


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and every node below it, parents before children, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def parse(code: str, shift: int = 0) -> ParsedCode:
    """Return the tree of a program. Raise InvalidCodeError ("invalid syntax") if it does not parse."""
    data = code.encode("utf-8", "surrogatepass")
    tree = _tree(data)
    source = ParsedCode(data, tree.root_node, shift)
    if tree.root_node.has_error:
        first, innermost = _errors(tree.root_node)
        private = source.text(first) == "#"
        message = 'did not recognize object of type "PrivateIdentifier"' if private else "invalid syntax"
        raise InvalidCodeError(message, source.index(innermost.start_byte))
    return source


def _tree(data: bytes) -> Tree:
    """Return the tree of a text. Raise InvalidCodeError where the parser looks for a way on after errors for too long: that may
    take it quadratic time. Its steps are counted, not timed, so that the answer is the same on every machine.
    """
    left = _LEAST_STEPS + len(data) // _BYTES_PER_STEP

    def is_over(*_: object) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    try:
        return _PARSER.parse(lambda at, _: data[at : at + _PIECE], progress_callback=is_over)
    except ValueError as error:
        _PARSER.reset()
        raise InvalidCodeError("invalid syntax") from error


def _errors(root: Node) -> tuple[Node, Node]:
    """Return the first error of a tree, and the first that has no smaller one right below it, to point the author to."""
    errors: list[Node] = []
    outer: set[int] = set()
    stack: list[tuple[Node, int]] = [
        (root, root.id)
    ]  # with its parent's id, which tree-sitter would look for from the root
    while stack:
        node, parent = stack.pop()
        if node.is_error or node.is_missing:
            errors.append(node)
            if node is not root:
                outer.add(parent)
        stack.extend((child, node.id) for child in reversed(node.children))
    if not errors:
        return root, root
    return errors[0], next((node for node in errors if node.id not in outer), errors[0])


def parse_program(code: str) -> ParsedCode:
    """Return the tree of a Code node's program, which is the body of an async function."""
    return parse(code)


def parse_expression(code: str) -> tuple[ParsedCode, Node]:
    """Return the expression that a chunk of a template evaluates, which is its first statement. Raise InvalidCodeError
    if there is none.

    n8n: a leading `{` is tried as an object literal first; what is no expression statement is "invalid syntax".
    """
    if code.lstrip().startswith("{"):
        try:
            return _first_expression(parse(f"({code})", 1))
        except InvalidCodeError:
            pass
    source, expression = _first_expression(parse(code))
    if _NO_STATEMENT.match(source.text(expression)):
        raise InvalidCodeError("invalid syntax", source.index(expression.start_byte))
    return source, expression


def _first_expression(source: ParsedCode) -> tuple[ParsedCode, Node]:
    statement = next(
        (node for node in source.root.named_children if node.type not in ("comment", "html_comment")), None
    )
    if statement is None or statement.type != "expression_statement":
        raise InvalidCodeError("invalid syntax", source.index(statement.start_byte) if statement else 0)
    _check_early_errors(source)
    expression = next(node for node in statement.named_children if node.type not in ("comment", "html_comment"))
    return source, expression


def _check_early_errors(source: ParsedCode) -> None:
    """Raise InvalidCodeError for code that tree-sitter accepts and a JavaScript engine does not."""
    stack = [(source.root, 0)]
    while stack:
        node, depth = stack.pop()
        _check_node(source, node)
        if depth > _MAX_DEPTH:
            raise InvalidCodeError(
                f"The expression has more than {_MAX_DEPTH:,} levels of brackets and links of chains",
                source.index(node.start_byte),
            )
        stack.extend((child, depth + 1) for child in node.children)


def _check_node(source: ParsedCode, node: Node) -> None:
    match node.type:
        case kind if kind in _NOT_JAVASCRIPT:
            problem = "invalid syntax"
        case "private_property_identifier":
            problem = 'did not recognize object of type "PrivateIdentifier"'
        case "identifier" | "property_identifier" | "shorthand_property_identifier":
            problem = "" if _is_name(source.text(node), node.type) else "invalid syntax"
        case "async":
            # nothing awaits a promise here, none can be given away, and one left behind would run into the next script
            problem = "Expression evaluation failed: <function> could not be cloned."
        case "await_expression" | "yield_expression" | "return_statement":
            problem = "" if _is_in_function(source, node) else "invalid syntax"
        case "meta_property":
            problem = "" if _is_in_function(source, node) and source.text(node) != "import.meta" else "invalid syntax"
        case "import":
            problem = "Imports are not supported"
        case "binary_expression":
            problem = "" if _may_mix(source, node) else "invalid syntax"
        case _:
            problem = ""
    if problem:
        raise InvalidCodeError(problem, source.index(node.start_byte))


def _is_name(text: str, kind: str) -> bool:
    """Return whether a JavaScript engine accepts this as a name: tree-sitter accepts any letter-like character."""
    if kind == "identifier" and text in _RESERVED:
        return False
    return text.isascii() or text.replace("$", "_").replace("\u200c", "").replace("\u200d", "").isidentifier()


def _is_in_function(source: ParsedCode, node: Node) -> bool:
    return any(each.type in _FUNCTIONS for each in source.ancestors(node))


def _may_mix(source: ParsedCode, node: Node) -> bool:
    """Return whether the operators need no brackets: `a ?? b || c` and `-1 ** 2` do."""
    operator = node.child_by_field_name("operator")
    kind = source.text(operator) if operator else ""
    sides = [node.child_by_field_name("left"), node.child_by_field_name("right")]
    if kind == "**":
        return sides[0] is None or sides[0].type != "unary_expression"
    clash = {"??": ("||", "&&"), "||": ("??",), "&&": ("??",)}.get(kind, ())
    return not any(
        side is not None
        and side.type == "binary_expression"
        and (inner := side.child_by_field_name("operator")) is not None
        and source.text(inner) in clash
        for side in sides
    )
