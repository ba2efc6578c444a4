"""An MCP server of the transport before HTTP Streamable: messages are answered in a stream of events."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOLS = [
    {"name": "add", "description": "Adds", "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}}}
]
RESULTS: dict[str, Any] = {
    "initialize": {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
    "tools/list": {"tools": TOOLS},
}  # fmt: skip


@dataclass
class EventsServer:
    """`endpoint`: what the first event names; `status`: of the stream; `silent`: methods that are never answered; `ends`: the method at
    which the stream ends.
    """

    url: str = ""
    endpoint: str = "/messages?sessionId=1"
    status: int = 200
    silent: tuple[str, ...] = ()
    ends: str = ""
    posted: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    streams: list[dict[str, str]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a client has let go of its stream."""
    told: "queue.Queue[bytes | None]" = field(default_factory=queue.Queue)
    """What goes into the newest stream; None ends it."""

    def take(self, message: Any) -> None:
        """Answer a message in the stream."""
        method = message["method"]
        if method == self.ends:
            self.told.put(None)
        elif "id" in message and method not in self.silent:
            arguments = message.get("params", {}).get("arguments")
            result = RESULTS.get(method, {"content": [{"type": "text", "text": json.dumps(arguments)}]})
            text = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
            middle = len(text) // 2  # in two pieces, of which the first ends within the data
            self.told.put(f": a comment\nevent: message\r\ndata: {text[:middle]}".encode())
            self.told.put(f"{text[middle:]}\r\n\r\n".encode())


@contextmanager
def events_server(**options: Any) -> Iterator[EventsServer]:
    """Serve on the loopback."""
    state = EventsServer(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.streams.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(state.status)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            if state.status >= 400:
                return
            told = state.told = queue.Queue()
            self.wfile.write(f"event: endpoint\ndata: {state.endpoint}\n\n".encode())
            with suppress(ConnectionError):
                while piece := self._next(told):
                    self.wfile.write(piece)
            state.left.set()

        @staticmethod
        def _next(told: "queue.Queue[bytes | None]") -> bytes | None:
            """Return what is to be told, or a comment now and then: writing tells whether the client is there."""
            try:
                return told.get(timeout=0.05)  # brief: between two comments, which tell whether the client is there
            except queue.Empty:
                return b": still here\n\n"

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.posted.append((self.path, {name.lower(): value for name, value in self.headers.items()}, message))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()
            state.take(message)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/sse"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
