"""A new node touches three places: its file, one line in the catalogue, one case. Here all three are asked for."""

import ast
import itertools
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runtime.catalog import CATALOG, SOURCES, ModuleSource
from schemas.node import declarations
from schemas.shapes import overlap

ROOT = Path(__file__).parents[2]
NODES = ROOT / "runtime" / "nodes"
CASES = ROOT / "tests" / "conformance"
AGENT_CASES = ROOT / "tests" / "unit" / "agents"
"""Sub-nodes do not run by themselves: a model, a tool, a memory or a parser is covered by a recorded run of an agent."""


def declaring(folder: Path) -> Iterator[Path]:
    """Files that declare a node type: a class with `type = "..."` in its body."""
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bodies = (each.body for each in tree.body if isinstance(each, ast.ClassDef))
        if any(_names_type(statement) for body in bodies for statement in body):
            yield path


def module_of(path: Path, folder: Path, listed: set[str]) -> str:
    """The module of a file below its package; a node that outgrew one file is a package of its name."""
    parts = path.relative_to(folder).with_suffix("").parts
    package = ".".join(parts[:-1])
    return package if package in listed else ".".join(parts)


def _names_type(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and [ast.unparse(each) for each in statement.targets] == ["type"]
        and isinstance(statement.value, ast.Constant)
    )


