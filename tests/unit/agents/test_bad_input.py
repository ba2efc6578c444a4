"""Bad answers of models, tools, stores and servers: each ends as an author expects, none hangs, none is a success in silence.

Rows of `bad_input.json`: `answers` of the model (a message, `[tool, arguments]`, or what goes wrong: `hang`, `cut`, `page`, `body`), the
`tool` of the agent and what that gives, whether the model is asked for a `stream`; then what must hold: `status`, `error`, `outputs`,
`said` (the last thing the model read), `requests` to the model, `fetched` (calls that reached the tool), `refused` (calls that were logged
as refused).
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from runtime.platform.embedded.fake_vendor import MODEL_PATHS, RecordedRequest
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import World, model, node, outputs, run, workflow

ROWS: Final = json.loads((Path(__file__).parent / "bad_input.json").read_text("utf-8"))
TEN_MEGABYTES: Final = "x" * 10 * 1024 * 1024
SECRET: Final = "sk-test"
"""The key of the world's credential."""
SECONDS: Final = 20
KEY: Final = {"openAiApi": {"id": "1", "name": "k"}}


@dataclass
class Hostile(Vendors):
    """Does what a row says."""

    row: Mapping[str, Any] = field(default_factory=dict)

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        """Hang, break off, answer with something else, or as any stand-in."""
        if request.path.endswith(MODEL_PATHS):
            return self._odd(request, self._scripted_row())
        if request.path.startswith("/fetch"):
            return self._odd(request, self.row.get("tool_answer") or {"body": {"ok": True}})
        return super().answer(request)

    def _scripted_row(self) -> Any:
        if "repeat" in self.row:
            return self.row["repeat"]
        self._next += 1
        return self.row["answers"][min(self._next, len(self.row["answers"])) - 1]

    def _odd(self, request: RecordedRequest, told: Any) -> tuple[int, Any]:
        if isinstance(told, dict) and "hang" in told:
            self.requests.append(request)
            time.sleep(told["hang"])
            return 200, {}
        if isinstance(told, dict) and ({"page", "body", "status", "cut"} & told.keys()):
            self.requests.append(request)
            body = told.get("page") or told.get("body") or {"cut": told.get("cut"), "choices": []}
            return told.get("status", 200), TEN_MEGABYTES if body == "$10MB" else body
        if isinstance(told, list):
            told = called(told, self.row.get("many", 1))
        elif told.get("content") == "$10MB":
            told = {"content": TEN_MEGABYTES}
        self.script, self._next = [*self.script, told], len(self.script)
        return super().answer(request)

    def cut(self, body: Any) -> int | None:
        """See `StandIn`."""
        return body.get("cut") if isinstance(body, dict) else None


def called(call: Sequence[Any], times: int) -> dict[str, Any]:
    arguments = call[1] if isinstance(call[1], str) else json.dumps(call[1])
    function = {"name": call[0], "arguments": arguments}
    return {"tool_calls": [{"id": f"c{n}", "type": "function", "function": function} for n in range(times)]}


def tool_of(row: Mapping[str, Any], url: str) -> list[tuple[dict[str, Any], str] | tuple[dict[str, Any], str, str]]:
    """The sub-nodes of the row's tool."""
    match row.get("tool"):
        case "calculator":
            return [(node("Calc", "toolCalculator", 1), "ai_tool")]
        case "http":
            parameters = {
                "toolDescription": "Fetches",
                "url": f"{url}/fetch",
                "sendQuery": True,
                "queryParameters": {
                    "parameters": [{"name": "q", "value": "={{ $fromAI('query', 'what', 'string') }}"}]
                },
                "options": {"timeout": row.get("tool_timeout", 10_000)},
            }
            return [(node("Fetch", "n8n-nodes-base.httpRequestTool", 4.2, parameters), "ai_tool")]
        case "store":
            parameters = {
                "mode": "retrieve-as-tool",
                "toolDescription": "Finds",
                "memoryKey": {"mode": "list", "value": "docs"},
            }
            embeddings = node("Embeddings", "embeddingsOpenAi", 1.2, {"options": {}}, credentials=KEY)
            store = node("Store", "vectorStoreInMemory", 1.3, parameters)
            return [(store, "ai_tool"), (embeddings, "ai_embedding", "Store")]
        case "mcp":
            return [(node("MCP", "mcpClientTool", 1.2, {"endpointUrl": f"{url}/mcp"}), "ai_tool")]
    return []


