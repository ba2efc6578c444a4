"""A stand-in for vendors on the loopback, for demonstrations and tests: it records requests and answers plausibly.

It is labelled as such: on its first line, in a `X-Stand-In` header and in every body. Never a default of the service: only
`make demo` and the tests start it.

| request | answer |
|---|---|
| `POST .../chat/completions`, `.../responses` | as OpenAI: the script's next answer, else JSON of the schema |
| `GET /__requests` | the requests so far |
| any other | `{"stand_in": true, "id": ..., "repeated": ...}`; repeated: its `Idempotency-Key` was seen before |
"""

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TextIO

LABEL = "stand-in: not a real vendor"
MODEL_PATHS = ("/chat/completions", "/responses")


@dataclass(frozen=True)
class RecordedRequest:
    """A request that the stand-in got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    def key(self) -> str | None:
        """Return the idempotency key of the request; None: it has none."""
        return self.headers.get("idempotency-key")


@dataclass
class StandIn:
    """The server. `script`: answers to model requests, in order; `{'status': 429, ...}` is a refusal."""

    port: int = 0
    script: Sequence[Mapping[str, Any]] = ()
    log: TextIO | None = None
    requests: list[RecordedRequest] = field(default_factory=list)
    _seen: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0

    def __enter__(self) -> Self:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # the head and the body of an answer go out one after the other

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body = stand_in.answer(RecordedRequest(self.command, self.path, headers, _json(raw)))
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                whole = len(data)
                if cut := stand_in.cut(body):
                    data, self.close_connection = data[:cut], True
                self.send_response(status)
                for name, value in (
                    ("Content-Type", "text/html" if isinstance(body, str) else "application/json"),
                    ("X-Stand-In", LABEL),
                    ("Content-Length", str(whole)),
                ):
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the caller may have been killed
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of http.server

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of http.server
                """Log nothing: the stand-in prints lines of its own."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(poll_interval=0.02), name="stand-in", daemon=True
        )
        self._thread.start()
        self._log_line(f"listening on {self.url} ({LABEL})")
        return self

    def wait(self) -> None:
        """Serve until the process is interrupted."""
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self, body: Any) -> int | None:
        """Return after how many bytes of an answer the connection breaks; None: it does not."""
        del body
        return None

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        """Return status and body (a text is HTML, anything else JSON) for a request; record it unless it reads the record."""
        if request.path == "/__requests":
            return 200, [vars(each) for each in self.requests]
        with self._lock:
            self.requests.append(request)
            key = request.key()
            repeated = key is not None and key in self._seen
            id_ = f"stand-in-{len(self.requests)}"
            if key is not None:
                id_ = self._seen.setdefault(key, id_)
            scripted = self._scripted() if request.path.endswith(MODEL_PATHS) else None
        self._log_line(f"{request.method} {request.path}{'  (repeated: answered as before)' if repeated else ''}")
        if request.path.endswith(MODEL_PATHS):
            status, body = _completion(request.body, scripted)
            return status, _response(body) if status == 200 and request.path.endswith("/responses") else body
        return (200 if repeated or request.method == "GET" else 201), {
            "stand_in": True,
            "id": id_,
            "repeated": repeated,
        }

    def _scripted(self) -> Mapping[str, Any] | None:
        self._next += 1
        return self.script[self._next - 1] if self._next <= len(self.script) else None

    def _log_line(self, line: str) -> None:
        if self.log is not None:
            print(f"stand-in | {line}", file=self.log, flush=True)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _completion(request: Any, scripted: Mapping[str, Any] | None) -> tuple[int, Any]:
    """Return an OpenAI chat completion with a message; a script entry is a message, or a refusal with its `status`."""
    if scripted is not None and "status" in scripted:
        return int(scripted["status"]), {"error": {"message": scripted.get("message", "refused"), "stand_in": True}}
    message = {
        "role": "assistant",
        "content": "",
        **(scripted or _message(request if isinstance(request, dict) else {})),
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if message.get("tool_calls") else "stop"}
    usage = {
        "prompt_tokens": max(1, len(json.dumps(request)) // 4),
        "completion_tokens": max(1, len(json.dumps(message)) // 4),
    }
    return 200, {
        "id": "stand-in",
        "object": "chat.completion",
        "model": "stand-in",
        "choices": [choice],
        "usage": usage,
    }


def _response(completion: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chat completion in the form of OpenAI's Responses API."""
    message, usage = completion["choices"][0]["message"], completion["usage"]
    output: list[dict[str, Any]] = []
    if message["content"]:
        output.append(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": message["content"]}]}
        )
    calls = message.get("tool_calls") or []
    output += [{"type": "function_call", "call_id": call["id"], **call["function"]} for call in calls]
    tokens = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
    return {"id": "stand-in", "object": "response", "model": "stand-in", "output": output, "usage": tokens}


def _message(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call of the last tool, an agent's format tool, with the smallest arguments that fit its schema."""
    tools = request.get("tools") or []
    if not tools:
        return {"content": f"[{LABEL}] an answer of a model would stand here"}
    function = tools[-1].get("function", tools[-1])
    arguments = json.dumps(smallest(function.get("parameters") or {}))
    return {
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}
        ]
    }


def smallest(schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a JSON Schema: the first choice, the lowest number, a labelled text."""
    if "enum" in schema:
        return schema["enum"][0]
    type_ = schema.get("type")
    match type_[0] if isinstance(type_, list) else type_:
        case "object":
            return {key: smallest(each) for key, each in (schema.get("properties") or {}).items()}
        case "array":
            return [smallest(schema.get("items") or {})] * int(schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
    return LABEL[: int(schema.get("maxLength", len(LABEL)))]


def main() -> None:
    """Run `python -m runtime.platform.embedded.fake_vendor [--port N]` until interrupted."""
    parser = argparse.ArgumentParser(description=LABEL)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    with StandIn(parser.parse_args().port, log=sys.stdout) as stand_in:
        try:
            stand_in.wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
