"""The Chat node: a message for the caller, and the items go on; waiting for a reply is told at compile time."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
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


@pytest.mark.parametrize(("version", "more"), [(1, {}), (1.1, {"operation": "sendAndWait"})])
def test_a_node_that_waits_for_a_reply_is_unsupported(version: float, more: dict[str, Any]) -> None:
    compiled = compile_export(json.dumps(talk(version, message="?", **more)), file="t.json", catalog=CATALOG)
    assert compiled.plan is None
    assert "N8T306" in {each.code for each in compiled.diagnostics}
