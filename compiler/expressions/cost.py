"""Decide whether a script's cost is linear in its input, so that it may run inside workflow code.

Only constructs on these lists are; everything else (loops, functions that can call themselves, sorts, comparisons of all
with all, regular expressions that may backtrack) runs in a recorded local activity.
"""

import re
from itertools import chain, islice

from compiler.expressions.syntax import CHAIN, Node, ParsedCode, walk

_HEAVY_NODES = frozenset(
    {
        "await_expression",
        "class",
        "class_declaration",
        "do_statement",
        "for_in_statement",
        "for_statement",
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "labeled_statement",
        "method_definition",
        "while_statement",
        "yield_expression",
    }
)
_HEAVY_NAMES = frozenset(
    {
        "Array",
        "ArrayBuffer",
        "BigInt",
        "BigInt64Array",
        "BigUint64Array",
        "DataView",
        "Float32Array",
        "Float64Array",
        "Int16Array",
        "Int32Array",
        "Int8Array",
        "Map",
        "RegExp",
        "Set",
        "SharedArrayBuffer",
        "Uint16Array",
        "Uint32Array",
        "Uint8Array",
        "Uint8ClampedArray",
        "numberList",
    }
)
_HEAVY_METHODS = frozenset(
    {
        "apply",
        "bind",
        "call",
        "copyWithin",
        "difference",
        "fill",
        "flat",
        "hash",
        "intersection",
        "localeCompare",
        "matchAll",
        "normalize",
        "padEnd",
        "padStart",
        "reduce",
        "reduceRight",
        "removeDuplicates",
        "removeMarkdown",
        "repeat",
        "replaceSpecialChars",
        "search",
        "sort",
        "splitBy",
        "toSorted",
        "toSpliced",
        "union",
        "unique",
    }
)
_MAX_INSERTED_CHARACTERS = 200
"""A longer text counts as one from the data, since it makes the result as large when it is inserted many times."""
_REPLACERS = frozenset({"replace", "replaceAll"})
_NUMBERS_AND_TESTS = frozenset(
    {"-", "*", "/", "%", "<", ">", "<=", ">=", "==", "===", "!=", "!==", "!", "typeof", "in"}
)
_SMALL_COUNT = re.compile(r"\d{1,3}\Z")
_CALLBACKS = frozenset(
    {
        "every",
        "filter",
        "find",
        "findIndex",
        "findLast",
        "findLastIndex",
        "flatMap",
        "forEach",
        "map",
        "some",
    }
)
_SIMPLE_ATOM = r"(?:\\[dDwWsSnrtvfbB/.*+?^$()|{}\[\]\\-]|\[(?:[^\[\]\\]|\\.)*\]|[^\\\[\]()|*+?{}^$])"
_LINEAR_REGEX = re.compile(rf"\^?{_SIMPLE_ATOM}*(?:{_SIMPLE_ATOM}[*+]\??)?(?:\|{_SIMPLE_ATOM}+)*\Z")


def is_linear(source: ParsedCode, root: Node) -> bool:
    """Return whether the expression below `root` consists only of constructs whose cost is linear in the input."""
    stack = [(root, False)]
    while stack:
        node, in_callback = stack.pop()
        if node.type == "arrow_function" and (in_callback or not _is_callback(source, node)):
            return False
        if _is_heavy(source, node):
            return False
        in_callback = in_callback or (node.type == "arrow_function" and node != root)
        stack.extend((child, in_callback) for child in node.children)
    return True


def _is_heavy(source: ParsedCode, node: Node) -> bool:
    match node.type:
        case kind if kind in _HEAVY_NODES:
            return True
        case "identifier":
            return source.text(node) in _HEAVY_NAMES
        case "regex_pattern":
            return _LINEAR_REGEX.match(source.text(node)) is None
        case "assignment_expression":
            target = node.child_by_field_name("left")
            return target is not None and source.text(target).endswith(("length", "]"))  # `x.length = 4e9`
        case "binary_expression" | "augmented_assignment_expression":
            operator = node.child_by_field_name("operator")
            return operator is not None and source.text(operator).startswith("**")
        case "number":
            return source.text(node).endswith("n")
        case "call_expression":
            return _is_heavy_call(source, node)
    return False


def _is_heavy_call(source: ParsedCode, node: Node) -> bool:
    function = node.child_by_field_name("function")
    if function is None or function.type in ("subscript_expression", "parenthesized_expression"):
        return True
    member = function.child_by_field_name("property")
    name = source.text(member) if member is not None else ""
    if name in ("padStart", "padEnd", "repeat"):
        return not _has_small_count(source, node)
    if name in ("map", "flatMap") and _repeats(source, node):
        return True
    if name in ("join", "replace", "replaceAll"):
        return _may_multiply(source, node, name)
    return name in _HEAVY_METHODS


def _repeats(source: ParsedCode, call: Node) -> bool:
    """Return whether the callback may put the same data into each element, so that the sizes of both multiply."""
    arguments = call.child_by_field_name("arguments")
    return arguments is not None and any(
        each.type == "identifier" and source.text(each).startswith("$") and not _is_number_or_test(source, each)
        for each in walk(arguments)
    )


def _is_number_or_test(source: ParsedCode, node: Node) -> bool:
    """Return whether what is read from this variable is no more than counted with, compared or asked for."""
    for parent in source.ancestors(node):
        if parent.type not in CHAIN:
            break
        node = parent
    else:
        return False
    if parent.type == "ternary_expression":
        return parent.child_by_field_name("condition") == node
    operator = parent.child_by_field_name("operator")
    return parent.type in ("binary_expression", "unary_expression") and (
        operator is not None and source.text(operator) in _NUMBERS_AND_TESTS
    )


def _may_multiply(source: ParsedCode, call: Node, name: str) -> bool:
    """Return whether a text from the data may be inserted at many places, so that the lengths of both texts multiply."""
    arguments = call.child_by_field_name("arguments")
    values = arguments.named_children if arguments is not None else []
    inserted = values[:1] if name == "join" else values[1:2]
    if name == "replace" and values and values[0].type == "string":
        return False  # the first occurrence only
    return any(
        each.type not in ("string", "arrow_function") or len(source.text(each)) > _MAX_INSERTED_CHARACTERS
        for each in inserted
    )


def _has_small_count(source: ParsedCode, call: Node) -> bool:
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    return first is not None and first.type == "number" and _SMALL_COUNT.match(source.text(first)) is not None


def _is_callback(source: ParsedCode, node: Node) -> bool:
    """Return whether this arrow function is an argument of a call such as `.map(...)`."""
    arguments, call = islice(chain(source.ancestors(node), (None, None)), 2)
    function = (
        call.child_by_field_name("function")
        if call is not None and arguments is not None and arguments.type == "arguments"
        else None
    )
    member = function.child_by_field_name("property") if function is not None else None
    return member is not None and source.text(member) in _CALLBACKS | _REPLACERS
