"""The catalogue loads a node type when it is first used, and knows the names of all without loading one."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import create_model

from cli.testing.case import run_case
from runtime.catalog import SOURCES, DataSource, NodeCatalog
from runtime.contract import Activity, ActivityContext, Items, Outputs, param
from schemas.node import Node

INDEX = {"n8n-nodes-base.acme": "acme", "n8n-nodes-base.zenith": "zenith"}
DESCRIPTORS: dict[str, Any] = {"acme": {"versions": (1, 2), "parameters": {"greeting": "hello"}}}
"""Made-up vendors. Zenith has none, so that building it would fail."""


class Answers(Activity):
    """What every node of the made-up vendors is: it answers with its parameters."""

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """One item per item."""
        nodes = [context.resolve(self, i) for i in range(len(items))]
        return [[{"json": {name: getattr(each, name) for name in type(each).model_fields}} for each in nodes]]


class Vendors:
    """Builds classes from descriptors, and says which it has built."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def build(self, type_: str, folder: str) -> Iterator[type[Node]]:
        self.built.append(type_)
        descriptor = DESCRIPTORS[folder]
        fields: Any = {name: (str, param(default)) for name, default in descriptor["parameters"].items()}
        made = create_model(folder.title(), __base__=Answers, __doc__=f"{folder.title()}: made up.", **fields)
        made.type, made.versions, made.usable_as_tool = type_, descriptor["versions"], True
        yield made


def catalog() -> tuple[NodeCatalog, Vendors]:
    vendors = Vendors()
    return NodeCatalog((*SOURCES, DataSource(INDEX, vendors.build))), vendors


def test_the_names_are_known_before_a_type_is_loaded() -> None:
    made, vendors = catalog()
    assert set(INDEX) < set(made.types())
    assert vendors.built == []


def test_a_worker_that_loads_the_catalogue_builds_no_type_from_data() -> None:
    made, vendors = catalog()
    made.load()
    assert vendors.built == []


def test_a_type_is_built_once_when_it_is_first_used() -> None:
    made, vendors = catalog()
    assert made.versions("n8n-nodes-base.acme") == (1, 2)
    assert made.find("n8n-nodes-base.acme", 2, {}) is made.find("n8n-nodes-base.acme", 1, {})
    assert made.find("n8n-nodes-base.acme", 3, {}) is None
    assert vendors.built == ["n8n-nodes-base.acme"]


def test_a_type_from_data_has_its_tool_variant() -> None:
    made, vendors = catalog()
    variant = made.find("n8n-nodes-base.acmeTool", 2, {})
    assert variant is not None
    assert variant.type == "n8n-nodes-base.acmeTool"
    assert made.shapes("n8n-nodes-base.acmeToolTool") == ()
    assert vendors.built == ["n8n-nodes-base.acme"]


async def test_a_workflow_runs_a_node_that_was_built_from_data() -> None:
    made, _ = catalog()
    start = {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1}
    acme = {
        "name": "Acme",
        "type": "n8n-nodes-base.acme",
        "typeVersion": 2,
        "parameters": {"greeting": "={{ $json.a }}"},
    }
    nodes = [each | {"position": [0, 0]} for each in ({"parameters": {}} | start, acme)]
    wires = {"Start": {"main": [[{"node": "Acme", "type": "main", "index": 0}]]}}
    workflow = {"name": "w", "nodes": nodes, "connections": wires, "pinData": {"Start": [{"json": {"a": "hi"}}]}}
    actual = await run_case({"workflow": workflow, "mode": "manual"}, catalog=made)
    assert actual["nodes"]["Acme"][0]["outputs"] == [[{"greeting": "hi"}]]


def test_the_names_of_the_types_are_known_without_a_node_module() -> None:
    program = (
        "import sys\n"
        "from runtime.catalog import CATALOG, SOURCES\n"
        "assert CATALOG.types()\n"
        "sources = [each for each in SOURCES if hasattr(each, 'package')]\n"
        "modules = {each.package + '.' + file for each in sources for file in each.files.values()}\n"
        "print(sorted(modules & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # ours
    assert done.stdout == "[]\n"
