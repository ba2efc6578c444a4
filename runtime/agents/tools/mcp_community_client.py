"""MCP Client of the community package `n8n-nodes-mcp` (https://github.com/nerding-io/n8n-nodes-mcp): one request to a server, in the
main flow or as a tool of an agent.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from runtime.contract import Activity, ActivityContext, Dynamic, Items, NodeError, Outputs, param
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.facts import CredentialUse

if TYPE_CHECKING:
    from runtime.agents.tools.mcp_session import McpSession

CREDENTIALS: Final = {"cmd": "mcpClientApi", "sse": "mcpClientSseApi", "http": "mcpClientHttpApi"}
LISTS: Final = {
    "listPrompts": ("prompts", "prompts/list"),
    "listResources": ("resources", "resources/list"),
    "listResourceTemplates": ("resourceTemplates", "resources/templates/list"),
}
"""Operation -> member of the output, method of the protocol."""
_BETWEEN: Final = re.compile(r"[\n,]+")
NO_ADDRESS: Final = "The MCP credential names no server"
ADVICE: Final = (
    "No program is started here. Add `httpStreamUrl` to the credential {type}: the address of the server for HTTP Streamable; "
    "`headers` takes a line NAME=VALUE each"
)


class CommunityMcpClient(Activity):
    """Once for all items, with the parameters of the first (the package)."""

    type = "n8n-nodes-mcp.mcpClient"
    versions = (1,)
    usable_as_tool = True
    credential_uses = tuple(CredentialUse(type_, {"connectionType": [name]}) for name, type_ in CREDENTIALS.items())
    differs = (
        "No program is started: whatever the connection type, the server is asked by HTTP Streamable at `httpStreamUrl` of the "
        "credential; by SSE where that type has `sseUrl` alone"
    )

    connection_type: str = param("cmd")
    operation: str = param("listTools", required=True)
    tool_name: Dynamic[str] = param("", show={"operation": ["executeTool"]}, required=True)
    tool_parameters: Dynamic[Any] = param("{}", show={"operation": ["executeTool"]}, required=True)
    prompt_name: Dynamic[str] = param("", show={"operation": ["getPrompt"]}, required=True)
    resource_uri: Dynamic[str] = param("", show={"operation": ["readResource"]}, required=True)

    def mutation(self, version: float) -> str | None:
        """Return what cannot be taken back."""
        del version
        return "its call of a tool" if self.operation == "executeTool" else None

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return one item with what the server answered."""
        del items
        here = context.resolve(self, 0)
        try:
            async with await here.session(context) as session:
                return [[{"json": await here.answer(session)}]]
        except NodeError as error:
            error.message = f"Failed to execute operation: {error.message}"
            raise

    async def session(self, context: ActivityContext) -> "McpSession":
        """Return a session with the server of the credential, not yet connected. Raise NodeError."""
        from runtime.agents.tools.mcp_session import McpSession  # noqa: PLC0415 - requests are for activities
        from runtime.agents.tools.mcp_stream_session import McpStreamSession  # noqa: PLC0415 - likewise

        type_ = CREDENTIALS.get(self.connection_type, CREDENTIALS["cmd"])
        credential = await context.credentials.get(type_)
        seconds, headers = float(credential.get("httpTimeout") or 60_000) / 1000, _headers(credential)
        if url := str(credential.get("httpStreamUrl") or ""):
            return McpSession(context, url, None, seconds, headers=headers)
        if self.connection_type == "sse" and (url := str(credential.get("sseUrl") or "")):
            return McpStreamSession(context, url, None, seconds, headers=headers)
        raise NodeError(NO_ADDRESS, description=ADVICE.format(type=type_))

    async def answer(self, session: "McpSession") -> dict[str, Any]:
        """Carry the operation out. Raise NodeError."""
        if self.operation in LISTS:
            member, method = LISTS[self.operation]
            return {member: await session.request(method, {})}
        if self.operation == "readResource":
            return {"resource": await session.request("resources/read", {"uri": js_string(self.resource_uri)})}
        if self.operation == "getPrompt":
            return {"prompt": await session.request("prompts/get", {"name": js_string(self.prompt_name)})}
        tools = await session.tools()
        if self.operation == "listTools":
            if not tools:
                raise NodeError("No tools found from MCP client")
            return {"tools": [_listed(each) for each in tools]}
        name, arguments = js_string(self.tool_name), _object(self.tool_parameters)
        failed = f"Failed to execute tool '{name}'"
        if all(each["name"] != name for each in tools):
            known = ", ".join(str(each["name"]) for each in tools)
            raise NodeError(f"{failed}: Tool '{name}' does not exist. Available tools: {known}")
        try:
            return {"result": await session.call(name, arguments)}
        except NodeError as error:
            error.message = f"{failed}: {error.message}"
            raise


def _object(value: Any) -> dict[str, Any]:
    """Return a tool's arguments. Raise NodeError: they are no JSON object."""
    problem = "Tool parameters must be a JSON object"
    try:
        parsed = parse_json(value) if isinstance(value, str) and value.strip() else value or {}
    except NotJsonError as error:
        parsed, problem = None, str(error)
    if not isinstance(parsed, Mapping):
        raise NodeError(f"Failed to parse tool parameters: {problem}. Make sure the parameters are valid JSON.")
    return dict(parsed)


def _headers(credential: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a credential: lines, or parts between commas, of NAME=VALUE."""
    pairs = (part.strip().partition("=") for part in _BETWEEN.split(str(credential.get("headers") or "")))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and name.strip()}


def _listed(tool: Mapping[str, Any]) -> dict[str, Any]:
    schema = tool.get("inputSchema")
    return {
        "name": tool["name"],
        "description": tool.get("description") or f"Execute the {tool['name']} tool",
        "schema": schema if isinstance(schema, Mapping) else {"type": "object", "properties": {}},
    }
