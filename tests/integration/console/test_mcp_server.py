"""The MCP server of the service, with the SDK's own client: list, start, status, answer; and what a foreign key sees."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.exports import export, node, set_
from tests.integration.api.test_retention import Forget
from tests.integration.console.chromium import Wire, serving
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture(scope="module")
async def wire(application: Litestar) -> AsyncIterator[Wire]:
    """The API on a port."""
    async with serving(application) as opened:
        yield opened


@contextlib.asynccontextmanager
async def session(wire: Wire, key: str) -> AsyncIterator[ClientSession]:
    """A client that has connected."""
    async with (
        create_mcp_http_client({"Authorization": f"Bearer {key}"}) as client,
        streamable_http_client(f"{wire.url}/tools/mcp", http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as opened,
    ):
        await opened.initialize()
        yield opened


async def test_templates_are_tools_that_start_runs(
    wire: Wire, api_keys: tuple[str, str], acme: httpx.AsyncClient
) -> None:
    inputs = {"values": [{"name": "city", "type": "string"}, {"name": "days", "type": "number"}]}
    typed = node("In", "executeWorkflowTrigger", 1.1, workflowInputs=inputs)
    await acme.post(
        "/templates",
        params={"key": "forecast", "description": "The weather of a city."},
        json=export("Forecast", typed, set_("Say", says="={{ $json.city }} for {{ $json.days }} days")),
    )
    async with session(wire, api_keys[0]) as client:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        assert {"start_greeting", "start_forecast", "run_status", "run_answer"} <= tools.keys()
        assert "The weather of a city." in (tools["start_forecast"].description or "")
        schema = tools["start_forecast"].model_dump(by_alias=True)["inputSchema"]
        assert schema["properties"] == {"city": {"type": "string"}, "days": {"type": "number"}}
        done: Any = await client.call_tool("start_forecast", {"city": "Rome", "days": 3})
        answer = done.model_dump(by_alias=True)
        assert answer["isError"] is False
        assert answer["structuredContent"]["status"] == "completed"
        assert answer["structuredContent"]["outputs"][0][0]["says"] == "Rome for 3 days"
        failed: Any = await client.call_tool("start_failing", {"name": "Ada"})
        content = failed.model_dump(by_alias=True)["structuredContent"]
        assert (content["status"], content["error"]["message"]) == ("failed", "No Ada today")


async def test_the_result_of_a_run_outlives_its_history(
    wire: Wire, api_keys: tuple[str, str], acme: httpx.AsyncClient, forget: Forget
) -> None:
    """Temporal has deleted the run; the tool answers as REST does."""
    run = await started(acme, "greeting", {"name": "Ada"})
    await ended(acme, run)
    async with session(wire, api_keys[0]) as client:
        before: Any = await client.call_tool("run_status", {"workflow_id": run})
        await forget(run)
        after: Any = await client.call_tool("run_status", {"workflow_id": run})
        content = after.model_dump(by_alias=True)["structuredContent"]
        assert content["outputs"]
        assert content == before.model_dump(by_alias=True)["structuredContent"]


async def test_what_a_run_waits_for_is_answered(wire: Wire, api_keys: tuple[str, str], acme: httpx.AsyncClient) -> None:
    wait = node("Ask", "wait", 1.1, resume="webhook", httpMethod="POST")
    steps = export("Asks", node("Start", "manualTrigger"), wait, set_("After", got="={{ $json.body.n }}"))
    await acme.post("/templates", params={"key": "mcp-asks"}, json=steps)
    async with session(wire, api_keys[0]) as client, session(wire, api_keys[1]) as stranger:
        begun: Any = await client.call_tool("start_mcp-asks", {})
        content = begun.model_dump(by_alias=True)["structuredContent"]
        assert (content["status"], content["waits_for"]["kind"]) == ("running", "call")
        assert content["waits_for"]["link"] is None
        run = {"workflow_id": content["workflow_id"]}
        for tool in ("run_status", "run_answer"):
            foreign: Any = await stranger.call_tool(tool, run | {"data": {}})
            assert foreign.model_dump(by_alias=True)["isError"] is True
            assert "There is no run" in foreign.content[0].text
        assert "start_mcp-asks" not in {each.name for each in (await stranger.list_tools()).tools}
        await client.call_tool("run_answer", run | {"data": {"n": "7"}})

        async def done() -> Any:
            status: Any = await client.call_tool("run_status", run)
            return status.model_dump(by_alias=True)["structuredContent"].get("outputs")

        assert (await eventually(done))[0][0]["got"] == "7"
    await ended(acme, run["workflow_id"])
    rows = (await acme.get("/audit", params={"limit": 50})).json()["items"]
    assert {(each["action"], each["object"]) for each in rows} >= {
        (action, f"run/{run['workflow_id']}") for action in ("run.start", "run.answer")
    }


async def test_messages_that_are_none_are_refused(
    wire: Wire, acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    del wire
    path = "/tools/mcp"
    assert (await anonymous.post(path, json={})).status_code == 401
    assert (await acme.get(path)).status_code == 405
    assert (await acme.post(path, json=[1])).json()["error"]["code"] == -32600
    unknown = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "nope", "arguments": {"workflow_id": "x"}},
    }
    assert (await acme.post(path, json=unknown)).json()["result"]["isError"] is True
    odd = {"jsonrpc": "2.0", "id": 1, "method": "resources/list"}
    assert (await acme.post(path, json=odd)).json()["error"]["code"] == -32601
