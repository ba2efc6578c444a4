"""Send and wait: a message with links goes out, the run waits, and the link that was pressed is the answer."""

import asyncio
import email
import json
import re
from collections.abc import AsyncIterator
from email.message import Message
from email.policy import default
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.contract import HttpResponse
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"}


class Post:
    """An SMTP server as far as a sender needs it. It refuses the recipient `nobody`."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], Message]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        to: list[str] = []

        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say("220 post ESMTP")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                say("250-post")
                say("250 AUTH PLAIN LOGIN")
            elif verb == "RCPT" and "nobody" in line:
                say("550 no such user")
            elif verb == "RCPT":
                to.append(line.partition("<")[2].partition(">")[0])
                say("250 ok")
            elif verb == "AUTH" and "AHVzZXIAc2VjcmV0" not in line:  # user, secret
                say("535 wrong password")
            elif verb == "AUTH":
                say("235 welcome")
            elif verb == "DATA":
                say("354 go on")
                text = b""
                while (each := await reader.readline()) != b".\r\n":
                    text += each
                self.messages.append((to, email.message_from_bytes(text, policy=default)))
                say("250 kept as 1")
            else:
                say("221 bye" if verb == "QUIT" else "250 ok")
            await writer.drain()
        writer.close()

    def links(self) -> list[str]:
        """Those of the last message, in its order."""
        body = self.messages[-1][1].get_body(("plain",))  # type: ignore[attr-defined]
        return re.findall(r"https?://[^\s/]+(/\S+)", body.get_content())


@pytest.fixture
async def post(dependencies: Dependencies, loopback: None) -> AsyncIterator[Post]:
    """A server, and a credential for it; the tenant may go there."""
    server_ = Post()
    server = await asyncio.start_server(server_.serve, "127.0.0.1", 0)
    server_.port = server.sockets[0].getsockname()[1]
    credential = {"host": "127.0.0.1", "port": server_.port, "secure": False, "user": "user", "password": "secret"}
    await dependencies.credentials.put("acme", "smtp", "post", credential)
    yield server_
    server.close()


def mail(name: str, version: float = 2.1, **parameters: Any) -> dict[str, Any]:
    """A Send Email node with its credential."""
    node_parameters = {
        "fromEmail": "Us <us@example.com>",
        "toEmail": "ada@example.com",
        "subject": "Hi",
        "options": {},
    } | parameters
    return node(name, "emailSend", version, **node_parameters) | {"credentials": {"smtp": {"id": "1", "name": "post"}}}


async def asking(acme: httpx.AsyncClient, post: Post, key: str, **parameters: Any) -> str:
    """A run that has asked and waits for the answer."""
    workflow = export(
        key,
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        mail("Ask", operation="sendAndWait", message="Ship it?", **parameters),
        set_("After", answer="={{ JSON.stringify($json.data) }}"),
    )
    assert (await acme.post("/templates", params={"key": key}, json=workflow)).status_code in (200, 201)
    run = await started(acme, key, {"n": 1})

    async def waits() -> Any:
        return ((await acme.get(f"/workflows/{run}/status")).json()["progress"] or {}).get("active", {}).get("waiting")

    await eventually(waits)
    assert len(post.messages) == 1
    return run


async def result_of(acme: httpx.AsyncClient, run: str) -> Any:
    """What the run made of it."""
    status = await ended(acme, run)
    assert status["status"] == "completed", status
    result = (await acme.get(f"/workflows/{run}/result")).json()
    return result["outputs"][0][0]["json"]["answer"]


async def test_the_button_that_is_pressed_is_the_answer(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Post
) -> None:
    """Once: the other link does nothing afterwards. No link can be turned into the other, and no mail scanner decides."""
    both = {"values": {"approvalType": "double", "approveLabel": "Yes", "disapproveLabel": "No"}}
    run = await asking(acme, post, "approve", approvalOptions=both)
    no, yes = post.links()
    assert (no.partition("?")[2], yes.partition("?")[2]) == ("approved=false", "approved=true")
    forged = await anonymous.get(no.replace("false", "true"), headers=BROWSER)
    bare = await anonymous.get(no.partition("?")[0], headers=BROWSER)
    assert (forged.status_code, bare.status_code) == (401, 401)
    scanned = await anonymous.get(yes, headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    assert (scanned.status_code, scanned.text) == (200, "")
    assert (await anonymous.post(yes, headers=BROWSER)).status_code == 404
    pressed = await anonymous.get(no, headers=BROWSER)
    assert pressed.status_code == 200
    assert "recorded" in pressed.text
    assert await result_of(acme, run) == '{"approved":false}'
    late = await anonymous.get(yes, headers=BROWSER)
    assert late.status_code == 409


async def test_a_text_is_asked_for_with_a_form(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Post
) -> None:
    """Free text, then fields of the author's own."""
    run = await asking(acme, post, "free_text", responseType="freeText")
    (link,) = post.links()
    page = await anonymous.get(link, headers=BROWSER)
    assert "Ship it?" in page.text
    names = re.findall(r'name="(field-\d+)"', page.text)
    assert (await anonymous.post(link, headers=BROWSER, data={names[0]: "Tomorrow"})).status_code == 200
    assert await result_of(acme, run) == '{"text":"Tomorrow"}'
    post.messages.clear()
    fields = {
        "values": [{"fieldLabel": "When", "fieldType": "text"}, {"fieldLabel": "How many", "fieldType": "number"}]
    }
    run = await asking(acme, post, "custom_form", responseType="customForm", formFields=fields)
    (link,) = post.links()
    names = re.findall(r'name="(field-\d+)"', (await anonymous.get(link, headers=BROWSER)).text)
    node_parameters = dict(zip(names, ("Now", "3"), strict=True))
    assert (await anonymous.post(link, headers=BROWSER, data=node_parameters)).status_code == 200
    assert await result_of(acme, run) == '{"When":"Now","How many":3}'


