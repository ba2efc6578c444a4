"""MCP servers of the old transport: tools of an agent, calls of MCP Client, and what goes wrong with a stream."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from runtime.agents.tools.event_lines import EventLines
from tests.unit.agents.mcp_events_stand_in import EventsServer, events_server
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import World, calls, model, node, outputs, run, text_answer, workflow


class McpWorld(World):
    """It has the credentials of the cases."""

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        own: Mapping[str, Any] = {
            "httpBearerAuth": {"token": "T"},
            "mcpClientSseApi": {"sseUrl": self.operator.get("sse", ""), "headers": "X-Key=abc"},
        }
        return own.get(type_) or await super().get(type_, item, restricted=restricted)


async def agent(server: EventsServer, version: float, **parameters: Any) -> tuple[Any, list[Any]]:
    """Return how a run ended, and the requests to its model."""
    address = {"sseEndpoint": server.url} if version == 1 else {"endpointUrl": server.url}
    tool = node("S", "mcpClientTool", version, {**address, **parameters})
    export = workflow(node("A", "agent", 2.2), (model(), "ai_languageModel"), (tool, "ai_tool"))
    with Vendors(script=[calls("S_add", {"a": 5}), text_answer("done")]) as stand_in:
        _, finished = await run(export, McpWorld(stand_in), [{"chatInput": "x"}])
        return finished, [each.body for each in stand_in.requests]


@pytest.mark.parametrize(
    ("version", "parameters"), [(1, {}), (1.1, {}), (1.2, {"serverTransport": "sse", "authentication": "bearerAuth"})]
)
async def test_an_agent_lists_and_calls_through_a_stream(version: float, parameters: dict[str, Any]) -> None:
    with events_server() as server:
        finished, asked = await agent(server, version, **parameters)
        assert finished.status == "success", finished.error
        assert json.loads(asked[-1]["messages"][-1]["content"]) == [{"type": "text", "text": '{"a": 5}'}]
        assert {path for path, _, _ in server.posted} == {"/messages?sessionId=1"}
        assert [message["method"] for _, _, message in server.posted] == [
            "initialize", "notifications/initialized", "tools/list", "initialize", "notifications/initialized", "tools/call",
        ]  # fmt: skip
        tokens = {
            headers.get("authorization") for headers in [*server.streams, *(each for _, each, _ in server.posted)]
        }
        assert tokens == {"Bearer T" if parameters else None}
        assert all(headers["accept"] == "text/event-stream" for headers in server.streams)
        assert server.left.wait(10), "the stream is still open"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"status": 401}, "Could not connect to your MCP server"),
        ({"endpoint": "http://127.0.0.1:9/messages", "ends": "-"}, "Could not connect to your MCP server"),
        ({"silent": ("tools/list",)}, "Request timed out"),
        ({"ends": "tools/list"}, "did not answer tools/list"),
    ],
    ids=["a refusal", "messages to another server", "no answer", "a stream that ends"],
)
async def test_a_stream_that_does_not_do_what_it_should_is_an_error(options: dict[str, Any], message: str) -> None:
    with events_server(**options) as server:
        finished, _ = await agent(server, 1.1, options={"timeout": 300})
        assert finished.status == "error"
        assert message in json.dumps(finished.error)


async def test_mcp_client_calls_for_each_item_in_one_stream() -> None:
    with events_server() as server, Vendors() as stand_in:
        parameters = {"serverTransport": "sse", "endpointUrl": server.url, "tool": {"mode": "id", "value": "add"}, "inputMode": "json",
                      "jsonInput": "={{ {a: $json.n} }}"}  # fmt: skip
        export = workflow(node("C", "mcpClient", 1.1, parameters))
        execution, finished = await run(export, McpWorld(stand_in), [{"n": 1}, {"n": 2}])
        assert finished.status == "success", finished.error
        assert outputs(execution, "C") == [[{"content": [{"type": "text", "text": {"a": n}}]} for n in (1, 2)]]
        assert len(server.streams) == 1


async def test_the_communitys_client_takes_a_server_by_its_stream() -> None:
    with events_server() as server, Vendors() as stand_in:
        export = workflow(node("C", "n8n-nodes-mcp.mcpClient", 1, {"connectionType": "sse"}))
        execution, finished = await run(export, McpWorld(stand_in, services={"sse": server.url}), [{}])
        assert finished.status == "success", finished.error
        assert [each["name"] for each in outputs(execution, "C")[0][0]["tools"]] == ["add"]
        assert server.streams[0]["x-key"] == "abc"


@pytest.mark.parametrize(
    ("pieces", "events"),
    [
        ([b"data: a\n\n"], [("message", "a")]),
        ([b"event: x\r\nda", b"ta:a\r", b"\ndata:  b\r\n\r\n"], [("x", "a\n b")]),
        ([b": c\nid: 1\nevent: x\n\ndata: a\n\n"], [("message", "a")]),
        ([b"data: a"], []),
    ],
)
def test_events(pieces: list[bytes], events: list[tuple[str, str]]) -> None:
    """Whatever the pieces are, an event ends with an empty line; one without data is none."""
    lines = EventLines()
    assert [event for piece in pieces for event in lines.feed(piece)] == events
