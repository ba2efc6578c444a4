"""A client of the Model Context Protocol (streamable HTTP): one session per activity, each message one guarded request.

Use it in `async with`: it connects on entry.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

import orjson

from runtime.agents.tools.event_lines import EventLines
from runtime.contract import ActivityContext, HttpResponse, NodeApiError, NodeError
from runtime.http import Json, Request
from runtime.http.credentials import Credential, CredentialError
from runtime.http.exchange import Answer, Redirects, Sender
from runtime.http.fetch import Wire, fetch
from runtime.http.request import Outgoing

VERSION: Final = "2025-06-18"
MAX_PAGES: Final = 20
"""Of a list of tools."""
SESSION: Final = "mcp-session-id"
EVENTS: Final = "text/event-stream"


class McpError(NodeError):
    """The server answers with an error of the protocol."""


class McpSession:
    """A connection to a server, from `connect` to `close`. Nothing of it outlives the activity."""

    def __init__(
        self,
        context: ActivityContext,
        url: str,
        credential: Credential | None,
        timeout: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._context, self._url, self._credential, self._timeout = context, url, credential, timeout
        self._headers: dict[str, str] = {**(headers or {}), "Accept": f"application/json, {EVENTS}"}
        self._next = 0

    async def connect(self) -> Self:
        """Agree on a revision of the protocol. Raise NodeError."""
        about = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "tempor8", "version": "1"}}
        result = await self.request("initialize", about)
        self._headers["MCP-Protocol-Version"] = str(result.get("protocolVersion") or VERSION)
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    async def close(self) -> None:
        """Let go of what is open."""

    async def __aenter__(self) -> Self:
        try:
            return await self.connect()
        except BaseException:
            await self.close()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def tools(self) -> list[dict[str, Any]]:
        """Return the server's tools. Raise NodeError."""
        found: list[dict[str, Any]] = []
        cursor: Any = None
        for _ in range(MAX_PAGES):
            result = await self.request("tools/list", {"cursor": cursor} if cursor else {})
            found += [each for each in result.get("tools") or [] if isinstance(each, dict) and each.get("name")]
            cursor = result.get("nextCursor")
            if not cursor:
                return found
        raise NodeError(f"The MCP server has more than {MAX_PAGES} pages of tools")

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a tool: `content`, maybe `isError` and `structuredContent`. Raise NodeError."""
        return await self.request("tools/call", {"name": name, "arguments": dict(arguments)})

    async def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return its result. Raise NodeError: the server's error, or no answer of the protocol."""
        id_, self._next = self._next, self._next + 1
        message = await self._exchange({"jsonrpc": "2.0", "id": id_, "method": method, "params": dict(params)})
        if message is None:
            raise NodeError(
                f"The MCP server did not answer {method}", description="Is this the address of an MCP server?"
            )
        if isinstance(error := message.get("error"), Mapping):
            raise McpError(f"MCP error {error.get('code')}: {error.get('message')}")
        result = message.get("result")
        return result if isinstance(result, dict) else {}

    async def _exchange(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the response to a request; None: there is none."""
        return _message(await self._post(message), message["id"])

    async def _post(self, message: Mapping[str, Any]) -> Answer:
        return await self._sent(
            Request("POST", self._url, headers=dict(self._headers), body=Json(dict(message))), self._send
        )

    async def _sent(self, request: Request, send: Sender) -> Answer:
        wire = Wire(send, lambda: secrets.token_hex(16), self._context.now)
        try:
            answer, _ = await fetch(wire, request, self._credential, Redirects(keep_authorization=False))
        except (CredentialError, ValueError) as error:
            raise NodeError(f"The MCP server cannot be asked: {error}") from error
        if answer.status >= 400:
            text = answer.body[:500].decode("utf-8", "replace")
            raise NodeApiError("Could not connect to your MCP server", description=text, http_code=str(answer.status))
        for name, value in answer.headers:
            if name.lower() == SESSION:
                self._headers[SESSION] = value
        return answer

    async def _send(self, outgoing: Outgoing) -> HttpResponse:
        return await self._context.http.request(
            outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.content, timeout=self._timeout,
            follow_redirects=False, bare=outgoing.bare,
        )  # fmt: skip


def _message(answer: Answer, id_: int) -> dict[str, Any] | None:
    """Return the response to a request, from JSON or from a stream of events; None: there is none."""
    type_ = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    texts: Iterable[str | bytes] = [answer.body]
    if type_.startswith(EVENTS):
        texts = [text for _, text in EventLines().feed(answer.body + b"\n\n")]  # the last one may have no end
    for text in texts:
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(message, dict) and message.get("id") == id_ and ("result" in message or "error" in message):
            return message
    return None


def text_of(result: Mapping[str, Any]) -> str:
    """Return what a model reads of a tool's result: its texts when it failed, else its value or its content as JSON (n8n)."""
    content = result.get("content") or []
    if result.get("isError"):
        return "\n".join(str(each.get("text", "")) for each in content if isinstance(each, Mapping))
    value = result.get("structuredContent") or content
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
