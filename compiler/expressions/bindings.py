"""Find the names that a script declares, by scope: every other name comes from n8n's scope object."""

from collections.abc import Iterator

from compiler.expressions.syntax import Node, ParsedCode, walk

_FUNCTION_SCOPES = frozenset(
    {
        "arrow_function",
        "class_static_block",
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
        "program",
    }
)
_SCOPES = _FUNCTION_SCOPES | {
    "catch_clause",
    "class",
    "class_declaration",
    "for_in_statement",
    "for_statement",
    "statement_block",
    "switch_body",
}
_NAMES = ("identifier", "shorthand_property_identifier_pattern")


def names_by_scope(source: ParsedCode) -> dict[int, frozenset[str]]:
    """Return the names that each scope of the tree declares, by the id of the scope's node."""
    by_scope: dict[int, set[str]] = {}
    for node in walk(source.root):
        for scope, name in _declarations(source, node):
            by_scope.setdefault(scope.id, set()).add(source.text(name))
    return {scope: frozenset(names) for scope, names in by_scope.items()}


def is_scope(node: Node) -> bool:
    """Return whether names may be declared in this node."""
    return node.type in _SCOPES


def _declarations(source: ParsedCode, node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield (scope, name) for each name that this node declares."""
    match node.type:
        case "variable_declarator":
            hoisted = node.parent is not None and node.parent.type == "variable_declaration"
            scope = _enclosing(source, node, _FUNCTION_SCOPES if hoisted else _SCOPES)
            yield from ((scope, name) for name in _bound(node.child_by_field_name("name")))
        case "function_declaration" | "generator_function_declaration":
            yield from _hoisted(source, node)
            yield from ((node, name) for name in _parameters(node))
        case "function_expression" | "generator_function":
            yield from ((node, name) for name in _bound(node.child_by_field_name("name")))
            yield from ((node, name) for name in _parameters(node))
        case "arrow_function" | "method_definition":
            yield from ((node, name) for name in _parameters(node))
        case "class_declaration":
            yield from _hoisted(source, node)
        case "class":
            yield from ((node, name) for name in _bound(node.child_by_field_name("name")))
        case "catch_clause":
            yield from ((node, name) for name in _bound(node.child_by_field_name("parameter")))
        case "for_in_statement" if node.child_by_field_name("kind") is not None:
            yield from ((node, name) for name in _bound(node.child_by_field_name("left")))


def _hoisted(source: ParsedCode, declaration: Node) -> Iterator[tuple[Node, Node]]:
    """Yield a declaration's name for its block and, as sloppy JavaScript hoists it, for its function."""
    for name in _bound(declaration.child_by_field_name("name")):
        yield _enclosing(source, declaration, _SCOPES), name
        yield _enclosing(source, declaration, _FUNCTION_SCOPES), name


def _enclosing(source: ParsedCode, node: Node, kinds: frozenset[str]) -> Node:
    return next((each for each in source.ancestors(node) if each.type in kinds), source.root)


def _parameters(node: Node) -> Iterator[Node]:
    yield from _bound(node.child_by_field_name("parameters"))
    yield from _bound(node.child_by_field_name("parameter"))


def _bound(pattern: Node | None) -> Iterator[Node]:
    """Yield the names that a binding pattern binds: default values and computed keys bind nothing."""
    stack = [pattern] if pattern is not None else []
    while stack:
        node = stack.pop()
        if node.type in _NAMES:
            yield node
        elif node.type in ("assignment_pattern", "object_assignment_pattern"):
            stack += [left] if (left := node.child_by_field_name("left")) is not None else []
        elif node.type == "pair_pattern":
            stack += [value] if (value := node.child_by_field_name("value")) is not None else []
        elif node.type in ("formal_parameters", "array_pattern", "object_pattern", "rest_pattern"):
            stack += reversed(node.named_children)
