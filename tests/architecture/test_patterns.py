"""Regular expressions are constants of their modules, so that `tests/security/test_patterns.py` finds and measures them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "compiler", "runtime", "service", "api", "cli")
MAKERS = {("runtime/values/dates.py", "_pattern"): "makes the constants below it"}
ENGINES = {"regex", "re2", "pcre", "hyperscan"}
WRAPPER = "runtime/values/patterns.py"


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def compiled_in_functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "re.compile":
                    yield getattr(function, "name", "<lambda>"), node.lineno


def test_no_pattern_is_made_while_the_program_runs() -> None:
    found = [
        f"{path}:{line}"
        for path, tree in sources()
        for function, line in compiled_in_functions(tree)
        if (path, function) not in MAKERS
    ]
    assert not found, f"{found}: make it a constant of the module"


def test_what_is_excepted_is_there() -> None:
    there = {(path, function) for path, tree in sources() for function, _ in compiled_in_functions(tree)}
    assert set(MAKERS) <= there


def test_nothing_but_the_wrapper_imports_another_engine_or_parts_of_re() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if path != WRAPPER
        and (
            (isinstance(node, ast.Import) and ENGINES & {each.name for each in node.names})
            or (isinstance(node, ast.ImportFrom) and node.module in {"re", *ENGINES})
        )
    ]
    assert not found, f"{found}: use runtime/values/patterns.py, or `import re`"
