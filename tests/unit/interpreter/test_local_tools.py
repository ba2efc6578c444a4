"""Which calls of an agent's tools are local activities, and that a run which began before goes on as it began."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from runtime.hosts.local.host import LocalHost
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.plan import Kind
from schemas.task import Task, TaskResult
from tests.unit.agents.world import World, model, node, run, workflow

TOOLS: dict[str, tuple[dict[str, Any], Kind]] = {
    "the calculator": (node("T", "toolCalculator", 1), Kind.LOCAL),
    "a thought": (node("T", "toolThink", 1.1), Kind.LOCAL),
    "a node that computes": (
        node("T", "n8n-nodes-base.cryptoTool", 1, {"action": "hash", "value": "={{ $fromAI('input') }}"}),
        Kind.LOCAL,
    ),
    "code of an author": (node("T", "toolCode", 1.2, {"jsCode": "return query"}), Kind.ACTIVITY),
    "a request": (
        node("T", "n8n-nodes-base.httpRequestTool", 4.2, {"url": "={{ $fromAI('input') }}"}),
        Kind.ACTIVITY,
    ),
}


async def kinds_of_calls(tool: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, *, patched: bool) -> list[Kind]:
    """Run an agent that calls the tool once, and return where that call ran."""
    kinds, work = list[Kind](), LocalHost.work

    async def noted(self: LocalHost, task: Task, kind: Kind) -> TaskResult:
        if task["step"]["name"] == "T":
            kinds.append(kind)
        return await work(self, task, kind)

    monkeypatch.setattr(LocalHost, "work", noted)
    monkeypatch.setattr(LocalHost, "patched", lambda _self, _change: patched)
    function = {"name": "T", "arguments": json.dumps({"input": "1+1"})}
    script: list[dict[str, Any]] = [
        {"tool_calls": [{"id": "c", "type": "function", "function": function}]},
        {"content": "done"},
    ]
    agent = node("A", "agent", 2.2, {"promptType": "define", "text": "go", "options": {}})
    with StandIn(script=script) as stand_in:
        await run(workflow(agent, (model(), "ai_languageModel"), (dict(tool), "ai_tool")), World(stand_in), [{}])
    return kinds


@pytest.mark.parametrize("name", TOOLS)
async def test_a_call_of_a_pure_tool_is_a_local_activity(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, kind = TOOLS[name]
    assert await kinds_of_calls(tool, monkeypatch, patched=True) == [kind]


async def test_a_run_that_began_before_goes_on_as_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await kinds_of_calls(TOOLS["the calculator"][0], monkeypatch, patched=False) == [Kind.ACTIVITY]
