"""The community's MCP client, in the main flow and as a tool: a server over HTTP Streamable in place of a local program."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import World, calls, model, node, outputs, run, text_answer, workflow

CLIENT: Final = "n8n-nodes-mcp.mcpClient"
TOOL: Final = {
    "name": "count",
    "description": "Counts",
    "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}}},
}
CALLED: Final = {"content": [{"type": "text", "text": "five"}]}
SERVER: Final = {
    "POST /mcp": {
        "$rpc": {
            "initialize": {},
            "tools/list": {"tools": [TOOL]},
            "tools/call": CALLED,
            "resources/list": {"resources": [{"uri": "x:1"}]},
            "prompts/get": {"messages": []},
        }
    }
}


class McpWorld(World):
    """Its credential names the server, or nothing."""

    address: str | None = None

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        if not type_.startswith("mcp"):
            return await super().get(type_, item, restricted=restricted)
        return {"httpStreamUrl": self.address, "headers": "X-Key=abc\nX-Other=d=e", "command": "npx", "args": "x"}


@pytest.fixture
def world() -> Iterator[McpWorld]:
    with Vendors(canned=SERVER) as stand_in:
        made = McpWorld(stand_in)
        made.address = f"{stand_in.url}/mcp"
        yield made


def client(type_: str = CLIENT, **parameters: Any) -> dict[str, Any]:
    return node("C", type_, 1, parameters, credentials={"mcpClientApi": {"id": "1", "name": "c"}})


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"tools": [{"name": "count", "description": "Counts", "schema": TOOL["inputSchema"]}]}),
        (
            {"operation": "executeTool", "toolName": "count", "toolParameters": '={"n": {{ $json.n }}}'},
            {"result": CALLED},
        ),
        ({"operation": "listResources"}, {"resources": {"resources": [{"uri": "x:1"}]}}),
        ({"operation": "getPrompt", "promptName": "p"}, {"prompt": {"messages": []}}),
    ],
)
async def test_operations_give_one_item_for_all(
    world: McpWorld, parameters: dict[str, Any], expected: dict[str, Any]
) -> None:
    execution, finished = await run(workflow(client(**parameters)), world, [{"n": 1}, {"n": 2}])
    assert finished.status == "success", finished.error
    assert outputs(execution, "C") == [[expected]]
    last = world.stand_in.requests[-1]
    assert (last.headers["x-key"], last.headers["x-other"]) == ("abc", "d=e")
    if "toolName" in parameters:
        assert last.body["params"] == {"name": "count", "arguments": {"n": 1}}


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"toolName": "other"}, "Tool 'other' does not exist. Available tools: count"),
        ({"toolName": "count", "toolParameters": "[1]"}, "Tool parameters must be a JSON object"),
        ({"toolName": "count", "toolParameters": "{n: "}, "Make sure the parameters are valid JSON"),
    ],
)
async def test_what_cannot_be_called_is_an_error(world: McpWorld, parameters: dict[str, Any], error: str) -> None:
    _, finished = await run(workflow(client(operation="executeTool", **parameters)), world, [{}])
    assert finished.status == "error"
    assert error in (finished.error or {})["message"]


async def test_a_credential_without_an_address_says_what_is_missing(world: McpWorld) -> None:
    world.address = None
    _, finished = await run(workflow(client()), world, [{}])
    assert finished.status == "error"
    assert "httpStreamUrl" in (finished.error or {})["description"]


async def test_an_agent_lists_and_calls_through_two_tools(world: McpWorld) -> None:
    arguments = "={{ $fromAI('Tool_Parameters', ``, 'json') }}"
    tool = client(CLIENT + "Tool", operation="executeTool", toolName="={{ $fromAI('tool') }}", toolParameters=arguments)
    world.stand_in.script = [calls("C", {"tool": "count", "Tool_Parameters": {"n": 5}}), text_answer("done")]
    export = workflow(node("A", "agent", 2.2), (model(), "ai_languageModel"), (tool, "ai_tool"))
    _, finished = await run(export, world, [{"chatInput": "x"}])
    assert finished.status == "success", finished.error
    assert json.loads(world.stand_in.requests[-1].body["messages"][-1]["content"]) == [{"result": CALLED}]
