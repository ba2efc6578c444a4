"""What is true of a node type is declared by its class: no other code names one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.catalog import CATALOG
from schemas.facts import Facts

ROOT = Path(__file__).parents[2]
TYPE = re.compile(r"(@n8n/)?n8n-nodes-(base|langchain)\.\w+")
HOMES = ("runtime/nodes/", "runtime/agents/", "runtime/integrations/")
FILES = sorted(
    path
    for folder in ("schemas", "compiler", "runtime", "service", "api", "cli")
    for path in (ROOT / folder).rglob("*.py")
    if not path.relative_to(ROOT).as_posix().startswith(HOMES)
)


def named(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each string that is a node type, also where it is put together; docstrings are prose."""
    tree = ast.parse(source)
    prose = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and id(each) not in prose and isinstance(each.value, str | bytes):
            text = each.value if isinstance(each.value, str) else each.value.decode("latin-1")
            if TYPE.fullmatch(text):
                yield each.lineno, text
        if isinstance(each, ast.JoinedStr) and re.match(r"f?['\"](@n8n/)?n8n-nodes-", ast.unparse(each)):
            yield each.lineno, ast.unparse(each)


def test_no_node_type_is_named_outside_its_home() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in FILES
        if (names := list(named(path.read_text(encoding="utf-8"))))
    }
    assert not found, f"declare a fact in schemas/facts.py and let the class override it: {found}"


def test_the_search_finds_a_name_that_is_written_or_put_together() -> None:
    assert list(named('X = "n8n-nodes-base.wait"\n')) == [(1, "n8n-nodes-base.wait")]
    assert list(named('X = b"n8n-nodes-base.wait"\n')) == [(1, "n8n-nodes-base.wait")]
    assert list(named('X = f"n8n-nodes-base.{name}"\n'))
    assert not list(named('"""Such as n8n-nodes-base.wait."""\n'))


FACTS = sorted({name for name in {**vars(Facts), **Facts.__annotations__} if not name.startswith(("_", "model_"))})


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_declared_by_some_class(fact: str) -> None:
    """A fact that no class overrides is a fact that nobody needs."""
    shapes = [shape for type_ in CATALOG.types() for shape in CATALOG.shapes(type_)]
    bases = {base for shape in shapes for base in shape.__mro__} - set(Facts.__mro__)
    assert any(fact in vars(base) for base in bases), f"remove {fact} from schemas/facts.py, or override it"
