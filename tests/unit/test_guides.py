"""The examples of the guides are true: the node of `docs/adding-a-node.md` does what its text says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.testing.case import run_case
from runtime.catalog import NodeCatalog
from schemas.node import Node

GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-node.md"


def block(heading: str, language: str) -> str:
    """The first block of code in this language below a heading."""
    text = GUIDE.read_text(encoding="utf-8").partition(heading)[2]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"{GUIDE.name} has no {language} below {heading!r}"
    return found[1]


@pytest.fixture
def initials() -> type[Node]:
    """The node of the guide."""
    module: dict[str, Any] = {"__name__": "runtime.nodes.initials"}
    exec(block("## A whole node", "python"), module)  # noqa: S102  # our own page
    node: type[Node] = module["Initials"]
    return node


async def test_the_node_of_the_guide_runs_the_case_of_the_guide(initials: type[Node]) -> None:
    class WithInitials(NodeCatalog):
        def find(self, type_: str, version: float) -> type[Node] | None:
            return initials if type_ == initials.type else super().find(type_, version)

        def versions(self, type_: str) -> tuple[float, ...]:
            return initials.versions if type_ == initials.type else super().versions(type_)

    case = json.loads(block("## The case", "json"))
    actual = await run_case(case, catalog=WithInitials())
    assert actual["status"] == "success"
    assert actual["nodes"]["Initials"][0]["outputs"] == [[{"initials": "A.L"}, {"initials": "5"}, {"initials": "N"}]]


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:runtime|tests|schemas)/[\w/.]+)`", GUIDE.read_text(encoding="utf-8"))
)
def test_a_file_that_the_guide_names_exists(path: str) -> None:
    assert (GUIDE.parents[1] / path).exists() or "initials" in path
