"""MCP Client Tool: the tools of an MCP server. They are listed once per item; each call is a step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from runtime.agents.messages import ToolSpec
from runtime.agents.tools.toolbox import ToolSet
from runtime.contract import ActivityContext, Dynamic, NodeError, Outputs, param
from runtime.values.javascript import js_string
from schemas.facts import CredentialUse
from schemas.item import Json

if TYPE_CHECKING:
    from runtime.agents.tools.mcp_session import McpSession

CREDENTIALS = {
    "bearerAuth": "httpBearerAuth",
    "headerAuth": "httpHeaderAuth",
    "multipleHeadersAuth": "httpMultipleHeadersAuth",
    "mcpOAuth2Api": "mcpOAuth2Api",
}


class McpClientTool(ToolSet):
    """A server by its address. Which of its tools the model sees is the author's choice."""

    type = "@n8n/n8n-nodes-langchain.mcpClientTool"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 1.2, 1.3, 1.4)
    credential_uses = tuple(
        CredentialUse(type_, {"authentication": [name]}, generic=type_ != "mcpOAuth2Api")
        for name, type_ in CREDENTIALS.items()
    )

    sse_endpoint: Dynamic[str] = param("", required=True, label="SSE Endpoint", show={"@version": [1]})
    endpoint_url: Dynamic[str] = param("", required=True, label="Endpoint", show={"@version": [{"_cnd": {"gte": 1.1}}]})
    server_transport: str = param("sse", since={1.2: "httpStreamable"}, hide={"@version": [1]})
    authentication: str = param("none")
    include: str = param("all")
    include_tools: Dynamic[list[str]] = param([], show={"include": ["selected"]})
    exclude_tools: Dynamic[list[str]] = param([], show={"include": ["except"]})
    options: Dynamic[dict[str, Any]] = param({})

    async def list_tools(self, context: ActivityContext, payload: Json) -> Json:
        """Return the specs of the tools that the author chose. Raise NodeError."""
        del payload
        async with await self._session(context) as session:
            return cast(Json, [_spec(each) for each in await session.tools() if self._chosen(str(each["name"]))])

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Call the tool in `arguments` (see `ToolSet`). The server's error is what the model reads (n8n). Raise NodeError: it does not
        answer.
        """
        from runtime.agents.tools.mcp_session import McpError, text_of  # noqa: PLC0415 - requests are for activities

        if not self._chosen(str(arguments["tool"])):
            raise NodeError(f"The tool {arguments['tool']} is not among those that the node offers")
        async with await self._session(context) as session:
            try:
                text = text_of(await session.call(str(arguments["tool"]), arguments["arguments"]))
            except McpError as error:
                text = error.message
        return [[{"json": {"response": text}}]]

    def _chosen(self, name: str) -> bool:
        if self.include == "selected":
            return name in (self.include_tools or [])
        return self.include != "except" or name not in (self.exclude_tools or [])

    async def _session(self, context: ActivityContext) -> "McpSession":
        url = self.sse_endpoint if context.version == 1 else self.endpoint_url
        return await session_of(context, self.server_transport, self.authentication, url, self.options)


async def session_of(
    context: ActivityContext, transport: str, authentication: str, url: Any, options: Mapping[str, Any] | None
) -> "McpSession":
    """Return a session with the server that a node's parameters name, not yet connected. Raise NodeError."""
    from runtime.agents.tools.mcp_session import McpSession  # noqa: PLC0415 - requests are for activities
    from runtime.agents.tools.mcp_stream_session import McpStreamSession  # noqa: PLC0415 - likewise
    from runtime.http.credentials import Credential  # noqa: PLC0415 - likewise

    credential = None
    if authentication != "none":
        type_ = CREDENTIALS[authentication]
        credential = Credential(type_, dict(await context.credentials.get(type_, restricted=True)))
    timeout = float((options or {}).get("timeout") or 60_000) / 1000
    kind = McpStreamSession if transport == "sse" else McpSession
    return kind(context, js_string(url), credential, timeout)


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    """Return a tool as the server describes it, with a schema that is one: what is sent to a model is checked by its vendor."""
    said = tool.get("inputSchema")
    schema = dict(said) if isinstance(said, Mapping) else {}
    if not isinstance(schema.get("properties"), Mapping):
        schema["properties"] = {}
    return {
        "name": str(tool["name"]),
        "description": str(tool.get("description") or ""),
        "schema": schema | {"type": "object", "additionalProperties": False},
    }
