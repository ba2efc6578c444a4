"""Merge by SQL: a query is an author's code, and reaches no more than that."""

from typing import Any

import pytest

from cli.testing.case import run_case
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.nodes.merge.by_sql import MergeBySql
from schemas.plan_facts import declares_program
from tests.unit.compiler.making import node, to

CLOSED = "A query has no access to files and to the network"
REACHING = [
    "SELECT * FROM TXT('/etc/passwd')",
    "SELECT * FROM CSV('http://127.0.0.1:1/a.csv')",
    "SELECT * FROM JSON('/etc/passwd')",
    "SELECT * INTO CSV('/tmp/out.csv') FROM input1",
    "SELECT * INTO JSON('/tmp/out.json') FROM input1",
]
SCRIPTS = ["require('fs')", "process.env", "fetch('http://127.0.0.1:1')", "globalThis.process.exit(1)"]


async def answer(query: str) -> dict[str, Any]:
    """Return what a run says whose Merge node has the query."""
    rows = node("Rows", "n8n-nodes-base.code", 2, parameters={"jsCode": "return [{json: {id: 1}}]"})
    merge = node("M", "n8n-nodes-base.merge", 3.2, parameters={"mode": "combineBySql", "query": query})
    workflow = {
        "nodes": [rows, merge],
        "connections": {"Rows": {"main": [[to("M")]]}},
        "settings": {"executionOrder": "v1"},
    }
    return await run_case({"workflow": workflow, "start": "Rows", "input": [{"json": {}}]}, OfflineCapabilities())


@pytest.mark.parametrize("query", REACHING)
async def test_a_query_reads_and_writes_no_file_and_no_address(query: str) -> None:
    said = await answer(query)
    assert said["error"] == {
        "node": "M", "message": "Issue while executing query", "description": CLOSED, "type": "NodeOperationError"
    }  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
async def test_javascript_in_a_query_is_inside_the_sandbox(script: str) -> None:
    said = await answer(f"SELECT ``{script}`` AS a FROM input1")  # noqa: S608  # the attack is the point
    assert said["status"] == "error"
    assert "root:" not in str(said)


async def test_a_query_without_end_ends() -> None:
    """At the limit of memory or time of Code nodes; the worker goes on."""
    said = await answer(
        "SELECT ``(() => { const a = []; while (true) a.push('x'.repeat(1e6) + a.length); })()`` AS a FROM input1"
    )
    assert said["status"] == "error"


def test_a_query_counts_as_code_of_its_author() -> None:
    """`TEMPOR8_CODE=off` switches it off, too."""
    assert declares_program(MergeBySql)