async def test_a_question_without_an_answer_goes_on_with_its_input(acme: httpx.AsyncClient, post: Post) -> None:
    """When its time is up."""
    limit = {
        "limitWaitTime": {"values": {"limitType": "afterTimeInterval", "resumeAmount": 1, "resumeUnit": "seconds"}}
    }
    run = await asking(acme, post, "unanswered", options=limit)
    status = await ended(acme, run)
    assert status["status"] == "completed"
    assert (await acme.get(f"/workflows/{run}/result")).json()["outputs"][0][0]["json"]["n"] == 1


async def test_mail_goes_out_with_files_and_copies(acme: httpx.AsyncClient, post: Post) -> None:
    """A message per item; the report of nodemailer is the item; a refused receiver is no error, a wrong password is one."""
    workflow = export(
        "Mails",
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        node("File", "convertToFile", 1.1, operation="toText", sourceProperty="text", binaryPropertyName="data",
             options={"fileName": "note.txt"}),
        mail("Send", emailFormat="both", text="plain", html="<b>rich</b>", subject="=For {{ $itemIndex }}",
             toEmail="ada@example.com, nobody@example.com",
             options={"ccEmail": "cc@example.com", "bccEmail": "bcc@example.com", "attachments": "data"}),
    )  # fmt: skip
    await acme.post("/templates", params={"key": "mails"}, json=workflow)
    run = await started(acme, "mails", [{"text": "one"}, {"text": "two"}])
    status = await ended(acme, run)
    assert status["status"] == "completed", status
    items = [each["json"] for each in (await acme.get(f"/workflows/{run}/result")).json()["outputs"][0]]
    assert len(post.messages) == len(items) == 2
    assert items[0]["accepted"] == ["ada@example.com", "cc@example.com", "bcc@example.com"]
    assert items[0]["rejected"] == ["nobody@example.com"]
    assert items[0]["response"] == "250 kept as 1" or "kept as 1" in items[0]["response"]
    to, message = post.messages[0]
    assert to == items[0]["accepted"]
    assert (message["Subject"], message["Bcc"], message["Cc"]) == ("For 0", None, "cc@example.com")
    assert message["Message-ID"] == items[0]["messageId"] != items[1]["messageId"]
    parts = {part.get_content_type(): part for part in message.walk()}
    assert {"text/plain", "text/html", "multipart/mixed"} <= set(parts)
    assert [part.get_filename() for part in message.iter_attachments()] == ["note.txt"]  # type: ignore[attr-defined]


async def test_a_server_that_refuses_is_reported(
    acme: httpx.AsyncClient, dependencies: Dependencies, post: Post
) -> None:
    """The password is not in the message."""
    credential = {"host": "127.0.0.1", "port": post.port, "secure": False, "user": "user", "password": "wrong-one"}
    await dependencies.credentials.put("acme", "smtp", "post", credential)
    workflow = export(
        "Refused", node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"), mail("Send", html="<p>x</p>")
    )
    await acme.post("/templates", params={"key": "refused_mail"}, json=workflow)
    status = await ended(acme, await started(acme, "refused_mail", {"n": 1}))
    assert status["status"] == "failed"
    assert "wrong password" in status["error"]["message"]
    assert "wrong-one" not in str(status)


