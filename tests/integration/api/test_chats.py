"""Chats: a page, and messages that are answered by the run's last node."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.exports import export, node, set_

pytestmark = pytest.mark.usefixtures("worker")


def chat(**parameters: Any) -> dict[str, Any]:
    trigger = node("Chat", "chatTrigger", 1.1, **({"public": True, "options": {}} | parameters))
    trigger |= {"type": "@n8n/n8n-nodes-langchain.chatTrigger", "webhookId": "talk"}
    return export("Talk", trigger, set_("Say", output="=You said {{ $json.chatInput }} in {{ $json.sessionId }}"))


async def test_a_message_gets_the_output_of_the_last_node(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    answer = await acme.post("/templates", params={"key": "talk"}, json=chat(initialMessages="Hi <b>\nAsk me"))
    assert answer.json()["webhooks"][0]["url"].endswith("/webhook/acme/talk/chat")
    page = await anonymous.get("/webhook/acme/talk/chat")
    assert page.status_code == 200
    assert "<div>Hi &lt;b&gt;</div><div>Ask me</div>" in page.text
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    message = {"action": "sendMessage", "sessionId": "s1", "chatInput": "hello"}
    reply = await anonymous.post("/webhook/acme/talk/chat", json=message)
    assert reply.json()["output"] == "You said hello in s1"
    earlier = await anonymous.post("/webhook/acme/talk/chat", json={"action": "loadPreviousSession", "sessionId": "s1"})
    assert earlier.json() == {"data": []}
    assert (await anonymous.post("/webhook/acme/talk/chat", json={"text": "x"})).status_code == 400
    assert (await anonymous.put("/webhook/acme/talk/chat", json=message)).status_code == 404


async def test_a_chat_reads_what_a_chat_node_of_the_run_says(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    made = chat(options={"responseMode": "responseNodes"})
    say = node("Tell", "chat", 1, message="=Got {{ $json.chatInput }}", waitUserReply=False)
    made["nodes"].append(say | {"type": "@n8n/n8n-nodes-langchain.chat"})
    made["connections"]["Say"] = {"main": [[{"node": "Tell", "type": "main", "index": 0}]]}
    await acme.post("/templates", params={"key": "talk"}, json=made)
    reply = await anonymous.post("/webhook/acme/talk/chat", json={"sessionId": "s1", "chatInput": "hello"})
    assert reply.json() == {"output": "Got hello"}


async def test_a_run_waits_for_the_users_reply_and_goes_on_with_it(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """Two questions in one run: each message of the user gets the run's next one."""
    made = chat(options={"responseMode": "responseNodes"})
    chat_type = {"type": "@n8n/n8n-nodes-langchain.chat"}
    ask = node("Ask", "chat", 1.1, operation="sendAndWait", message="Which colour?") | chat_type
    tell = (
        node("Tell", "chat", 1.1, message="={{ $json.chatInput }} it is, {{ $('Chat').item.json.chatInput }}")
        | chat_type
    )
    made["nodes"] += [ask, tell]
    made["connections"]["Say"] = {"main": [[{"node": "Ask", "type": "main", "index": 0}]]}
    made["connections"]["Ask"] = {"main": [[{"node": "Tell", "type": "main", "index": 0}]]}
    await acme.post("/templates", params={"key": "talk"}, json=made)
    first = (await anonymous.post("/webhook/acme/talk/chat", json={"sessionId": "s1", "chatInput": "Ann"})).json()
    assert first["output"] == "Which colour?"
    path = urlsplit(first["resumeUrl"]).path
    reply = {"sessionId": "s1", "action": "sendMessage", "chatInput": "Blue"}
    second = await anonymous.post(path, json=reply)
    assert second.json() == {"output": "Blue it is, Ann"}
    assert (await anonymous.post(path, json=reply)).status_code == 409, "a reply is taken once"


async def test_a_widget_on_another_origin_may_ask_first(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    listed = chat(options={"allowedOrigins": "https://shop.test"})
    await acme.post("/templates", params={"key": "talk"}, json=listed)
    headers = {"origin": "https://shop.test", "access-control-request-method": "POST"}
    preflight = await anonymous.options("/webhook/acme/talk/chat", headers=headers)
    assert preflight.headers["access-control-allow-origin"] == "https://shop.test"
    assert "POST" in preflight.headers["access-control-allow-methods"]


async def test_a_chat_that_is_not_public_listens_nowhere(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    await acme.post("/templates", params={"key": "talk"}, json=chat(public=False))
    assert (await anonymous.get("/webhook/acme/talk/chat")).status_code == 404
