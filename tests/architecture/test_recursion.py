"""Functions that call themselves, in what runs inside workflow code: each has a bound, or it goes step by step."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("engine", "interpreter", "expressions", "values")

ITEM: Final = "levels of an item: MAX_NESTING, where data comes in and in loops (`check_depth`)"
PLAN: Final = "levels of a parameter of the plan, which came in as JSON"
TEXT: Final = "levels of a text; a RecursionError means that it is no JSON, or is too deep"
FIXED: Final = "calls itself once"
TOOLS: Final = "tools of tools, as many as the plan has"
GROUPS: Final = "groups of exceptions in each other, which our code nests once"
KEYS: Final = "search keys within OR are at most 16 deep, checked on the way"
FIELDS: Final = "field names in a parameter; a RecursionError is the node's error"
RECURSIVE: Final[dict[str, str]] = {
    "interpreter/command_codec.py:command_to_json": TOOLS,
    "interpreter/command_codec.py:command_from_json": TOOLS,
    "interpreter/command_codec.py:until": TOOLS,
    "interpreter/failures.py:_leaves": GROUPS,
    "interpreter/parameters.py:_compile": PLAN,
    "expressions/evaluating.py:_group": FIXED,
    "expressions/quick.py:_build": PLAN,
    "expressions/wire.py:_tagged": ITEM,
    "expressions/wire.py:_restored": ITEM,
    "values/equality.py:strictly_equal": ITEM,
    "values/equality.py:likeness": ITEM,
    "values/imap_search.py:_key": KEYS,
    "values/imap_search.py:_arguments": KEYS,
    "values/javascript.py:js_string": ITEM,
    "values/javascript.py:loose_equal": ITEM,
    "values/javascript.py:_stringify": ITEM,
    "values/json_bytes.py:_finite": ITEM,
    "values/undefined.py:unmarked": ITEM,
    "values/undefined.py:_Walk.value": ITEM,
    "values/undefined.py:_Walk._object": ITEM,
    "values/undefined.py:_Walk._list": ITEM,
    "values/json_error.py:_Scanner._value": TEXT,
    "values/json_error.py:_Scanner._object": TEXT,
    "values/json_error.py:_Scanner._array": TEXT,
    "values/json_repair.py:_Repair.value": TEXT,
    "values/json_repair.py:_Repair.parsers": TEXT,
    "values/json_repair.py:_Repair.bare": TEXT,
    "values/json_repair.py:_Repair.call": TEXT,
    "values/json_text.py:_Literal.value": TEXT,
    "values/json_text.py:_Literal.simple": TEXT,
    "values/json_text.py:_Literal.object": TEXT,
    "values/json_text.py:_Literal.member": TEXT,
    "values/json_text.py:_Literal.key": TEXT,
    "values/json_text.py:_Literal.array": TEXT,
    "values/json_text.py:_Literal.group": TEXT,
    "values/objects.py:without_unsafe_keys": ITEM,
    "values/objects.py:_has_unsafe_key": ITEM,
    "values/postgres_text.py:literal": ITEM,
    "values/postgres_text.py:_array": ITEM,
    "values/lists/duplicates.py:_flat": ITEM,
    "values/lists/renaming.py:rename_matching": ITEM,
    "values/lists/renaming.py:_rename_keys": ITEM,
    "values/lists/summarizing.py:Summary._split": FIELDS,
    "values/lists/summarizing.py:Summary._nested": FIELDS,
    "values/lists/summarizing.py:Summary._rows": FIELDS,
    "values/well_formed.py:well_formed_json": ITEM,
    "values/xml_writer.py:Builder._fill": ITEM,
    "values/xml_writer.py:Builder._member": ITEM,
    "values/xml_writer.py:Builder._child": ITEM,
    "values/xml_writer.py:_write": ITEM,
}
"""File and function -> what bounds its recursion."""


def test_each_function_that_calls_itself_has_a_bound() -> None:
    """A new one needs a line with its reason, and one that is gone loses its line. Nothing recurses over runs or items."""
    found = {each for package in PACKAGES for each in _recursive(ROOT / "runtime" / package)}
    assert found == RECURSIVE.keys()


def _recursive(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        calls = _calls(ast.parse(path.read_text("utf-8")))
        for name in calls:
            if name in _reached(calls, name):
                yield f"{path.relative_to(ROOT / 'runtime')}:{name}"


def _reached(calls: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    todo = list(calls[start])
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += calls.get(name, ())
    return reached


def _calls(module: ast.Module) -> dict[str, set[str]]:
    """Return which functions and methods of a module call which of its own."""
    found: dict[str, set[str]] = {}
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = {each.id for each in _called(node) if isinstance(each, ast.Name)}
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    attributes = (each for each in _called(method) if isinstance(each, ast.Attribute))
                    names = {
                        each.attr
                        for each in attributes
                        if isinstance(each.value, ast.Name) and each.value.id in ("self", "cls")
                    }
                    own = {each.id for each in _called(method) if isinstance(each, ast.Name)}
                    found[f"{node.name}.{method.name}"] = {f"{node.name}.{name}" for name in names} | own
    return found


def _called(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what is called."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield each.func
