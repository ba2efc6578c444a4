"""The examples of the guides are true: the node, the verb and the specialist that they show do what their text says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.evaluation.case import EvaluationCase
from cli.evaluation.scripted import scripted_answer
from cli.testing.case import run_case
from runtime.agents.specialists.files import load, read_yaml
from runtime.agents.specialists.service import brief
from schemas.node import Node
from tests.conformance.doubles import with_nodes

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "adding-a-node.md"
VERB_GUIDE = ROOT / "docs" / "adding-a-verb.md"
SPECIALIST_GUIDE = ROOT / "docs" / "adding-a-specialist.md"


def block(heading: str, language: str, guide: Path = GUIDE) -> str:
    """The first block of code in this language below a heading."""
    text = guide.read_text(encoding="utf-8").partition(heading)[2]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"{guide.name} has no {language} below {heading!r}"
    return found[1]


@pytest.fixture
def initials() -> type[Node]:
    """The node of the guide."""
    module: dict[str, Any] = {"__name__": "runtime.nodes.initials"}
    exec(block("## A whole node", "python"), module)  # noqa: S102  # our own page
    node: type[Node] = module["Initials"]
    return node


async def test_the_node_of_the_guide_runs_the_case_of_the_guide(initials: type[Node]) -> None:
    case = json.loads(block("## The case", "json"))
    actual = await run_case(case, catalog=with_nodes(initials))
    assert actual["status"] == "success"
    assert actual["nodes"]["Initials"][0]["outputs"] == [[{"initials": "A.L"}, {"initials": "5"}, {"initials": "N"}]]


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:runtime|tests|schemas)/[\w/.]+)`", GUIDE.read_text(encoding="utf-8"))
)
def test_a_file_that_the_guide_names_exists(path: str) -> None:
    assert (GUIDE.parents[1] / path).exists() or "initials" in path


def test_the_verb_of_the_guide_counts_the_nodes_of_an_export() -> None:
    module: dict[str, Any] = {"__name__": "cli.verbs.count"}
    exec(block("## 1. The file", "python", VERB_GUIDE), module)  # noqa: S102  # our own page
    result = CliRunner().invoke(module["app"], [str(ROOT / "n8n_exports" / "ai_lead_qualification.json")])
    assert (result.exit_code, result.stdout.split()[0]) == (0, "37")


def test_the_specialist_of_the_guide_is_one() -> None:
    specialist = load("review_triage_specialist.yaml", block("## The file", "yaml", SPECIALIST_GUIDE))
    assert set(specialist.output_schema["required"]) > {"urgency", "missing"}
    assert 'Read the review of "a kettle"' in brief(specialist, "", {"product": "a kettle"})["system"]


def test_the_cases_of_the_guide_fit_its_specialist() -> None:
    specialist = load("review_triage_specialist.yaml", block("## The file", "yaml", SPECIALIST_GUIDE))
    cases = [EvaluationCase.model_validate(each) for each in read_yaml(block("## The cases", "yaml", SPECIALIST_GUIDE))]
    assert [case.kind for case in cases] == ["normal", "poor", "injection"]
    for case in cases:
        assert case.failures(scripted_answer(specialist.output_schema, case)) == []
