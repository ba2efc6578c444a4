"""Response mode "streaming": what agents answer comes as JSON lines while they say it, also to a chat and to listeners of events."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from api.runs.heard import HeardAnswers
from api.runs.watcher import RunWatchers
from api.triggers.streaming import follow_lines
from runtime.contract import HttpResponse, NodeApiError
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from service.run_reader import RunDescription, TemporalRuns
from service.shutdown import Shutdown
from tests.exports import export, node, set_
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def model(dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that says what it was asked; asked to fail, it does."""
    await dependencies.credentials.put("acme", "openAiApi", "echo", {"apiKey": "none", "url": "https://example.org/v1"})

    async def stream(self: WorkerHttp, url: str, **options: Any) -> HttpResponse:
        del self
        question = json.loads(options["content"])["messages"][-1]["content"]
        message = {"role": "assistant", "content": f"You said: {question}"}
        used = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        completion = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": used,
        }
        status = 400 if "fail" in str(question) else 200
        body = {"error": {"message": "no"}} if status == 400 else completion
        return HttpResponse(status, "", [("content-type", "application/json")], json.dumps(body).encode(), url)

    monkeypatch.setattr(WorkerHttp, "stream", stream)


def agents(hook: dict[str, Any], question: str) -> dict[str, Any]:
    """Two agents in a row: the second one hears the first."""
    kind = "@n8n/n8n-nodes-langchain."
    first = node("First", "x", 2.2, promptType="define", text=question, options={}) | {"type": f"{kind}agent"}
    second = node("Second", "x", 2.2, promptType="define", text="={{ $json.output }}!", options={})
    workflow = export("Agents", hook, first, second | {"type": f"{kind}agent"}, set_("Last", done="yes"))
    model = node("Model", "x", 1.2, model={"__rl": True, "mode": "id", "value": "m"}, options={})
    workflow["nodes"].append(
        model | {"type": f"{kind}lmChatOpenAi", "credentials": {"openAiApi": {"id": "1", "name": "echo"}}}
    )
    to = [{"node": name, "type": "ai_languageModel", "index": 0} for name in ("First", "Second")]
    workflow["connections"]["Model"] = {"ai_languageModel": [to]}
    return workflow


