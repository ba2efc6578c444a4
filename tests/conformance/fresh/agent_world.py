"""The services of fresh agents: models that give a case's answers, embeddings, a web and an MCP server; and the comparison of requests.

Which case and model a request is of, its model's name says. The n-th request that begins with the same first question gets
the n-th answer, so that the order of requests that are under way side by side decides nothing.
"""

import asyncio
import json
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from runtime.contract import HttpResponse
from tests.conformance.fresh.agent_answers import embeddings, in_dialect
from tests.conformance.fresh.agent_parts import PORT
from tests.conformance.fresh.web import RequestHandler
from tests.conformance.wire_world import WireCapabilities, response

__all__ = ["AgentWorld", "compared", "serve_agents"]

Json = dict[str, Any]
NUMBER: Final = {"type": "number"}
SUM: Final = {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a"]}
MCP_TOOLS: Final = [
    {"name": "add", "description": "Adds", "inputSchema": SUM},
    {"name": "del-it", "description": "Deletes", "inputSchema": {"type": "object", "properties": {}}},
]
EVENTS_FROM: Final = "/mcp-events"
"""Where the MCP server's stream is, for clients of its old transport."""
EVENTS_TO: Final = "/mcp-messages"
STREAM_SECONDS: Final = 30
"""Without an answer, after which a stream ends whose client has gone."""
TOLD_BY_TOOLS: Final = re.compile(r'"tool_use_id"|"role": "tool"|"functionResponse"|"function_call_output"')
GEMINI: Final = re.compile(r"/models/([^:]+):")
OURS: Final = re.compile(
    r"\s*(Answer with JSON only|Give the final answer only by calling|Answer with a list of|You must format your output|IMPORTANT: "
    r"|Your response should be a list of|Hand over the final answer).*", re.DOTALL
)  # fmt: skip
"""Instructions about the form of an answer, which are worded differently here and there."""
REPAIRS: Final = ("Instructions:", "A text was to follow these instructions:")
"""How a request begins that an answer be repaired."""
FAILED: Final = ('[{"error":', "There was an error")
"""How an answer of a tool begins that failed; versions of the agent before 3 tell nothing of it."""
MADE_UP: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|call_\d+")
OURS_AS_TOOLS: Final = ("format_final_json_response", "Calculator", "Date_Time")
"""Tools that are described in other words here."""
DROPPED: Final = {
    "stream",
    "stream_options",
    "strict",
    "$schema",
    "parallel_tool_calls",
    "tool_choice",
    "safetySettings",
}
"""Members of bodies that say what holds without them; so do those that are empty."""


class AgentServices:
    """Answers requests, and keeps those of models by case."""

    def __init__(self, scripts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """`scripts`: name of a model -> its answers."""
        self._scripts = scripts
        self._asked: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self.requests: list[Json] = []

    def answer(self, method: str, url: str, content: bytes | None) -> Json:
        """Return the answer to a request, in the shape of `responses` of a wire case."""
        path = urlsplit(url).path
        try:
            body = json.loads(content or b"{}")
        except ValueError:
            body = {}
        if path == "/mcp":
            return mcp(method, body)
        if path.endswith("/embeddings"):
            return {"json": embeddings(body)}
        model = (
            unquote(found[1])
            if (found := GEMINI.search(path))
            else body.get("model")
            if isinstance(body, dict)
            else None
        )
        if not isinstance(model, str) or model not in self._scripts:
            return _web(method, url, path)
        with self._lock:
            key = (model, _first_question(body))
            number = self._asked[key]
            self._asked[key] += 1
            if model.endswith("-innermodel"):  # several talks of an inner agent may be under way
                number = len(TOLD_BY_TOOLS.findall(json.dumps(body)))
            self.requests.append({"model": model, "path": path.replace(model, "*"), "body": body})
        script = self._scripts[model]
        return in_dialect(path, body, script[min(number, len(script) - 1)], number)


def _first_question(body: Mapping[str, Any]) -> str:
    messages = body.get("messages") or body.get("contents") or body.get("input") or []
    asked = (
        [each for each in messages if isinstance(each, dict) and each.get("role") == "user"]
        if isinstance(messages, list)
        else messages
    )
    return json.dumps(asked[:1])[:300]


def mcp(method: str, body: Mapping[str, Any]) -> Json:
    """Return what the MCP server answers."""
    if method != "POST":
        return {"status": 405, "json": {}}
    if "id" not in body:
        return {"status": 202, "text": ""}
    asked = body.get("method")
    arguments = (body.get("params") or {}).get("arguments") or {}
    results: Json = {
        "initialize": {"protocolVersion": "2025-03-26", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
        "tools/list": {"tools": MCP_TOOLS},
        "tools/call": {"content": [{"type": "text", "text": json.dumps(arguments, sort_keys=True)}]},
    }  # fmt: skip
    return {"json": {"jsonrpc": "2.0", "id": body["id"], "result": results.get(str(asked), {})}}


def _web(method: str, url: str, path: str) -> Json:
    if path.startswith("/fail"):
        return {"status": 400, "json": {"message": "refused here"}}
    if path.startswith("/list"):
        return {"json": [{"id": 1}, {"id": 2}]}
    if path.startswith("/text"):
        return {"text": "plain words", "headers": {"content-type": "text/plain"}}
    return {"json": {"method": method, "path": path, "query": urlsplit(url).query}}


class AgentWorld(WireCapabilities):
    """Our side: no sockets, the same services."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        super().__init__(case)
        self.services = AgentServices(case["answers"])
        self._heard: Callable[[Json], None] = lambda _answer: None

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Return the answer of the services."""
        content = options.get("content")
        if content is not None and not isinstance(content, bytes):
            content = b"".join([chunk async for chunk in content])
        if urlsplit(url).path == EVENTS_TO:
            self._heard(mcp(method, json.loads(content or b"{}")))
            return response(method, url, {"status": 202, "text": ""})
        return response(method, url, self.services.answer(method, url, content))

    async def stream(self, url: str, *, hear: Callable[[bytes], None], **options: Any) -> HttpResponse:
        """Return the answer of the services at once; a stream of the MCP server stays open."""
        if urlsplit(url).path == EVENTS_FROM:
            hear(event("endpoint", EVENTS_TO))
            self._heard = lambda answer: (
                hear(event("message", json.dumps(answer["json"]))) if "json" in answer else None
            )
            await asyncio.Event().wait()  # until the client lets go of it
        told = await self.request(options.get("method", "POST"), url, **options)
        if told.status < 400:
            hear(told.body)
        return told


def event(name: str, data: str) -> bytes:
    """Return a server-sent event."""
    return f"event: {name}\ndata: {data}\n\n".encode()


@contextmanager
def serve_agents(cases: Sequence[Mapping[str, Any]]) -> Iterator[AgentServices]:
    """Serve the services of cases on `PORT`."""
    services = AgentServices({model: script for case in cases for model, script in case["answers"].items()})
    streams: dict[str, queue.Queue[bytes]] = {}

    class Handler(RequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name of the base class
            """A stream of the MCP server until its client goes, anything else as ever."""
            if urlsplit(self.path).path != EVENTS_FROM:
                return self._do()
            told = streams[id_ := str(len(streams))] = queue.Queue()
            self.send_response_only(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.close_connection = True
            told.put(event("endpoint", f"{EVENTS_TO}?sessionId={id_}"))
            with suppress(ConnectionError, queue.Empty):
                while True:
                    self.wfile.write(told.get(timeout=STREAM_SECONDS))
            return None

        def answer(self, request: dict[str, Any], url: str, content: bytes | None) -> dict[str, Any]:
            address = urlsplit(url)
            if address.path == EVENTS_TO:
                answer = mcp("POST", json.loads(content or b"{}"))
                if "json" in answer:
                    streams[address.query.partition("=")[2]].put(event("message", json.dumps(answer["json"])))
                return {"status": 202, "text": ""}
            return services.answer(request["method"], url, content)

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()


def compared(requests: Sequence[Mapping[str, Any]], *, own_words: bool) -> list[Json]:
    """Return requests to models without what differs on purpose, in an order of their own. `own_words`: system messages are
    of the root, and worded differently here and there.
    """
    told = [
        {
            "model": each["model"],
            "path": each["path"].replace("streamGenerate", "generate"),
            "body": _body(each["body"], each["model"], own_words),
        }
        for each in requests
    ]
    return sorted(told, key=lambda each: json.dumps(each, sort_keys=True))


def _body(body: Mapping[str, Any], model: str, own_words: bool) -> Json:
    kept: Json = _plain(body)
    if model.startswith("gemini"):
        kept["contents"] = _calls_in_order(kept.get("contents", []))
    if isinstance(kept.get("input"), list):
        kept["input"] = [each for n, each in enumerate(kept["input"]) if not _beside_a_call(kept["input"], n)]
        kept["input"] = sorted(kept["input"], key=lambda each: (each.get("call_id", ""), each.get("type", "")))
    merges = model.startswith(("gemini", "claude"))
    for name in ("messages", "contents", "input"):
        if isinstance(kept.get(name), list):
            told = [_message(each, own_words) for each in kept[name]]
            repairs = model.endswith("-fixer") or any(each in json.dumps(told[:1]) for each in REPAIRS)
            if repairs:  # n8n's client of Gemini sends the system message of the request before
                kept.pop("systemInstruction", None)
            kept[name] = ["<repair>"] if repairs else _joined(_apart(told), merges=merges)
    if merges:
        kept["messages"] = [_without_text_beside_calls(each) for each in kept.get("messages", ())]
    for name in ("system", "systemInstruction"):
        if own_words and name in kept:
            kept[name] = "<own words>"
    return kept


def _beside_a_call(items: Sequence[Mapping[str, Any]], n: int) -> bool:
    """Return whether an item is the text beside a call of a tool."""
    after = items[n + 1 : n + 2]
    return items[n].get("role") == "assistant" and bool(after) and after[0].get("type") == "function_call"


def _calls_in_order(contents: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return Gemini's messages with calls and answers of tools apart from the others, without texts beside calls."""
    told, used = list[Any](), list[Any]()
    for each in contents:
        parts = [part for part in each.get("parts", ()) if "functionCall" in part or "functionResponse" in part]
        used += parts
        told += [] if parts else [each]
    for part in used:
        if isinstance(args := part.get("functionCall", {}).get("args"), dict):
            args.pop("id", None)
    return [*told, *sorted(used, key=json.dumps)]


def _message(message: Any, own_words: bool) -> Any:
    if not isinstance(message, dict):
        return message
    message = {key: each for key, each in message.items() if key != "tool_name"}
    if "tool_calls" in message:
        message["tool_calls"] = [
            {key: each for key, each in call.items() if key != "type" and each != "<made up>"}
            for call in message["tool_calls"]
        ]
    if message.get("tool_call_id") == "<made up>":
        del message["tool_call_id"]
    if own_words and message.get("role") == "system":
        return {"role": "system"}
    if message.get("role") == "tool" and str(message.get("content", "")).startswith(FAILED):
        return {key: each for key, each in message.items() if key != "content"}
    return message


def _apart(messages: Sequence[Any]) -> list[Any]:
    """Return messages with each call of a tool beside its answer, as version 3 of the agent tells them."""
    told: list[Any] = []
    calls: dict[str, Json] = {}
    for each in messages:
        several = each.get("tool_calls", ()) if isinstance(each, dict) else ()
        if len(several) > 1:
            calls = {call.get("id", f"#{n}"): {**each, "tool_calls": [call]} for n, call in enumerate(several)}
            continue
        if isinstance(each, dict) and each.get("role") == "tool" and calls:
            first = next(iter(calls))  # Ollama's calls have no ids: they are answered in their order
            if (key := each.get("tool_call_id", first)) in calls:
                told.append(calls.pop(key))
        told.append(each)
    return told


def _joined(messages: Sequence[Any], *, merges: bool) -> list[Any]:
    """Return messages with the parts of neighbours of one role in one, where the service takes them as one."""
    told: list[Any] = []
    for each in messages:
        name = "parts" if isinstance(each, dict) and "parts" in each else "content"
        if merges and told and told[-1].get("role") == each.get("role"):
            told[-1] = {**told[-1], name: [*_parts(told[-1].get(name, [])), *_parts(each.get(name, []))]}
        else:
            told.append(each)
    return told


def _without_text_beside_calls(message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list) or not any(each.get("type") == "tool_use" for each in content):
        return message
    return {**message, "content": [each for each in content if each.get("type") != "text"]}


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _plain(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if key == "arguments":
            value = {name: each for name, each in value.items() if name not in ("id", "tool")}
        plain = {name: _plain(each, name) for name, each in value.items() if name not in DROPPED}
        kept = {name: each for name, each in plain.items() if each not in (None, [], {}, "")}
        if kept.get("name") in OURS_AS_TOOLS:
            kept.pop("description", None)
        if (
            "tool_calls" in kept or kept.get("type") == "tool_use"
        ):  # the text beside a call, and what version 3 puts among the arguments
            kept = {name: each for name, each in kept.items() if name not in ("content", "input")}
        if set(kept.get("properties", ())) == {"input"}:
            kept.pop("required", None)  # our one text is required, that of some tools of n8n is not
        return kept
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        if key == "arguments":
            return _arguments(value)
        if MADE_UP.fullmatch(value):
            return "<made up>"
        return OURS.sub("<instructions>", value)
    return value


def _arguments(text: str) -> Any:
    """Return arguments without the id of their call and the name of its tool, which version 3 of the agent puts among them."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return (
        {name: each for name, each in value.items() if name not in ("id", "tool")} if isinstance(value, dict) else value
    )
