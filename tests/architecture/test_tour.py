"""Documents that point into the code point at the right line.

A reference is a link whose text is a name and whose target is a file of the repository with a line:
``[`Execution.run`](../runtime/interpreter/execution.py#L1)``. In Python files the name is that of a class, function, method
or constant; in other files it is text that the line contains.

Lines move with every change, so nobody writes them by hand: ``python -m tests.architecture.test_tour`` rewrites them in all
documents. A name that has moved to another file is followed when only one file defines it. The same command rewrites the
last column of the table of packages in ``docs/architecture.md``: what each of them imports.
"""

import ast
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
from schemas.plan import Plan

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "compiler", "runtime", "service", "api", "cli")
REFERENCE = re.compile(r"\[`([^`\n]+)`\]\((\.\./[^)#\s]+)#L(\d+)\)")
TOUR = ROOT / "docs" / "tour.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
ROW = re.compile(r"^\| `([\w/.]+)` \| (.+) \| ([^|\n]+) \|$", re.MULTILINE)
"""A row of the table of packages: package, what it is, what it imports."""


def documents() -> list[Path]:
    return sorted((ROOT / "docs").rglob("*.md"))


def _names(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child.lineno
            yield from _names(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, child.lineno
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            yield prefix + child.target.id, child.lineno
        elif isinstance(child, ast.Assign):
            yield from ((prefix + each.id, child.lineno) for each in child.targets if isinstance(each, ast.Name))


@cache
def definitions(file: Path) -> dict[str, int]:
    """Name -> line of what a Python file defines: the last definition counts, as in Python (overloads come first)."""
    return dict(_names(ast.parse(file.read_text(encoding="utf-8"))))


@cache
def definers() -> dict[str, list[Path]]:
    """Name -> the files of the product that define it."""
    result: defaultdict[str, list[Path]] = defaultdict(list)
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for name in definitions(file):
                result[name].append(file)
    return result


def line_of(name: str, file: Path) -> int | None:
    """The line of `file` at which `name` is; None: it is not there."""
    if not file.is_file():
        return None
    if file.suffix == ".py":
        return definitions(file).get(name)
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if name in line), None)


def correct(name: str, file: Path) -> tuple[Path, int] | None:
    """Where the name is: in this file, or in the only other one that defines it."""
    line = line_of(name, file)
    if line is not None:
        return file, line
    others = definers().get(name, [])
    return (others[0], definitions(others[0])[name]) if len(others) == 1 else None


def faults(document: Path) -> Iterator[str]:
    """References of a document that are not true."""
    text = document.read_text(encoding="utf-8")
    for match in REFERENCE.finditer(text):
        name, target, line = match.groups()
        file = (document.parent / target).resolve()
        where = f"{document.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: `{name}`"
        found = correct(name, file)
        if found is None:
            near = get_close_matches(name, [*(definitions(file) if file.suffix == ".py" and file.is_file() else ())])
            hint = f"; the file has {', '.join(near)}" if near else ""
            yield f"{where} is not in {target}, and no other single file defines it{hint}"
        elif found != (file, int(line)):
            yield f"{where} is at {found[0].relative_to(ROOT)}:{found[1]}, not at {target}#L{line}"


def rewritten(document: Path) -> str:
    """The text of a document with all references corrected that can be."""

    def replace(match: re.Match[str]) -> str:
        found = correct(match[1], (document.parent / match[2]).resolve())
        if found is None:
            return match[0]
        return f"[`{match[1]}`]({os.path.relpath(found[0], document.parent)}#L{found[1]})"

    return REFERENCE.sub(replace, document.read_text(encoding="utf-8"))


def package_of(module: str) -> str:
    """The package of a module, as the table names it; `runtime/catalog.py` is a module that counts as one."""
    top, _, rest = module.partition(".")
    package = f"{top}/{rest.partition('.')[0]}" if top == "runtime" else top
    return f"{package}.py" if (ROOT / f"{package}.py").is_file() else package


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            separate = node.module == "runtime"
            yield from (f"runtime.{each.name}" for each in node.names) if separate else (node.module,)


