"""Response mode "streaming": what agents answer comes as JSON lines, one answer after the other, also to a chat."""

import json
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.contract import HttpResponse
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from tests.exports import export, node, set_

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def model(dependencies: Dependencies, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that says what it was asked; asked to fail, it does."""
    await dependencies.credentials.put("acme", "openAiApi", "echo", {"apiKey": "none", "url": "https://example.org/v1"})

    async def request(self: WorkerHttp, method: str, url: str, **options: Any) -> HttpResponse:
        del self, method
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

    monkeypatch.setattr(WorkerHttp, "request", request)


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
