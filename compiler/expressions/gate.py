"""The security gate: what n8n refuses before it runs anything, with n8n's messages.

What only shows at run time (a computed property name) is checked there; see `runtime/expressions/kernel.js`.
"""

import re

from compiler.expressions.syntax import InvalidCodeError, Node, ParsedCode, walk
from schemas.expression import FORBIDDEN_NAMES

_CONSTRUCTOR = re.compile(r"\.\s*constructor")
_TEMPORARY_NAME = re.compile(r"___[a-z]\d*")
RESERVED_NAMES = frozenset({"___n8n_data", "__sanitize"})
"""Names of n8n's own machinery, which no script may declare."""
UNPRINTABLE_CHAIN = "Cannot read properties of undefined (reading 'start')"
"""n8n's message for an optional chain alone in a `${}`; in a template that calls an extension method it has another."""
_STRICT_WORDS = frozenset({"implements", "interface", "package", "private", "protected", "public", "static"})
"""Names that are none in strict mode, in which n8n parses an expression."""
_FUNCTION_CLASSES = frozenset({"AsyncFunction", "AsyncGeneratorFunction", "Function", "GeneratorFunction"})


def check_text(template: str) -> None:
    """Raise InvalidCodeError if the text, code or not, contains what n8n refuses anywhere in a template."""
    if (match := _CONSTRUCTOR.search(template)) is not None:
        raise InvalidCodeError("Expression contains invalid constructor function call", match.start())


def check_node(source: ParsedCode, node: Node) -> None:
    """Raise InvalidCodeError if n8n refuses this node of an expression's tree."""
    if (problem := _problem(source, node)) is not None:
        raise InvalidCodeError(problem, source.index(node.start_byte))


def check_printable(source: ParsedCode, root: Node) -> None:
    """Raise InvalidCodeError if n8n's rewriter of expressions cannot print the author's code."""
    for node in walk(root):
        if (problem := _unprintable(source, node)) is not None:
            raise InvalidCodeError(problem, source.index(node.start_byte))


def forbidden_message(name: str) -> str:
    """Return n8n's message for a property that may not be accessed."""
    return f'Cannot access "{name}" due to security concerns'


def reserved_message(name: str) -> str:
    """Return n8n's message for a name that may not be declared."""
    return f'Cannot use "{name}" due to security concerns'


def constant_key(source: ParsedCode, index: Node) -> str | None:
    """Return the text of a literal key in brackets, escapes not decoded; None if the key is computed."""
    if index.type in ("string", "template_string") and all(
        child.type in ('"', "'", "`", "string_fragment") for child in index.children
    ):
        return source.text(index)[1:-1]
    return None


def _is_reserved(source: ParsedCode, node: Node) -> bool:
    """Return whether n8n refuses a name: those of strict mode but at the very beginning, `export` anywhere, `await` outside of functions."""
    name = source.text(node)
    if name == "await":
        return not any("function" in each.type for each in source.ancestors(node))
    return name == "export" or (name in _STRICT_WORDS and not _begins(source, node))


def _begins(source: ParsedCode, node: Node) -> bool:
    """Return whether an expression begins with this node."""
    for above in source.ancestors(node):
        if above.start_byte != node.start_byte:
            return False
        if above.type == "expression_statement":
            return True
    return False


def _problem(source: ParsedCode, node: Node) -> str | None:
    match node.type:
        case "property_identifier" | "shorthand_property_identifier_pattern" if "\\" in source.text(node):
            return "invalid syntax"  # an escaped name would pass for another one
        case "property_identifier" if node.parent is not None and node.parent.type == "member_expression":
            return _named(source.text(node))
        case "subscript_expression":
            index = node.child_by_field_name("index")
            return _named(constant_key(source, index) or "") if index is not None else None
        case "identifier" | "shorthand_property_identifier" | "shorthand_property_identifier_pattern" if _is_reserved(
            source, node
        ):
            return "invalid syntax"
        case "identifier" | "shorthand_property_identifier":
            return _identifier(source, node)
        case "object_pattern":
            return _pattern(source, node)
        case "call_expression" if _is_short_if(source, node):
            return "invalid syntax"
        case "with_statement":
            return 'Cannot use "with" statements due to security concerns'
        case "class_heritage":
            base = source.text(node.named_children[-1])
            return f'Cannot extend "{base}" due to security concerns' if base in _FUNCTION_CLASSES else None
    return None


def _unprintable(source: ParsedCode, node: Node) -> str | None:
    """Return the error of what n8n's rewriter of expressions cannot print."""
    if node.type == "template_substitution" and _is_optional_chain(node):
        named = any(each.type == "identifier" and source.text(each) == "Object" for each in walk(source.root))
        return "invalid syntax" if named else UNPRINTABLE_CHAIN
    if node.type == "method_definition" and node.parent is not None and node.parent.type == "class_body":
        return "Expression evaluation failed: Unexpected token ';'"
    return None


def _is_optional_chain(substitution: Node) -> bool:
    """Return whether all of a `${}` is a chain with `?.` in it; `${a?.b ?? c}` is none."""
    node: Node | None = next((each for each in substitution.named_children if each.type != "comment"), None)
    while node is not None and node.type == "parenthesized_expression":
        node = next(iter(node.named_children), None)
    while node is not None and node.type in ("member_expression", "subscript_expression", "call_expression"):
        if any(each.type == "optional_chain" for each in node.children):
            return True
        node = node.child_by_field_name("function" if node.type == "call_expression" else "object")
    return False


def _is_short_if(source: ParsedCode, node: Node) -> bool:
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or source.text(function) != "$if":
        return False
    argument_types = [child.type for child in arguments.named_children if child.type != "comment"]
    return len(argument_types) < 2 and "spread_element" not in argument_types  # condition and value


def _named(name: str) -> str | None:
    return forbidden_message(name) if name in FORBIDDEN_NAMES else None


def _identifier(source: ParsedCode, node: Node) -> str | None:
    name = source.text(node)
    if _TEMPORARY_NAME.fullmatch(name):
        return reserved_message(name)
    if "\\" in name:
        return "invalid syntax"
    if name == "$" and not _is_called(node):
        return 'Cannot access "$" without calling it as a function'
    return _named(name)


def _is_called(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == node


def _pattern(source: ParsedCode, node: Node) -> str | None:
    for child in node.named_children:
        key = child.child_by_field_name("key") if child.type == "pair_pattern" else child
        if child.type == "object_assignment_pattern":
            key = child.child_by_field_name("left")
        if key is None:
            continue
        if key.type == "computed_property_name":
            return "Computed property names in destructuring are not allowed due to security concerns"
        name = constant_key(source, key) or source.text(key)
        if name in FORBIDDEN_NAMES or "\\" in name:
            return f'Cannot destructure "{name}" due to security concerns'
    return None
