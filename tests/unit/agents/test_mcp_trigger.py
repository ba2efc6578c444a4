"""The MCP Server Trigger: one run lists the tools, or calls one of them, and answers its caller."""

import json
from collections.abc import Mapping
from typing import Any

from runtime.catalog import CATALOG
from runtime.hosts.local.host import LocalHost, run_local
from runtime.interpreter.run_info import RunInfo
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.item import Item
from tests.unit.agents.world import World, node, plan_of

SCHEMA = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
CODE = node(
    "Double It", "toolCode", 1.3,
    {"description": "doubles", "jsCode": "return String(query.n * 2)", "specifyInputSchema": True, "schemaType": "manual",
     "inputSchema": SCHEMA},
)  # fmt: skip
FETCH = node(
    "Fetch", "n8n-nodes-base.httpRequestTool", 4.2, {"toolDescription": "fetches", "url": "={{ $fromAI('url') }}"}
)


class Caller(LocalHost):
    """A host that keeps what a run answers its caller."""

    answers: list[Mapping[str, Any]]

    def respond(self, response: Mapping[str, Any]) -> None:
        self.answers.append(response)


async def ask(request: Mapping[str, Any], *tools: dict[str, Any]) -> Any:
    """The body that the run of a request answers with."""
    trigger = node("Server", "mcpTrigger", 2, {"path": "tools"}, webhookId="w")
    connections = {tool["name"]: {"ai_tool": [[{"node": "Server", "type": "ai_tool", "index": 0}]]} for tool in tools}
    export = {
        "id": "wf", "name": "mcp", "nodes": [trigger, *map(dict, tools)], "connections": connections,
        "settings": {"executionOrder": "v1"},
    }  # fmt: skip
    plan = plan_of(export)
    with StandIn() as stand_in:
        host = Caller(CATALOG, World(stand_in))
        host.answers = []
        item: Item = {"json": json.loads(json.dumps(request).replace("<stand-in>", stand_in.url))}
        _, finished = await run_local(plan, host, RunInfo(execution_id="r"), [item], start=plan.step["Server"])
    assert finished.status == "success", finished.error
    (answer,) = host.answers
    assert answer["statusCode"] == 200
    return answer["body"]


def calling(name: str, arguments: Any) -> dict[str, Any]:
    """A request that calls a tool."""
    return {"method": "tools/call", "params": {"name": name, "arguments": arguments}}


async def test_the_list_has_every_connected_tool_with_the_schema_of_its_arguments() -> None:
    listed = await ask({"method": "tools/list", "params": {}}, FETCH, CODE)
    assert [each["name"] for each in listed["tools"]] == ["Double_It", "Fetch"]
    assert listed["tools"][0]["inputSchema"]["properties"] == {"n": {"type": "integer"}}
    assert listed["tools"][1]["inputSchema"]["required"] == ["url"]


async def test_a_call_runs_the_tool_and_answers_with_its_text() -> None:
    assert await ask(calling("Double_It", {"n": 21}), CODE) == {"content": [{"type": "text", "text": "42"}]}


async def test_a_node_as_a_tool_gets_the_arguments_and_its_items_are_the_answer() -> None:
    answer = await ask(calling("Fetch", {"url": "<stand-in>/x"}), FETCH)
    assert "stand_in" in answer["content"][0]["text"]
    assert "isError" not in answer


async def test_arguments_that_do_not_fit_are_an_error_of_the_call_and_the_tool_does_not_run() -> None:
    answer = await ask(calling("Double_It", {"n": "many"}), CODE)
    assert answer["isError"] is True
    assert "n: 'many' is not of type 'integer'" in answer["content"][0]["text"]


async def test_a_tool_that_is_not_there_and_one_that_fails_are_errors_of_the_call() -> None:
    assert (await ask(calling("Nothing", {}), CODE))["isError"] is True
    failed = await ask(calling("Fetch", {"url": "http://127.0.0.1:9/"}), FETCH)
    assert failed["isError"] is True
    assert "refused" in failed["content"][0]["text"]
