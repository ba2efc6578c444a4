"""The Chat node: a message for the caller, and the items go on, or a wait for the user's reply."""

from collections.abc import Mapping
from typing import Any

import pytest

from runtime.catalog import CATALOG
from runtime.contract import AwaitSignal
from runtime.hosts.local.host import LocalHost, run_local
from runtime.interpreter.run_info import RunInfo
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, node, outputs, plan_of


class Caller(LocalHost):
    """A host that keeps what a run answers its caller."""

    answers: list[Mapping[str, Any]]

    def respond(self, response: Mapping[str, Any]) -> None:
        self.answers.append(response)


def talk(version: float, **parameters: Any) -> dict[str, Any]:
    """A chat whose run says something."""
    say = node("Say", "chat", version, parameters)
    trigger = node("Chat", "chatTrigger", 1.1, {"public": True, "options": {}}, webhookId="t")
    links = {"Chat": {"main": [[{"node": "Say", "type": "main", "index": 0}]]}}
    return {"id": "w", "name": "w", "nodes": [trigger, say], "connections": links, "settings": {"executionOrder": "v1"}}


@pytest.mark.parametrize(("version", "more"), [(1, {"waitUserReply": False}), (1.1, {}), (1.3, {"operation": "send"})])
@pytest.mark.parametrize(("message", "said"), [("=Hi {{ $json.chatInput }}", "Hi you"), ("={{ 5 }}", "5")])
async def test_the_message_goes_to_the_caller_and_the_items_go_on(
    version: float, more: dict[str, Any], message: str, said: str
) -> None:
    plan = plan_of(talk(version, message=message, **more))
    with StandIn() as stand_in:
        host = Caller(CATALOG, World(stand_in))
        host.answers = []
        items: Any = [{"json": {"chatInput": "you"}}]
        execution, finished = await run_local(plan, host, RunInfo(execution_id="r"), items, start=plan.step["Chat"])
    assert finished.status == "success", finished.error
    assert host.answers == [{"statusCode": 200, "body": {"output": said}}]
    assert outputs(execution, "Say") == [[{"chatInput": "you"}]]


class Listener(Caller):
    """A host on which the user replies, or never does."""

    def __init__(self, *args: Any, reply: Any) -> None:
        super().__init__(*args)
        self.answers, self.reply, self.waits = [], reply, list[AwaitSignal]()

    async def signal(
        self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None, call: str = ""
    ) -> Any:
        del step, run_index, ordinal, call
        self.waits.append(command)
        return self.reply


DOUBLE: dict[str, Any] = {"values": {"approvalType": "double", "disapproveLabel": "No"}}
ASKED: dict[str, Any] = {"operation": "sendAndWait"}
APPROVAL = ASKED | {"responseType": "approval", "approvalOptions": DOUBLE}
MESSAGE = {"sessionId": "s", "action": "sendMessage", "chatInput": "blue"}


@pytest.mark.parametrize(
    ("version", "more", "body", "expected"),
    [
        (1, {}, MESSAGE, MESSAGE),
        (1.1, ASKED, MESSAGE | {"other": 1}, MESSAGE),
        (1.3, APPROVAL, {"chatInput": "Approve"}, {"data": {"approved": True}}),
        (1.3, APPROVAL, {"chatInput": "No"}, {"data": {"approved": False}}),
        (1.3, APPROVAL, {"chatInput": "what?"}, {"data": {"approved": False}}),
        (1.3, APPROVAL, "no JSON", {"data": {"approved": False}}),
        (1.3, ASKED, None, {"chatInput": "you"}),
    ],
)
async def test_a_node_that_asks_goes_on_with_the_users_reply(
    version: float, more: dict[str, Any], body: Any, expected: dict[str, Any]
) -> None:
    """None: nobody replies in time, and the items go on."""
    wait = {"limitWaitTime": {"values": {"limitType": "afterTimeInterval", "resumeAmount": 1, "resumeUnit": "hours"}}}
    plan = plan_of(talk(version, message="Which colour?", options=wait, **more))
    assert plan.needs is not None
    assert plan.needs.resume_links
    with StandIn() as stand_in:
        host = Listener(CATALOG, World(stand_in), reply=None if body is None else [{"json": {"body": body}}])
        info = RunInfo(execution_id="r", base_url="https://api.example", resume_secret="secret")
        items: Any = [{"json": {"chatInput": "you"}}]
        execution, finished = await run_local(plan, host, info, items, start=plan.step["Chat"])
    assert finished.status == "success", finished.error
    assert outputs(execution, "Say") == [[expected]]
    (answer,), (wait_,) = host.answers, host.waits
    assert answer["body"]["output"] == "Which colour?"
    assert answer["body"]["resumeUrl"].startswith("https://api.example/webhook-waiting/r/0-")
    assert answer["body"].get("buttons") == (["No", "Approve"] if more is APPROVAL else None)
    assert wait_.until is not None
