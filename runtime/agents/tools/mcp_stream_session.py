"""A client of MCP's transport before HTTP Streamable (revision 2024-11-05, "HTTP with SSE"): answers come in a stream of events, which is
open as long as the session.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urljoin

import orjson

from runtime.agents.tools.event_lines import EventLines
from runtime.agents.tools.mcp_session import McpError, McpSession
from runtime.contract import HttpResponse, NodeApiError
from runtime.http import Request
from runtime.http.address import normalise, origin
from runtime.http.request import Outgoing

NOT_CONNECTED = "Could not connect to your MCP server"
TIMED_OUT = "MCP error -32001: Request timed out"


class McpStreamSession(McpSession):
    """Messages are posted to the address that the server's first event names."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        """See `McpSession`; the address is that of the stream."""
        super().__init__(*args, **rest)
        self._events = EventLines()
        self._stream: asyncio.Task[HttpResponse] | None = None
        self._endpoint = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def connect(self) -> Self:
        """Open the stream, then as over HTTP Streamable. Raise NodeError."""
        headers = {name: value for name, value in self._headers.items() if name != "Accept"}
        request = Request("GET", self._url, headers={**headers, "Accept": "text/event-stream"})
        await self._sent(request, self._open)
        if not self._endpoint.is_set():
            raise NodeApiError(NOT_CONNECTED, description="The server's stream does not say where messages go")
        return await super().connect()

    async def close(self) -> None:
        """Let go of the stream."""
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.wait({self._stream})

    async def _open(self, outgoing: Outgoing) -> HttpResponse:
        """Open the stream; return when it says where messages go, or with the answer that ends it."""
        self._events = EventLines()
        self._stream = asyncio.create_task(
            self._context.http.stream(
                outgoing.url,
                method="GET",
                headers=outgoing.headers,
                content=None,
                timeout=self._timeout,
                hear=self._hear,
            )
        )
        named = asyncio.create_task(self._endpoint.wait())
        either: set[asyncio.Future[Any]] = {self._stream, named}
        await asyncio.wait(either, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
        named.cancel()
        if self._stream.done():
            return self._stream.result()
        return HttpResponse(200, "OK", [], b"", outgoing.url)

    def _hear(self, piece: bytes) -> None:
        for name, text in self._events.feed(piece):
            if name == "endpoint" and not self._endpoint.is_set():
                self._take_endpoint(text)
            elif name == "message":
                self._take(text)

    def _take_endpoint(self, text: str) -> None:
        """Messages, and the credential with them, go to the server of the stream and to no other."""
        try:
            url = urljoin(self._url, text)
            same = origin(normalise(url)) == origin(normalise(self._url))
        except ValueError:
            return
        if same:
            self._url = url
            self._endpoint.set()

    def _take(self, text: str) -> None:
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        if not isinstance(message, dict) or not ("result" in message or "error" in message):
            return
        id_ = message.get("id")
        future = self._waiting.pop(id_, None) if isinstance(id_, int) else None
        if future is not None and not future.done():
            future.set_result(message)

    async def _exchange(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[message["id"]] = future
        await self._post(message)
        assert self._stream is not None
        either: set[asyncio.Future[Any]] = {future, self._stream}
        await asyncio.wait(either, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        if self._stream.done():
            self._stream.result()  # raises what ended it
            return None
        raise McpError(TIMED_OUT)
