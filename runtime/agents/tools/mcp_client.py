"""MCP Client: calls a tool of an MCP server once per item."""

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from runtime.agents.tools.mcp_client_tool import CREDENTIALS, session_of
from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    each_item_async,
    param,
)
from runtime.values.json_text import NotJsonError, parse_json
from schemas.facts import CredentialUse

if TYPE_CHECKING:
    from runtime.agents.tools.mcp_session import McpSession

FILES: Final = ("image", "audio")
"""Kinds of content that become files."""
EXAMPLE: Final = '{\n  "my_field_1": "value",\n  "my_field_2": 1\n}\n'


class McpClient(Activity):
    """One session for all items."""

    type = "@n8n/n8n-nodes-langchain.mcpClient"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1)
    credential_uses = tuple(
        CredentialUse(type_, {"authentication": [name]}, generic=type_ != "mcpOAuth2Api")
        for name, type_ in CREDENTIALS.items()
    )

    server_transport: str = param("httpStreamable")
    endpoint_url: Dynamic[str] = param("", required=True, label="MCP Endpoint URL")
    authentication: str = param("none")
    tool: Dynamic[Any] = param({"mode": "list", "value": ""}, required=True)
    input_mode: str = param("manual")
    parameters: Dynamic[dict[str, Any]] = param(
        {"mappingMode": "defineBelow", "value": None}, show={"inputMode": ["manual"]}
    )
    json_input: Dynamic[Any] = param(EXAMPLE, show={"inputMode": ["json"]})
    options: Dynamic[dict[str, Any]] = param({})

    def mutation(self, version: float) -> str:
        """Return what cannot be taken back."""
        del version
        return "its call of a tool"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item per item: the tool's structured content and its content, of which pictures and sounds are files."""
        first = context.resolve(self, 0)
        opened = await session_of(
            context, first.server_transport, first.authentication, first.endpoint_url, first.options
        )
        async with opened as session:

            async def call(i: int, item: Item) -> Item:
                del item
                return await context.resolve(self, i).call(context, session)

            return await each_item_async(context, items, call, _error_item)

    async def call(self, context: ActivityContext, session: "McpSession") -> Item:
        """Call the tool with the parameters of one item. Raise NodeError: the tool says that it failed, too."""
        name = self.tool.get("value") if isinstance(self.tool, Mapping) else self.tool
        result = await session.call(str(name or ""), self._arguments())
        content = [each for each in result.get("content") or [] if isinstance(each, Mapping)]
        if result.get("isError"):
            raise NodeError("\n".join(str(each.get("text", "")) for each in content) or "The tool failed")
        item: Item = {"json": {}}
        if result.get("structuredContent") is not None:
            item["json"]["structuredContent"] = result["structuredContent"]
        kept = list[Any]()
        for each in content:
            data = _bytes(each) if (self.options or {}).get("convertToBinary", True) is not False else None
            if data is None:
                kept.append(_parsed(each))
                continue
            ref = await context.blobs.write(data, mime_type=str(each.get("mimeType") or "") or None)
            files = item.setdefault("binary", {})
            files[f"data_{len(files)}"] = ref
        if kept:
            item["json"]["content"] = kept
        return item

    def _arguments(self) -> dict[str, Any]:
        given = (self.parameters or {}).get("value") if self.input_mode == "manual" else self.json_input
        if isinstance(given, str):
            try:
                given = parse_json(given)
            except NotJsonError as error:
                raise NodeError(f"Parameters are no JSON: {error}") from error
        if given is not None and not isinstance(given, Mapping):
            raise NodeError("Parameters must be a JSON object")
        return dict(given or {})


def _bytes(content: Mapping[str, Any]) -> bytes | None:
    """Return the bytes of a picture or a sound; None: it is none, or none that can be read."""
    if content.get("type") not in FILES:
        return None
    try:
        return base64.b64decode(str(content.get("data") or ""), validate=True)
    except binascii.Error:
        return None


def _parsed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content with a text that is JSON as its value (n8n)."""
    if content.get("type") != "text" or not isinstance(content.get("text"), str):
        return dict(content)
    try:
        return {**content, "text": parse_json(content["text"])}
    except NotJsonError:
        return dict(content)


def _error_item(error: NodeError, i: int) -> Item:
    return {"json": {"error": {"message": error.message}}, "pairedItem": {"item": i}}