async def test_two_people_are_asked_at_one_time_where_waits_may_overlap(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Post
) -> None:
    """Both messages are sent before the first answer; each link is its own question's."""
    workflow = export(
        "Two",
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        mail("Ask A", operation="sendAndWait", message="A?", toEmail="a@example.com"),
        mail("Ask B", operation="sendAndWait", message="B?", toEmail="b@example.com", responseType="freeText"),
        node("Both", "merge", 3, mode="append"),
        settings={"tempor8": {"overlappingWaits": True}},
    )
    workflow["connections"] = {
        "In": {"main": [[{"node": name, "type": "main", "index": 0} for name in ("Ask A", "Ask B")]]},
        "Ask A": {"main": [[{"node": "Both", "type": "main", "index": 0}]]},
        "Ask B": {"main": [[{"node": "Both", "type": "main", "index": 1}]]},
    }
    assert (await acme.post("/templates", params={"key": "two"}, json=workflow)).status_code == 201
    run = await started(acme, "two", {"n": 1})

    async def sent() -> Any:
        return len(post.messages) == 2

    await eventually(sent)
    links = {}
    for receivers, message in post.messages:
        body = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
        (links[str(receivers)],) = re.findall(r"https?://[^\s/]+(/\S+)", body)
    ((_, of_a), (_, of_b)) = sorted(links.items())
    names = re.findall(r'name="(field-\d+)"', (await anonymous.get(of_b, headers=BROWSER)).text)
    assert (await anonymous.post(of_b, headers=BROWSER, data={names[0]: "Yes, B"})).status_code == 200
    assert (await anonymous.get(of_a, headers=BROWSER)).status_code == 200
    assert (await ended(acme, run))["status"] == "completed"
    outputs = (await acme.get(f"/workflows/{run}/result")).json()["outputs"]
    assert [item["json"]["data"] for item in outputs[0]] == [{"approved": True}, {"text": "Yes, B"}]


async def test_an_answer_by_rest_is_given_once_and_says_who_gave_it(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, post: Post
) -> None:
    both = {"values": {"approvalType": "double"}}
    run = await asking(acme, post, "approve_by_rest", approvalOptions=both)
    waits = (await acme.get(f"/workflows/{run}/waits")).json()
    assert (waits["waiting"]["kind"], waits["waiting"]["node"], waits["answers"]) == ("approval", "Ask", [])
    path = f"/workflows/{run}/answer"
    assert (await globex.post(path, json={"approved": True})).status_code == 404
    assert (await globex.get(f"/workflows/{run}/waits")).status_code == 404
    assert (await acme.post(path, json={"data": {}})).status_code == 400
    assert (await acme.post(path, json={"approved": True, "ordinal": 7})).status_code == 409
    accepted = await acme.post(path, json={"approved": True, "ordinal": waits["waiting"]["ordinal"]})
    assert accepted.status_code == 202, accepted.text
    assert await result_of(acme, run) == '{"approved":true}'
    assert (await acme.post(path, json={"approved": False})).json()["type"] == "/problems/not-waiting"
    (given,) = (await acme.get(f"/workflows/{run}/waits")).json()["answers"]
    assert (given["by"], given["name"]) == ("key", "test")


async def test_an_answer_by_link_is_noted_and_a_form_is_answered_by_rest(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, post: Post
) -> None:
    run = await asking(acme, post, "approve_by_link")
    await anonymous.get(post.links()[0], headers=BROWSER)
    await result_of(acme, run)
    (given,) = (await acme.get(f"/workflows/{run}/waits")).json()["answers"]
    assert given["by"] == "link"
    post.messages.clear()
    fields = {"values": [{"fieldLabel": "When", "fieldType": "text", "requiredField": True}]}
    run = await asking(acme, post, "form_by_rest", responseType="customForm", formFields=fields)
    waiting = (await acme.get(f"/workflows/{run}/waits")).json()["waiting"]
    assert [each["label"] for each in waiting["fields"]] == ["When"]
    assert (await anonymous.get(waiting["link"], headers=BROWSER)).status_code == 200
    path = f"/workflows/{run}/answer"
    wrong: list[dict[str, Any]] = [{"data": {}}, {"data": {"Who": "x"}}, {"approved": True}]
    for bad in wrong:
        assert (await acme.post(path, json=bad)).status_code == 400, bad
    assert (await acme.post(path, json={"data": {"When": "Now"}})).status_code == 202
    assert await result_of(acme, run) == '{"When":"Now"}'
    (given,) = (await acme.get(f"/workflows/{run}/waits")).json()["answers"]
    assert (given["kind"], given["data"]["When"], given["approved"], given["tool"]) == ("form", "Now", None, None)