@cache
def imported() -> dict[str, set[str]]:
    """Package -> the packages of the product that its files import, also inside functions."""
    result: defaultdict[str, set[str]] = defaultdict(set)
    for top in PACKAGES:
        for file in (ROOT / top).rglob("*.py"):
            path = file.relative_to(ROOT).with_suffix("")
            if path.as_posix() == "runtime/__init__":
                continue
            own = package_of(".".join(path.parts))
            modules = _modules(ast.parse(file.read_text(encoding="utf-8")))
            result[own] |= {package_of(each) for each in modules if each.partition(".")[0] in PACKAGES} - {own}
    return result


def imports_of(package: str) -> str:
    """The last column of a package's row, in the order of the table."""
    order = [row[0] for row in ROW.findall(ARCHITECTURE.read_text(encoding="utf-8"))]
    found = imported()[package]
    return ", ".join(f"`{each}`" for each in order if each in found) or "–"  # nothing


def rewritten_table(text: str) -> str:
    """The page of the architecture with the last column of the table of packages corrected."""
    return ROW.sub(lambda row: f"| `{row[1]}` | {row[2]} | {imports_of(row[1])} |", text)


def export_of_the_tour() -> str:
    block = re.search(r"```json\n(\{\n  \"name\".*?)```", TOUR.read_text(encoding="utf-8"), re.DOTALL)
    assert block, "docs/tour.md shows its export in a block of JSON that begins with its name"
    return block[1]


def plan_of_the_tour() -> Plan:
    compiled = compile_export(export_of_the_tour(), file="orders.json", catalog=CATALOG)
    assert compiled.runnable
    assert compiled.plan is not None
    return compiled.plan


def referring() -> list[Path]:
    return [each for each in documents() if REFERENCE.search(each.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("document", referring(), ids=lambda each: str(each.relative_to(ROOT)))
def test_every_reference_into_the_code_is_at_its_line(document: Path) -> None:
    wrong = list(faults(document))
    assert not wrong, "\n".join(["Run: python -m tests.architecture.test_tour", *wrong])


def test_the_tour_leads_through_the_code() -> None:
    assert len(REFERENCE.findall(TOUR.read_text(encoding="utf-8"))) > 40


def test_the_steps_of_the_tour_have_the_kinds_that_its_table_says() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `([a-z]+)` \|", TOUR.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(step.name, step.kind.value) for step in plan_of_the_tour().steps]


def test_the_plan_of_the_tour_is_the_one_that_it_shows() -> None:
    shown = [
        json.loads(block)
        for block in re.findall(r"```json\n(\{\"at\".*?)\n```", TOUR.read_text(encoding="utf-8"), re.DOTALL)
    ]
    made = [each.model_dump(mode="json") for step in plan_of_the_tour().steps for each in step.expressions]
    assert shown
    assert all(each in made for each in shown)


def test_the_table_of_packages_says_what_each_imports() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    assert {row[0] for row in ROW.findall(text)} == imported().keys(), "a row per package in docs/architecture.md"
    assert rewritten_table(text) == text, "Run: python -m tests.architecture.test_tour"


def test_a_wrong_line_and_a_missing_name_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.architecture.test_tour.ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "code.py").write_text("X = 1\n\n\nclass A:\n    def b(self): ...\n", encoding="utf-8")
    document = tmp_path / "docs" / "page.md"
    document.write_text("[`A.b`](../code.py#L4) [`A`](../code.py#L4) [`A.missing`](../code.py#L1)", encoding="utf-8")
    assert [each.split(": ", 1)[1] for each in faults(document)] == [
        "`A.b` is at code.py:5, not at ../code.py#L4",
        "`A.missing` is not in ../code.py, and no other single file defines it",
    ]
    assert rewritten(document) == "[`A.b`](../code.py#L5) [`A`](../code.py#L4) [`A.missing`](../code.py#L1)"


if __name__ == "__main__":
    for page in documents():
        page.write_text(rewritten(page), encoding="utf-8")
    ARCHITECTURE.write_text(rewritten_table(ARCHITECTURE.read_text(encoding="utf-8")), encoding="utf-8")
    left = [fault for page in documents() for fault in faults(page)]
    sys.exit("\n".join(left) if left else 0)
