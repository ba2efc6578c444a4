"""A class says for which parameters it stands: a node type may be a root, a sub-node or a tool by its `mode`."""

import json
from typing import Any, ClassVar, Literal

import pytest

from compiler import Compilation, compile_export
from compiler.report.schemas import node_type
from runtime.contract import ActivityContext, Context, Inline, Items, Outputs, SubNode, param
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from schemas.node import Conditions, Node
from schemas.plan import Kind
from schemas.shapes import overlap, stands_for
from tests.conformance.doubles import with_nodes
from tests.unit.compiler.making import Json, export, node, to

SHELF = "n8n-nodes-base.shelf"


class Shelf(Node):
    """What the shapes share."""

    versions: ClassVar[tuple[float, ...]] = (1, 1.1)
    mode: Literal["load", "insert", "retrieve-as-tool"] = param("load", since={1.1: "insert"})


class Load(Shelf, Inline):
    """A root that gives one item."""

    type = SHELF
    when: ClassVar[Conditions] = {"mode": ["load"]}

    def run(self, context: Context, items: Items) -> Outputs:
        del context, items
        return [[{"json": {"shape": "load"}}]]


class Insert(Shelf, Inline):
    """A root that passes its items."""

    type = SHELF
    when: ClassVar[Conditions] = {"mode": ["insert"]}
    pages: int = param(7)

    def run(self, context: Context, items: Items) -> Outputs:
        del context
        return [items]


class ShelfTool(Shelf, SubNode):
    """A tool of an agent."""

    type = SHELF
    connection = "ai_tool"
    when: ClassVar[Conditions] = {"mode": ["retrieve-as-tool"]}

    async def run_tool(self, context: ActivityContext, arguments: Json) -> Outputs:
        del context, arguments
        return [[]]


CATALOG = with_nodes(Load, Insert, ShelfTool)


def compiled(document: Json) -> Compilation:
    return compile_export(json.dumps(document), file="test.json", catalog=CATALOG)


@pytest.mark.parametrize(
    ("version", "parameters", "shape"),
    [
        (1, {"mode": "load"}, Load),
        (1, {"mode": "insert"}, Insert),
        (1, {"mode": "retrieve-as-tool"}, ShelfTool),
        (1, {}, Load),
        (1.1, {}, Insert),
        (1, {"mode": "update"}, None),
        (1, {"mode": "={{ 'load' }}"}, None),
        (2, {"mode": "load"}, None),
    ],
)
def test_the_parameters_select_the_shape_and_a_parameter_that_is_left_out_has_its_default(
    version: float, parameters: Json, shape: type[Node] | None
) -> None:
    assert CATALOG.find(SHELF, version, parameters) is shape


def test_each_shape_has_its_own_kind_and_port_in_a_plan() -> None:
    parts = [
        node("Insert", SHELF, parameters={"mode": "insert"}),
        node("Agent", "@n8n/n8n-nodes-langchain.agent", 2, parameters={"promptType": "define", "text": "x"}),
        node(
            "Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", 1.2, credentials={"openAiApi": {"id": "1", "name": "k"}}
        ),
        node("Tool", SHELF, parameters={"mode": "retrieve-as-tool"}),
    ]
    connections = {
        "Start": {"main": [[to("Insert")]]},
        "Insert": {"main": [[to("Agent")]]},
        "Model": {"ai_languageModel": [[to("Agent", type_="ai_languageModel")]]},
        "Tool": {"ai_tool": [[to("Agent", type_="ai_tool")]]},
    }
    compilation = compiled(export(*parts, connections=connections))
    assert compilation.plan is not None, [each.message for each in compilation.diagnostics]
    assert [compilation.plan.step[name].kind for name in ("Insert", "Tool")] == [Kind.INLINE, Kind.SUBNODE]
    assert compilation.plan.step["Agent"].subnodes["ai_tool"] == ("Tool",)


async def test_a_run_takes_the_shape_that_the_plan_was_made_with() -> None:
    compilation = compiled(export(node("A", SHELF, parameters={"mode": "load"}), node("B", SHELF, 1.1)))
    assert compilation.plan is not None
    host = LocalHost(CATALOG, OfflineCapabilities())
    execution, finished = await run_local(compilation.plan, host, RunInfo(execution_id="run-1"), [{"json": {}}])
    assert finished.status == "success"
    assert [item["json"] for item in execution.result()[0] or ()] == [{"shape": "load"}]


def test_parameters_that_no_shape_stands_for_are_reported_with_those_that_one_does() -> None:
    compilation = compiled(export(node("A", SHELF, parameters={"mode": "update"})))
    (finding,) = (each for each in compilation.diagnostics if each.code == "N8T306")
    assert finding.message == f"mode 'update' of the {SHELF} node is not supported"
    assert finding.hint == "supported are 'load', 'insert', 'retrieve-as-tool'"
    assert not compilation.runnable


def test_the_schema_of_a_version_accepts_the_parameters_of_any_shape() -> None:
    schema: Any = node_type(CATALOG, SHELF)
    assert [sorted(each["properties"]) for each in schema["$defs"]["1"]["anyOf"]] == [
        ["mode"],
        ["mode", "pages"],
        ["mode"],
    ]


class Anything(Shelf, Inline):
    """It stands for every mode."""

    type = SHELF


class LoadAgain(Shelf, Inline):
    """It shares a mode with another shape."""

    type = SHELF
    when: ClassVar[Conditions] = {"mode": ["delete", "load"]}


class OtherDefault(Inline):
    """Left out, its mode is another one than that of `Load`: both would stand for the node."""

    type = SHELF
    versions = (1,)
    when: ClassVar[Conditions] = {"mode": ["insert"]}
    mode: str = param("insert")


class Later(Shelf, Inline):
    """It has a version of its own."""

    type = SHELF
    versions = (2,)


@pytest.mark.parametrize("other", [Anything, LoadAgain, OtherDefault])
def test_shapes_that_could_stand_for_the_same_node_overlap(other: type[Node]) -> None:
    assert overlap(Load, other) is not None
    assert any(stands_for(Load, 1, each) and stands_for(other, 1, each) for each in ({}, {"mode": "load"}))


@pytest.mark.parametrize("other", [Insert, ShelfTool, Later])
def test_shapes_that_differ_in_a_value_or_a_version_do_not_overlap(other: type[Node]) -> None:
    assert overlap(Load, other) is None