async def test_who_approved_a_call_of_an_agent_when_and_which_call_it_was_is_recorded(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies, post: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By the link in the mail and by REST; what a person reads before deciding is what is recorded."""
    await dependencies.credentials.put("acme", "openAiApi", "m", {"apiKey": "none", "url": "https://example.org/v1"})
    monkeypatch.setattr(WorkerHttp, "request", calls_twice)
    workflow = gated_agent()
    assert (await acme.post("/templates", params={"key": "gated"}, json=workflow)).status_code == 201
    run = await started(acme, "gated", {"n": 1})

    async def asked(count: int) -> Any:
        waiting = (await acme.get(f"/workflows/{run}/waits")).json()["waiting"]
        return waiting if len(post.messages) == count else None

    waiting = await eventually(lambda: asked(1))
    assert (waiting["kind"], waiting["node"]) == ("approval", "Gate")
    assert waiting["tool"] == {"name": "Calc", "arguments": {"input": "1+1"}}
    assert (await anonymous.get(post.links()[-1], headers=BROWSER)).status_code == 200
    waiting = await eventually(lambda: asked(2))
    assert waiting["tool"]["arguments"] == {"input": "2+2"}
    assert (await acme.post(f"/workflows/{run}/answer", json={"approved": False})).status_code == 202
    await ended(acme, run)
    second, first = (await acme.get(f"/workflows/{run}/waits")).json()["answers"]
    assert (first["by"], first["node"], first["approved"]) == ("link", "Gate", True)
    assert first["tool"] == {"name": "Calc", "arguments": {"input": "1+1"}}
    assert (second["by"], second["node"], second["approved"]) == ("key", "Gate", False)
    assert second["tool"]["arguments"] == {"input": "2+2"}
    assert first["at"] <= second["at"]
    async with dependencies.database.tenant_transaction("acme") as connection:
        cursor = await connection.execute("select details from audit_log where object = %s", (f"run/{run}",))
        rows = [row["details"] for row in await cursor.fetchall() if row["details"] is not None]
    assert len(rows) == 2
    assert not any(b"Calc" in row for row in rows), "sealed"


async def calls_twice(self: WorkerHttp, method: str, url: str, **options: Any) -> HttpResponse:
    """A model that calls the calculator twice, and then ends."""
    del self, method
    turn = sum(each["role"] == "tool" for each in json.loads(options["content"])["messages"])
    message: dict[str, Any] = {"role": "assistant", "content": "done"}
    if turn < 2:
        function = {"name": "Calc", "arguments": json.dumps({"input": f"{turn + 1}+{turn + 1}"})}
        message = {"role": "assistant", "tool_calls": [{"id": f"c{turn}", "type": "function", "function": function}]}
    body = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return HttpResponse(200, "", [("content-type", "application/json")], json.dumps(body).encode(), url)


def gated_agent() -> dict[str, Any]:
    """An agent whose calculator stands behind an approval by mail."""
    kind = "@n8n/n8n-nodes-langchain."
    agent = node("Agent", "x", 2.2, promptType="define", text="go", options={}) | {"type": f"{kind}agent"}
    workflow = export("Gated", node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"), agent)
    model = node("Model", "x", 1.2, model={"__rl": True, "mode": "id", "value": "m"}, options={})
    model |= {"type": f"{kind}lmChatOpenAi", "credentials": {"openAiApi": {"id": "1", "name": "m"}}}
    gate = mail("Gate", message="Go?") | {"type": "n8n-nodes-base.emailSendHitlTool"}
    calculator = node("Calc", "x", 1) | {"type": f"{kind}toolCalculator"}
    for part, port, whom in (
        (model, "ai_languageModel", "Agent"), (gate, "ai_tool", "Agent"), (calculator, "ai_tool", "Gate")
    ):  # fmt: skip
        workflow["nodes"].append(part)
        workflow["connections"][part["name"]] = {port: [[{"node": whom, "type": port, "index": 0}]]}
    return workflow