async def test_a_webhook_hears_each_agent(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, model: None) -> None:
    """Begin, item and end of each answer, with the node that gave it; a run that fails says so in a last line."""
    hook = node("Hook", "webhook", 2.1, path="stream", httpMethod="POST", responseMode="streaming", options={})
    workflow = agents(hook, "={{ $json.body.text }}")
    assert (await acme.post("/templates", params={"key": "stream"}, json=workflow)).status_code == 201
    answer = await anonymous.post("/webhook/acme/stream", json={"text": "hello"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["type"] for line in lines] == ["begin", "item", "end"] * 2
    assert [line.get("content") for line in lines] == [
        None, "You said: hello", None, None, "You said: You said: hello!", None
    ]  # fmt: skip
    assert [line["metadata"]["nodeName"] for line in lines] == ["First"] * 3 + ["Second"] * 3
    assert {line["metadata"]["itemIndex"] for line in lines} == {0}
    failed = await anonymous.post("/webhook/acme/stream", json={"text": "please fail"})
    assert [json.loads(line) for line in failed.text.splitlines()] == [
        {"type": "error", "content": "Error in workflow"}
    ]


async def test_a_chat_hears_it_too(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, model: None) -> None:
    """Its page reads the lines."""
    chat = node("Chat", "x", 1.1, public=True, options={"responseMode": "streaming"})
    chat |= {"type": "@n8n/n8n-nodes-langchain.chatTrigger", "webhookId": "stream-chat"}
    assert (
        await acme.post("/templates", params={"key": "chats"}, json=agents(chat, "={{ $json.chatInput }}"))
    ).status_code == 201
    answer = await anonymous.post("/webhook/acme/stream-chat/chat", json={"chatInput": "hi", "sessionId": "1"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["content"] for line in lines if line["type"] == "item"] == ["You said: hi", "You said: You said: hi!"]


class Speaker:
    """A model that says the beginning of an answer, breaks off, and says another one, each part when the test lets it."""

    def __init__(self) -> None:
        self.requests = 0
        self.heard_first, self.heard_second = asyncio.Event(), asyncio.Event()

    async def stream(self, url: str, *, hear: Callable[[bytes], None], **_options: Any) -> HttpResponse:
        self.requests += 1
        said = bytearray()

        def say(text: str, reason: str | None = None) -> None:
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
            line = f"data: {json.dumps({'model': 'm', 'choices': [choice]})}\n\n".encode()
            said.extend(line)
            hear(line)

        if self.requests == 1:
            say("Hell")
            await asyncio.wait_for(self.heard_first.wait(), PATIENCE)
            raise NodeApiError("read ECONNRESET", http_code="ECONNRESET")
        if self.requests == 2:
            say("Good ")
            await asyncio.wait_for(self.heard_second.wait(), PATIENCE)
        say("day", "stop")
        return HttpResponse(200, "OK", [("content-type", "text/event-stream")], bytes(said), url)


@pytest.fixture
async def speaker(dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch) -> Speaker:
    await dependencies.credentials.put("acme", "openAiApi", "echo", {"apiKey": "none", "url": "https://example.org/v1"})
    speaker = Speaker()

    async def stream(self: WorkerHttp, url: str, **options: Any) -> HttpResponse:
        del self
        return await speaker.stream(url, **options)

    monkeypatch.setattr(WorkerHttp, "stream", stream)
    return speaker


async def started(acme: httpx.AsyncClient, dependencies: Dependencies, template: str) -> RunDescription:
    """The run of a template that a caller has just started, as soon as it is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            listed = (await acme.get("/workflows", params={"template": template})).json()["items"]
            if listed:
                run = await TemporalRuns(dependencies.temporal).describe(listed[0]["workflow_id"])
                assert run is not None
                return run
            await asyncio.sleep(0.05)


async def next_lines(lines: AsyncGenerator[bytes], count: int) -> list[tuple[Any, ...]]:
    """The next lines: type, text, and whether the answer begins again."""
    async with asyncio.timeout(PATIENCE):
        read = [json.loads(await anext(lines)) for _ in range(count)]
    return [(each["type"], each.get("content"), each["metadata"].get("again", False)) for each in read]


async def test_words_come_while_the_model_speaks_and_an_answer_that_begins_again_says_so(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies, speaker: Speaker
) -> None:
    """The model goes on only when its words were read. What is stored is what was said last."""
    hook = node("Hook", "webhook", 2.1, path="speak", httpMethod="POST", responseMode="streaming", options={})
    workflow = agents(hook, "={{ $json.body.text }}")
    assert (await acme.post("/templates", params={"key": "speak"}, json=workflow)).status_code == 201
    caller = asyncio.create_task(anonymous.post("/webhook/acme/speak", json={"text": "hello"}))
    run = await started(acme, dependencies, "speak")
    watchers = RunWatchers(TemporalRuns(dependencies.temporal), Shutdown())
    lines, heard = follow_lines(dependencies.temporal, watchers, run), HeardAnswers()
    assert await next_lines(lines, 2) == [("begin", None, False), ("item", "Hell", False)]
    async with watchers.watch(run) as watch:  # what `/events` sends
        pieces = list(heard.next_pieces(watch.speaking))
    assert [(each.place, each.text) for each in pieces] == [(("First", 0, 0), "Hell")]
    speaker.heard_first.set()
    assert await next_lines(lines, 2) == [("begin", None, True), ("item", "Good ", False)]
    speaker.heard_second.set()
    assert await next_lines(lines, 2) == [("item", "day", False), ("end", None, False)]
    rest = [json.loads(line) async for line in lines]
    assert [line["metadata"]["nodeName"] for line in rest] == ["Second"] * len(rest)
    assert (await asyncio.wait_for(caller, PATIENCE)).status_code == 200
    history = (await acme.get(f"/workflows/{run.id}/history")).text
    assert "Good day" in history
    assert "Hell" not in history