def export_of(row: Mapping[str, Any], url: str) -> dict[str, Any]:
    parts: list[Any] = [
        (model(timeout=row["timeout"]) if "timeout" in row else model(), "ai_languageModel"),
        *tool_of(row, url),
    ]
    if row.get("parser"):
        schema = {"schemaType": "fromJson", "jsonSchemaExample": '{"answer": "five"}'}
        if row.get("manual"):
            wanted = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
            schema = {"schemaType": "manual", "inputSchema": json.dumps(wanted)}
        parts.append((node("Parser", "outputParserStructured", 1.2, schema), "ai_outputParser"))
    parameters = {"hasOutputParser": bool(row.get("parser")), "options": {"maxIterations": 10}}
    agent = node("A", "agent", row.get("version", 2.2), parameters, onError=row.get("on_error", "stopWorkflow"))
    return workflow(agent, *parts)


def canned(row: Mapping[str, Any]) -> dict[str, Any]:
    listed = {"tools": [{"name": row.get("named", "count"), "description": "Counts", "inputSchema": row.get("schema")}]}
    return {"POST /mcp": {"$rpc": {"initialize": {}, "tools/list": listed, "tools/call": row.get("result")}}}


@pytest.mark.parametrize("row", ROWS, ids=[row["about"] for row in ROWS])
async def test_bad_input(row: dict[str, Any]) -> None:
    with Hostile(row=row, canned=canned(row)) as stand_in:
        world = World(stand_in)
        if "stored" in row:
            vectors = world.resources.vectors["run-1"].setdefault("docs", {})
            vectors["1"] = {"id": "1", "document": {"pageContent": "x", "metadata": {}}, "vector": row["stored"]}
        began = time.monotonic()
        execution, finished = await run(
            export_of(row, stand_in.url), world, [{"chatInput": "x"}], streams=bool(row.get("stream"))
        )
        assert time.monotonic() - began < SECONDS
    assert finished.status == row["status"], finished.error
    if row["status"] == "error":
        assert row.get("error", "") in json.dumps(finished.error)
    given = outputs(execution, "A")
    if "outputs" in row:
        assert given == row["outputs"]
    if "on_output" in row:
        assert [bool(each) for each in given].index(True) == row["on_output"]
    if "length" in row:
        assert len(given[0][0]["output"]) == row["length"]
    asked = [each for each in stand_in.requests if each.path.endswith(MODEL_PATHS)]
    assert len(asked) == row.get("requests", len(asked))
    _compare_tool(row, stand_in, asked)
    assert [facts["tool"] for event, facts in world.logged if "refused" in event] == row.get("refused", [])
    assert SECRET not in json.dumps(
        [given, [each.body for each in stand_in.requests], [each.path for each in stand_in.requests]]
    )


def _compare_tool(row: Mapping[str, Any], stand_in: Hostile, asked: Sequence[RecordedRequest]) -> None:
    read = [str(message["content"]) for message in asked[-1].body["messages"] if message["role"] == "tool"]
    assert row.get("said", "") in " ".join(read)
    assert max(map(len, read), default=0) <= row.get("said_at_most", 1000)
    fetched = [each.path for each in stand_in.requests if each.path.startswith("/fetch")]
    assert len(fetched) == row.get("fetched", len(fetched))
    if "sent" in row:
        assert parse_qs(urlsplit(fetched[0]).query)["q"] == [row["sent"]]