@cache
def covered() -> frozenset[str]:
    """Node types that a case runs: a workflow case, a file of requests and answers or of cases for a database, or a recorded run of
    an agent.
    """
    cases = {path: json.loads(path.read_bytes()) for path in CASES.rglob("*.json")}
    ran = {type_ for case in cases.values() if isinstance(case, dict) for type_ in types_that_ran(case)}
    wire = {path.stem.replace("__", "/") for path in cases if path.parent.name in ("wire", "vendors", "triggers")}
    lines = [line for path in AGENT_CASES.rglob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    databases = {f"n8n-nodes-base.{path.stem}" for path in CASES.glob("databases/*.jsonl")}
    return frozenset(ran | wire | databases | {type_ for line in lines for type_ in types_of_agents(json.loads(line))})


def types_that_ran(case: Mapping[str, Any]) -> set[str]:
    """Return the types of the nodes that the case expects to run and does not pin."""
    expected, workflow = case.get("expected"), case.get("workflow")
    if not isinstance(expected, dict) or not isinstance(workflow, dict):
        return set()
    ran = {name for name, _ in expected.get("order", ())} & set(expected.get("nodes", ()))
    pinned = set(workflow.get("pinData") or ())
    return {node["type"] for node in workflow["nodes"] if node.get("name") in ran - pinned}


def types_of_agents(case: Mapping[str, Any]) -> set[str]:
    """Return the types of the nodes of a recorded run of an agent, or of a recorded call of a model."""
    if case.get("expected"):
        return {node["type"] for node in (case.get("workflow") or case)["nodes"]}
    return {case["model"]["type"]} if case.get("requests") else set()


@pytest.mark.parametrize(
    "source", [each for each in SOURCES if isinstance(each, ModuleSource)], ids=lambda s: s.package
)
def test_every_file_that_declares_a_node_is_in_the_catalogue(source: ModuleSource) -> None:
    folder = ROOT.joinpath(*source.package.split("."))
    listed = set(source.files.values())
    declared = {module_of(path, folder, listed) for path in declaring(folder)}
    registry = f"{folder.relative_to(ROOT)}/__init__.py"
    missing = [f'add a line `"<its type>": "{name}",` to the files in {registry}' for name in sorted(declared - listed)]
    stale = [
        f'{registry} names "{name}", which declares no type: remove the line' for name in sorted(listed - declared)
    ]
    assert missing + stale == [], "\n".join(missing + stale)


@pytest.mark.parametrize("type_", CATALOG.types())
def test_a_node_type_is_declared_in_the_file_that_the_catalogue_names(type_: str) -> None:
    found = CATALOG.shapes(type_)
    assert found, (
        f'no class of the file that the catalogue names for {type_} has `type = "{type_}"`: correct one of them'
    )
    for one, other in itertools.combinations(found, 2):
        reason = overlap(one, other)
        assert reason is None, (
            f"{type_}: {one.__name__} and {other.__name__} stand for the same node, since {reason}; "
            "take the version out of `versions` of one, or declare `when` in both"
        )
    for each in found:
        aliases = {declared.alias for declared in declarations(each).values()}
        assert set(each.when) <= aliases, f"`when` of {each.__name__} names a parameter that the class does not declare"
        assert each.__doc__, f"{each.__module__}.{each.__name__} has no docstring: say what the node does in one line"
        assert each.kind, (
            f"{each.__name__} has no base class that says where it runs: docs/adding-a-node.md has the choice"
        )


UNRECORDED = {
    "n8n-nodes-base.stickyNote": "a remark on the canvas: it never runs",
    "@n8n/n8n-nodes-langchain.chat": "n8n hands its message to an open session of a chat, which a recording has not",
    "@n8n/n8n-nodes-langchain.mcpTrigger": "its caller is a client of the protocol; tests of its runs and of the API",
    "@n8n/n8n-nodes-langchain.chatTrigger": "starts a run from a page; its item is the caller's",
    "@n8n/n8n-nodes-langchain.manualChatTrigger": "starts a run from the editor only",
    "@n8n/n8n-nodes-langchain.lmChatGroq": "n8n's address of the vendor is fixed: nothing can be recorded without it",
    "@n8n/n8n-nodes-langchain.lmChatMistralCloud": "n8n's address of the vendor is fixed: nothing can be recorded without it",
    "@n8n/n8n-nodes-langchain.lmOllama": "n8n reads its answer as a stream, and we as a whole; a unit test of the request",
    "@n8n/n8n-nodes-langchain.outputParserAutofixing": "covered by unit tests of the parser; no case of its own yet",
    "@n8n/n8n-nodes-langchain.textSplitterTokenSplitter": "it estimates tokens, so its chunks are others; unit tests of splitting",
    "@n8n/n8n-nodes-langchain.lmChatAwsBedrock": "n8n's address of the vendor is fixed; by its documentation: test_bedrock.py",
    "@n8n/n8n-nodes-langchain.vectorStorePGVector": "needs a server: tests/integration/test_pg_vector_store.py",
    "n8n-nodes-mcp.mcpClient": "a package that n8n does not ship; test_mcp_community_client.py",
    "@n8n/n8n-nodes-langchain.memoryPostgresChat": "needs a server: tests/integration/test_database_memories.py",
    "@n8n/n8n-nodes-langchain.memoryRedisChat": "needs a server: tests/integration/test_database_memories.py",
    "@n8n/n8n-nodes-langchain.memoryMongoDbChat": "needs a server: tests/integration/test_database_memories.py",
    "@n8n/n8n-nodes-langchain.toolThink": "echoes its input; covered by unit tests of the toolbox",
}
"""Node types without a recorded case, each with its reason."""


@pytest.mark.parametrize("type_", [each for each in CATALOG.types() if each not in UNRECORDED])
def test_a_node_type_has_a_conformance_case(type_: str) -> None:
    name = type_.rpartition(".")[2]
    place = CASES.relative_to(ROOT) / "cases" / f"{name}.json"
    if type_ not in covered():
        pytest.fail(
            f"no case runs a {type_} node (one that only pins it does not count).\n"
            f"Write {place}: docs/adding-a-node.md has a case to copy. Then run\n"
            f"  tempor8 test {place} --update\n"
            "read what it prints, and compare it with n8n.\n"
            f"For a sub-node of agents record a run into a .jsonl file below {AGENT_CASES.relative_to(ROOT)}.",
            pytrace=False,
        )


def test_a_case_covers_what_it_runs_and_nothing_else() -> None:
    nodes = [{"name": name, "type": f"type of {name}"} for name in ("Start", "Pinned", "Skipped")]
    workflow = {"nodes": nodes, "pinData": {"Pinned": [{}]}}
    expected = {"order": [["Start", 0], ["Pinned", 0]], "nodes": {"Start": [{}], "Pinned": [{}]}}
    assert types_that_ran({"workflow": workflow, "expected": expected}) == {"type of Start"}
    assert types_that_ran({"workflow": workflow}) == set()
    assert types_that_ran(workflow) == set()
