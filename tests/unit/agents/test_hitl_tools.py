"""Approval before chosen tools: the model calls the tool, a person decides, and only then it runs."""

import json
from email.message import EmailMessage
from typing import Any

import pytest

from runtime.platform.embedded.fake_vendor import StandIn
from schemas.plan import Kind
from tests.unit.agents.test_durable_tools import SMTP, Desk, Post, agent, run, through_json, tool_answers
from tests.unit.agents.world import calls, node, outputs, text_answer

__all__ = ["through_json"]

GATE = "n8n-nodes-base.emailSendHitlTool"


def gate(**parameters: Any) -> tuple[dict[str, Any], str]:
    fields = {"fromEmail": "a@x.org", "toEmail": "boss@x.org", "subject": "s", **parameters}
    return node("Ask", GATE, 2.1, fields, credentials=SMTP), "ai_tool"


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def behind(tool: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
    return tool, "ai_tool", "Ask"


def fetch(url: str) -> dict[str, Any]:
    parameters = {"url": f"{url}/fetch", "sendQuery": True, "toolDescription": "Fetches",
                  "queryParameters": {"parameters": [{"name": "q", "value": "={{ $fromAI('q') }}"}]}}  # fmt: skip
    return node("Fetch", "n8n-nodes-base.httpRequestTool", 4.2, parameters)


@pytest.mark.parametrize("version", [2.2, 3.1])
@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.usefixtures("through_json")
async def test_a_call_runs_only_when_a_person_approves_it(approved: bool, version: float) -> None:
    with StandIn(script=[calls("Fetch", {"q": "tea"}), text_answer("done")]) as stand_in:
        world = Post(stand_in)
        host = Desk(world, [{"approved": approved}])
        execution, finished = await run(agent(gate(), behind(fetch(stand_in.url)), version=version), host)
        answer = tool_answers(stand_in)["call_1"]
        fetched = [each.path for each in stand_in.requests if each.path.startswith("/fetch")]
        told = [each["function"]["name"] for each in stand_in.requests[0].body["tools"]]
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": "done"}]]
    assert told == ["Fetch"], "the model sees the tool, not the gate"
    assert fetched == (["/fetch?q=tea"] if approved else [])
    assert ("stand_in" in answer) is approved
    assert ("no person approved it" in answer) is not approved
    (_, question), *_ = world.sent
    assert 'The agent wants to call Fetch with {"q":"tea"}' in text_of(question)


async def test_the_question_may_name_the_tool_and_its_parameters() -> None:
    message = "={{ $tool.name }} for {{ $tool.parameters.q }}?"
    with StandIn(script=[calls("Fetch", {"q": "tea"}), text_answer("done")]) as stand_in:
        world = Post(stand_in)
        await run(agent(gate(message=message), behind(fetch(stand_in.url))), Desk(world, [{"approved": True}]))
    assert "Fetch for tea?" in text_of(world.sent[0][1])


async def test_a_call_that_does_not_fit_is_put_before_no_person() -> None:
    with StandIn(script=[calls("Fetch", {"q": {"a": 1}}), text_answer("done")]) as stand_in:
        world = Post(stand_in)
        _, finished = await run(agent(gate(), behind(fetch(stand_in.url))), Desk(world))
    assert (finished.status, world.sent) == ("success", [])


@pytest.mark.usefixtures("through_json")
async def test_a_durable_tool_and_a_tool_in_its_own_words_run_behind_a_gate() -> None:
    mail = {
        "fromEmail": "a@x.org",
        "toEmail": "={{ $fromAI('to') }}",
        "subject": "s",
        "emailFormat": "text",
        "text": "t",
    }
    send = node("Send", "n8n-nodes-base.emailSendTool", 2.1, mail, credentials=SMTP)
    script = [calls("Send", {"to": "b@x.org"}), calls("Calc", {"input": "2+3"}, "call_2"), text_answer("done")]
    with StandIn(script=script) as stand_in:
        world = Post(stand_in)
        host = Desk(world, [{"approved": True}, {"approved": True}])
        _, finished = await run(agent(gate(), behind(send), behind(node("Calc", "toolCalculator", 1))), host)
        answers = tool_answers(stand_in)
    assert finished.status == "success", finished.error
    assert [message["To"] for _, message in world.sent] == ["boss@x.org", "b@x.org", "boss@x.org"]
    assert json.loads(answers["call_1"]) == [{"accepted": ["b@x.org"]}]
    assert answers["call_2"] == "5"


async def test_an_error_of_the_tool_behind_is_its_answer() -> None:
    with StandIn(script=[calls("Fetch", {"q": "x"}), text_answer("sorry")]) as stand_in:
        tool = fetch(stand_in.url)
        tool["parameters"]["url"] = "http://127.0.0.1:9/nobody"
        _, finished = await run(agent(gate(), behind(tool)), Desk(Post(stand_in), [{"approved": True}]))
        answer = tool_answers(stand_in)["call_1"]
    assert finished.status == "success", finished.error
    assert "error" in json.loads(answer)[0]


def test_a_vendors_question_is_a_gate_too() -> None:
    parameters = {"select": "channel", "channelId": {"__rl": True, "mode": "id", "value": "C1"}, "message": "Go?"}
    ask = node(
        "Ask", "n8n-nodes-base.slackHitlTool", 2.3, parameters, credentials={"slackApi": {"id": "1", "name": "s"}}
    )
    step = agent((ask, "ai_tool"), behind(fetch("https://x.org")), promptType="define", text="go").step["Ask"]
    assert (step.kind, step.subnodes) == (Kind.SUBNODE, {"ai_tool": ("Fetch",)})
