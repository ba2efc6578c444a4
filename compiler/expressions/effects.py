"""Decide whether a script may write into the data that it reads, so that it must get copies."""

from compiler.expressions.syntax import Node, ParsedCode, walk

_MUTATORS = frozenset(
    {
        "apply",
        "assign",
        "bind",
        "call",
        "copyWithin",
        "fill",
        "freeze",
        "pop",
        "preventExtensions",
        "push",
        "reverse",
        "seal",
        "shift",
        "sort",
        "splice",
        "unshift",
    }
)
_TARGETS = frozenset({"member_expression", "subscript_expression", "array_pattern", "object_pattern"})


def writes(source: ParsedCode, root: Node) -> bool:
    """Return whether something below `root` may change an object that it did not create. True in case of doubt."""
    return any(_writes(source, node) for node in walk(root))


def _writes(source: ParsedCode, node: Node) -> bool:
    match node.type:
        case "assignment_expression" | "augmented_assignment_expression" | "for_in_statement":
            target = node.child_by_field_name("left")
        case "update_expression":
            target = node.child_by_field_name("argument")
        case "unary_expression":
            operator = node.child_by_field_name("operator")
            return operator is not None and operator.type == "delete"
        case "property_identifier":
            return source.text(node) in _MUTATORS
        case "subscript_expression":
            index = node.child_by_field_name("index")
            parent = node.parent
            computed = index is not None and index.type not in ("number", "string")
            return computed and parent is not None and parent.type == "call_expression"  # `x[name]()` may be `x.push()`
        case _:
            return False
    return target is not None and target.type in _TARGETS
