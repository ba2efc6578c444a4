"""What n8n 3.0 removes or changes, node by node, and whether it keeps running here."""

from typing import Any

import pytest

from compiler import compile_exports
from runtime.catalog import CATALOG
from schemas.diagnostic import Diagnostic
from tests.unit.compiler.making import Json, export, node, to

RUNS = "it keeps running here"
RUNS_NOT = "it does not run here, either"
CODE = {"jsCode": "return items"}

REMOVED: list[tuple[str, Json, str]] = [
    ("Function", node("N", "n8n-nodes-base.function", parameters={"functionCode": "return items"}), RUNS),
    ("Function Item", node("N", "n8n-nodes-base.functionItem", parameters={"functionCode": "return item"}), RUNS),
    ("Item Lists", node("N", "n8n-nodes-base.itemLists", 3, parameters={"operation": "limit"}), RUNS),
    ("AI Transform", node("N", "n8n-nodes-base.aiTransform"), RUNS),
    ("LangChain Code", node("N", "@n8n/n8n-nodes-langchain.code"), RUNS_NOT),
    ("version 1.7 of the AI Agent", node("N", "@n8n/n8n-nodes-langchain.agent", 1.7), RUNS),
    ("of kind conversationalAgent", node("N", "@n8n/n8n-nodes-langchain.agent", 1.5), RUNS),
    ("of kind sqlAgent", node("N", "@n8n/n8n-nodes-langchain.agent", 1.7, parameters={"agent": "sqlAgent"}), RUNS),
    (
        "of kind planAndExecuteAgent",
        node("N", "@n8n/n8n-nodes-langchain.agent", 1.7, parameters={"agent": "planAndExecuteAgent"}),
        RUNS_NOT,
    ),
    (
        "'Run once for each item'",
        node("N", "n8n-nodes-base.executeWorkflow", 1.2, parameters={"mode": "each", "workflowId": "w"}),
        RUNS,
    ),
]  # fmt: skip


def found(*nodes: Json, target: str | None = "n8n-3", connections: Json | None = None) -> list[Diagnostic]:
    """Return the findings about n8n 3.0."""
    document = export(*nodes, connections=connections)
    [compilation] = compile_exports(document, file="test.json", catalog=CATALOG, target=target)
    return [each for each in compilation.diagnostics if each.code.startswith("N8T8")]


@pytest.mark.parametrize(("what", "removed", "here"), REMOVED, ids=[each[0] for each in REMOVED])
def test_what_is_removed_and_whether_it_runs_here(what: str, removed: Json, here: str) -> None:
    [finding] = [each for each in found(removed) if each.code == "N8T801"]
    assert what in finding.message
    assert finding.message.endswith(here)
    assert finding.hint
    assert finding.at.node == "N"


@pytest.mark.parametrize(
    "kept",
    [
        node("N", "@n8n/n8n-nodes-langchain.agent", 2),
        node("N", "n8n-nodes-base.executeWorkflow", 1.2, parameters={"workflowId": "w"}),
        node("N", "n8n-nodes-base.function", disabled=True),
        node("N", "n8n-nodes-base.noOp", alwaysOutputData=True),
    ],
)
def test_what_stays_is_not_told(kept: Json) -> None:
    """A disabled node does not run in n8n 3.0 either."""
    assert found(kept) == []


def test_a_helper_is_found_in_expressions_and_in_code() -> None:
    text = "={{ $getPairedItem('A', $json, 0) }}"
    setter = node("S", "n8n-nodes-base.set", 3.4, parameters={"mode": "raw", "jsonOutput": text})
    code = node("C", "n8n-nodes-base.code", 2, parameters={"jsCode": "// a\nreturn $getPairedItem('A')"})
    findings = [each for each in found(setter, code) if each.code == "N8T801"]
    assert [each.at.pointer for each in findings] == ["/nodes/1/parameters/jsonOutput", "/nodes/2/parameters/jsCode"]
    assert all("$getPairedItem" in each.message for each in findings)


def test_always_output_data_changes_on_nodes_with_several_outputs_only() -> None:
    choice: dict[str, Any] = {"conditions": {"conditions": [], "combinator": "and", "options": {"version": 2}}}
    if_ = node("If", "n8n-nodes-base.if", 2.2, parameters=choice, alwaysOutputData=True)
    [finding] = found(if_)
    assert finding.code == "N8T802"
    assert finding.level == "warning"
    assert finding.at.pointer == "/nodes/1/alwaysOutputData"


def test_the_time_of_code_is_a_note() -> None:
    [finding] = found(node("C", "n8n-nodes-base.code", 2, parameters=CODE))
    assert (finding.code, finding.level) == ("N8T802", "info")
    assert "60 seconds" in finding.message


def test_without_a_target_nothing_is_said() -> None:
    function = node("N", "n8n-nodes-base.function", parameters={"functionCode": "return items"})
    assert found(function, target=None) == []
    assert found(function, connections={"Start": {"main": [[to("N")]]}})
