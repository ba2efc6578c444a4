"""`python -m tests.replay CASE.json... SCENE...`: record the history of each case, and of each scene of `tests.replay.scenes` and
`tests.replay.node_scenes`, as runs that every later interpreter must replay.

A history is only ever added: where there is one of the name, nothing is written and the exit code is 1.
"""

import asyncio
import contextlib
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

from temporalio.client import Client

from cli.testing.temporal import run_cases
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.temporal import DYNAMIC_CONFIG
from runtime.platform.settings import Settings
from runtime.platform.temporal import ensure_search_attributes
from schemas.sql import SqlResult
from tests.replay.agent_scenes import AGENT_SCENES
from tests.replay.gate import CONVERTER, PLANS, state_of
from tests.replay.long_scenes import LONG_SCENES
from tests.replay.node_scenes import NODE_SCENES
from tests.replay.scenes import LONG, SCENES, SceneTemplates, Stage
from tests.replay.script_scenes import SCRIPT_SCENES

ALL_SCENES = SCENES | NODE_SCENES | AGENT_SCENES | LONG_SCENES | SCRIPT_SCENES
HISTORIES = Path(__file__).parent / "histories"
STATES = Path(__file__).parent / "states.json"
"""Name of a history -> hash of the state that it leads to."""
SAYS = re.compile(r"/says/([^/]*)/")
"""The answer of a chat model in its own address, quoted."""
MOST_EVENTS = 20
PROCESS = re.compile(r'"\d+@[^"]*"')
"""Process and machine, as the SDK names workers and their own queues."""
TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')


class World(OfflineCapabilities):
    """Answers every request with its own address; the first one to an address that ends in `/flaky` with a 503. A chat
    model answers with a sentence, or with the text that its address holds after `/says/`. Its database is `VectorTable`.
    """

    def __init__(self) -> None:
        super().__init__(http=self, mail=self, credentials=self, databases=self)
        self.asked: set[str] = set()

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """See Http."""
        fresh = url not in self.asked
        self.asked.add(url)
        headers = [("content-type", "application/json")]
        if fresh and url.endswith("/flaky"):
            return HttpResponse(503, "Service Unavailable", headers, b'{"message": "later"}', url)
        if url.endswith("/feed"):
            entry = "<item><title>New</title><pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate></item>"
            feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>N</title>{entry}</channel></rss>'
            return HttpResponse(200, "OK", headers, feed.encode(), url)
        answer: Any = {"method": method, "asked": url}
        if url.endswith("/tools/chat/completions") or b"calls-its-tool" in (options.get("content") or b""):
            answer = _uses_its_tool(json.loads(options["content"]))
        elif (turn := _turn_of_a_model(url, options.get("content"))) is not None:
            answer = turn
        elif (vendor := _of_a_vendor(url, options.get("content"))) is not None:
            answer = vendor
        elif url.endswith("/chat/completions"):
            text = SAYS.search(url)
            message = {"role": "assistant", "content": unquote(text[1]) if text else "It is sunny."}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            used = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
            answer = {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
                "usage": used,
            }
        return HttpResponse(200, "OK", headers, json.dumps(answer).encode(), url)

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        """Every message arrives."""
        del message, verify, item
        return {"accepted": list(recipients), "rejected": [], "envelope": {"from": sender, "to": list(recipients)}}

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """Any type has the same."""
        del type_, item, restricted
        return dict.fromkeys(("url", "qdrantUrl", "host"), "https://example.org/v1") | {"apiKey": "none"}

    @contextlib.asynccontextmanager
    async def postgres(self, *, connect_seconds: float = 30.0) -> AsyncIterator["VectorTable"]:
        """See Databases."""
        del connect_seconds
        yield VectorTable()


class VectorTable:
    """A database whose only table, with ids that are UUIDs, has one document."""

    async def query(self, text: str) -> list[SqlResult]:
        """See SqlSession."""
        answers: dict[str, Sequence[Sequence[str]]] = {
            "SELECT to_regclass(": [["cities"]], "SELECT format_type(": [["uuid"]], "INSERT INTO ": [],
            'SELECT "id", "text", "metadata", ': [["1", "Oslo", "{}", "0.5"]], "SET ": [], "SELECT table_name ": [["cities"]],
        }  # fmt: skip
        return [SqlResult(rows=next(rows for start, rows in answers.items() if text.startswith(start)))]


def _of_a_vendor(url: str, content: Any) -> Any:
    """What vendors of embeddings and stores answer; None: it is none of them."""
    path = url.partition("?")[0]
    found = {"id": "1", "score": 0.5, "metadata": {"text": "Oslo"}, "payload": {"content": "Oslo", "metadata": {}}}
    if path.endswith("/embeddings"):
        given = json.loads(content)["input"]
        return {"data": [{"embedding": [1.0, 0.0]} for _ in (given if isinstance(given, list) else [given])]}
    if path.endswith("/indexes"):
        return {"indexes": [{"name": "index", "host": "index.example.org"}]}
    if path.endswith("/points/query"):
        return {"result": {"points": [found]}}
    if path.endswith("/rpc/match_documents"):
        return [{"content": "Oslo", "metadata": {}, "similarity": 0.5}]
    return {"matches": [found]} if path.endswith("/query") else None


