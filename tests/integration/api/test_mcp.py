"""MCP servers: what a client of the Model Context Protocol gets from a published workflow."""

from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from tests.exports import export, node

pytestmark = pytest.mark.usefixtures("worker")
CODE = {"description": "doubles", "jsCode": "return String(Number(query) * 2)"}


def server(**parameters: Any) -> dict[str, Any]:
    trigger = node("Server", "mcpTrigger", 2, path="tools", **parameters)
    trigger |= {"type": "@n8n/n8n-nodes-langchain.mcpTrigger", "webhookId": "m"}
    tool = node("Double", "toolCode", 1.3, **CODE) | {"type": "@n8n/n8n-nodes-langchain.toolCode"}
    made = export("Tools", trigger)
    made["nodes"].append(tool)
    made["connections"] = {"Double": {"ai_tool": [[{"node": "Server", "type": "ai_tool", "index": 0}]]}}
    return made


def ask(method: str, id_: int | None = 1, **params: Any) -> dict[str, Any]:
    """A message of a client; without an id a notification."""
    return {"jsonrpc": "2.0", "method": method, "params": params} | ({} if id_ is None else {"id": id_})


async def test_a_client_connects_lists_the_tools_and_calls_one(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    published = await acme.post("/templates", params={"key": "tools"}, json=server(instructions="Numbers only"))
    assert published.json()["webhooks"][0]["url"].endswith("/mcp/acme/tools")
    url = "/mcp/acme/tools"
    opened = (await anonymous.post(url, json=ask("initialize", protocolVersion="2025-03-26"))).json()["result"]
    assert opened["protocolVersion"] == "2025-03-26"
    assert opened["instructions"] == "Numbers only"
    assert (await anonymous.post(url, json=ask("notifications/initialized", None))).status_code == 202
    listed = (await anonymous.post(url, json=ask("tools/list"))).json()["result"]["tools"]
    assert [each["name"] for each in listed] == ["Double"]
    called = (await anonymous.post(url, json=ask("tools/call", 7, name="Double", arguments={"input": "21"}))).json()
    assert called == {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "42"}]}}


async def test_what_is_not_of_the_protocol_is_refused_in_its_terms(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    await acme.post("/templates", params={"key": "tools"}, json=server())
    assert (await anonymous.get("/mcp/acme/tools")).status_code == 405
    assert (await anonymous.post("/mcp/acme/nothing", json=ask("ping"))).status_code == 404
    broken = await anonymous.post("/mcp/acme/tools", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, -32700)
    unknown = await anonymous.post("/mcp/acme/tools", json=ask("resources/list"))
    assert unknown.json()["error"]["code"] == -32601


async def test_a_server_with_a_credential_admits_its_token_only(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    made = server(authentication="bearerAuth")
    made["nodes"][0]["credentials"] = {"httpBearerAuth": {"id": "1", "name": "mcp"}}
    await dependencies.credentials.put("acme", "httpBearerAuth", "mcp", {"token": "open sesame"})
    await acme.post("/templates", params={"key": "tools"}, json=made)
    assert (await anonymous.post("/mcp/acme/tools", json=ask("ping"))).status_code == 401
    for token, status in (("no", 401), ("open sesame", 200)):
        headers = {"authorization": f"Bearer {token}"}
        assert (await anonymous.post("/mcp/acme/tools", json=ask("ping"), headers=headers)).status_code == status
