"""A new node touches three places: its file, one line in the catalogue, one case. Here all three are asked for."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from runtime.catalog import CATALOG, PACKAGES, classes

ROOT = Path(__file__).parents[2]
NODES = ROOT / "runtime" / "nodes"
CASES = ROOT / "tests"
TYPE = re.compile(r'"type":\s*"([^"]+)"')


def declaring(folder: Path) -> Iterator[Path]:
    """Files that declare a node type: a class with `type = "..."` in its body."""
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bodies = (each.body for each in tree.body if isinstance(each, ast.ClassDef))
        if any(_names_type(statement) for body in bodies for statement in body):
            yield path


def _names_type(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and [ast.unparse(each) for each in statement.targets] == ["type"]
        and isinstance(statement.value, ast.Constant)
    )


@cache
def covered() -> frozenset[str]:
    """Node types that occur in a case of our own: a JSON or JSON Lines file below tests/ (agents keep theirs beside their tests)."""
    texts = (path.read_text(encoding="utf-8") for path in CASES.rglob("*.json*"))
    return frozenset(found for text in texts for found in TYPE.findall(text))


@pytest.mark.parametrize("package", [package for package, _ in PACKAGES])
def test_every_file_that_declares_a_node_is_in_the_catalogue(package: str) -> None:
    folder = ROOT.joinpath(*package.split("."))
    listed = {file for name, files in PACKAGES if name == package for file in files.values()}
    # a node that outgrew one file is a folder of its name
    assert {path.relative_to(folder).parts[0].removesuffix(".py") for path in declaring(folder)} == listed


@pytest.mark.parametrize("type_", CATALOG.types())
def test_a_node_type_is_declared_in_the_file_that_the_catalogue_names(type_: str) -> None:
    found = classes(type_)
    assert found
    versions = [version for each in found for version in each.versions]
    assert len(versions) == len(set(versions)), "one class per version"
    for each in found:
        assert each.__doc__
        assert each.kind


UNRECORDED = {
    "@n8n/n8n-nodes-langchain.chatTrigger": "starts a run from a page; its item is the caller's",
    "@n8n/n8n-nodes-langchain.manualChatTrigger": "starts a run from the editor only",
    "@n8n/n8n-nodes-langchain.lmChatGroq": "n8n's address of the vendor is fixed: nothing can be recorded without it",
    "@n8n/n8n-nodes-langchain.lmChatMistralCloud": "n8n's address of the vendor is fixed: nothing can be recorded without it",
    "@n8n/n8n-nodes-langchain.outputParserAutofixing": "covered by unit tests of the parser; no case of its own yet",
    "@n8n/n8n-nodes-langchain.toolThink": "echoes its input; covered by unit tests of the toolbox",
}
"""Node types without a recorded case, each with its reason."""


@pytest.mark.parametrize("type_", [each for each in CATALOG.types() if each not in UNRECORDED])
def test_a_node_type_has_a_conformance_case(type_: str) -> None:
    assert type_ in covered(), f"put a case with a {type_} node into {CASES.relative_to(ROOT)}"