def _turn_of_a_model(url: str, content: Any) -> Any:
    """What models answer that are asked in the ways of their vendors: a call of the calculator, then a sentence; None: it is none of them."""
    given = {"input": "2+3"}
    said, text, path = content or b"", "It is 5.", url.partition("?")[0]
    if path.endswith("/v1/messages"):
        called = {"type": "tool_use", "id": "c1", "name": "calculator", "input": given}
        done = b"tool_result" in said
        parts, reason = ([{"type": "text", "text": text}], "end_turn") if done else ([called], "tool_use")
        return {"content": parts, "stop_reason": reason, "usage": {"input_tokens": 9, "output_tokens": 4}}
    if path.endswith(":generateContent"):
        part = (
            {"text": text} if b"functionResponse" in said else {"functionCall": {"name": "calculator", "args": given}}
        )
        return {"candidates": [{"content": {"role": "model", "parts": [part]}}]}
    if path.endswith("/responses"):
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        call = {
            "type": "function_call",
            "id": "f1",
            "call_id": "c1",
            "name": "calculator",
            "arguments": json.dumps(given),
        }
        return {"id": "r1", "output": [message if b"function_call_output" in said else call], "usage": {}}
    return None


def _uses_its_tool(request: dict[str, Any]) -> dict[str, Any]:
    """The model calls its first tool, and tells what that said."""
    said = request["messages"][-1]
    message: dict[str, Any] = {"role": "assistant", "content": f"It is {said.get('content')}."}
    if said["role"] != "tool":
        function = {"name": request["tools"][0]["function"]["name"], "arguments": '{"input": "2+3"}'}
        message = {
            "role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]
        }  # fmt: skip
    used = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": used}


def record(paths: list[Path]) -> int:
    """Run the cases and keep their histories."""
    cases = [json.loads(path.read_text("utf-8")) for path in paths]
    places = [HISTORIES / f"{case['name']}.json" for case in cases]
    if there := [place.name for place in places if place.exists()]:
        sys.stderr.write(f"recorded before, and never again: {', '.join(there)}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(run_cases(cases, histories=Path(folder), capabilities=World()))
        written = sorted(Path(folder).glob("*.json"))
        for place, result, path in zip(places, results, written, strict=True):
            _write(place, path.read_text("utf-8"))
            sys.stdout.write(f"{place.name}: {result['status']}\n")
    return 0


def _write(place: Path, history: str) -> None:
    text = TRACE.sub('"stackTrace": ""', PROCESS.sub('"worker"', history))
    place.write_text(json.dumps(json.loads(text), indent=1) + "\n", encoding="utf-8")


def forget(places: list[Path]) -> None:
    """Drop the hashes of histories that are not there, so that one which is recorded later under the name gets its own."""
    names = {place.stem for place in places}
    _keep({name: hash_ for name, hash_ in _hashes().items() if name in names})


def remember(places: list[Path]) -> None:
    """Keep the hashes of the states to which new histories lead."""
    kept = _hashes()
    kept |= {place.stem: asyncio.run(state_of(place)) for place in places if place.stem not in kept}
    _keep(kept)


def _hashes() -> dict[str, str]:
    return json.loads(STATES.read_text("utf-8")) if STATES.exists() else {}


def _keep(hashes: Mapping[str, str]) -> None:
    STATES.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n", encoding="utf-8")


async def play(wanted: list[str], *, short: bool = False) -> int:
    """Play the scenes and keep their histories: `NAME.json`, and `NAME-2.json`... where there are several. `short`: on
    a server that suggests to continue as new after few events.
    """
    if there := [name for name in wanted if (HISTORIES / f"{name}.json").exists()]:
        sys.stderr.write(f"recorded before, and never again: {', '.join(there)}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings.load({"TEMPOR8_STATE": folder})
        limit = [f"limit.historyCount.suggestContinueAsNew={MOST_EVENTS}"] if short else []
        with mock.patch("runtime.platform.embedded.temporal.DYNAMIC_CONFIG", (*DYNAMIC_CONFIG, *limit)):
            async with EmbeddedProfile(settings, any_ports=True, durable=False, ui=False) as profile:
                client = await Client.connect(profile.settings().temporal_address or "", data_converter=CONVERTER)
                await ensure_search_attributes(client)
                for name in wanted:
                    await _play(client, name)
    return 0


async def _play(client: Client, name: str) -> None:
    stage = Stage(client, f"queue-{name}", SceneTemplates())
    async with build_worker(client, World(), stage.templates, stage.queue, plans=PLANS):
        await ALL_SCENES[name](stage)
    for number, handle in enumerate(stage.handles, 1):
        history = await handle.fetch_history()
        document = {"workflowId": history.workflow_id, **history.to_json_dict()}
        place = HISTORIES / (f"{name}.json" if number == 1 else f"{name}-{number}.json")
        _write(place, json.dumps(document))
        sys.stdout.write(f"{place.name}: {len(history.events)} events\n")


if __name__ == "__main__":
    _scenes = [each for each in sys.argv[1:] if each in ALL_SCENES]
    _cases = [Path(each) for each in sys.argv[1:] if each not in ALL_SCENES]
    _long = [each for each in _scenes if each in LONG | LONG_SCENES.keys()]
    _short = [each for each in _scenes if each not in _long]
    forget(sorted(HISTORIES.glob("*.json")))
    _failed = record(_cases) if _cases else 0
    _failed = _failed or (asyncio.run(play(_short)) if _short else 0)
    _failed = _failed or (asyncio.run(play(_long, short=True)) if _long else 0)
    remember(sorted(HISTORIES.glob("*.json")))
    sys.exit(_failed)
