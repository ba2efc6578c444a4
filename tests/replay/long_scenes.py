"""Runs that continue as new in the middle of a step, on a server whose histories are soon too long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from schemas import names
from tests.replay.scenes import Stage, side_by_side

__all__ = ["LONG_SCENES"]

SIGNALS: Final = 8
"""Signals that change nothing, of four events each: together more than the server allows a history."""


async def sub_workflows_that_continue(stage: Stage) -> None:
    """A sub-workflow for each of five items, looked up once in each run."""
    stage.templates.reusable = True
    child = node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0)
    stage.templates.plans["child"] = plan_of(chain(child, set_node("Add", 200, {"b": "={{ $json.a + 1 }}"})))
    call = {
        "source": "database", "workflowId": {"__rl": True, "value": "child", "mode": "id"}, "mode": "each",
        "workflowInputs": {"mappingMode": "defineBelow", "value": {}}, "options": {},
    }  # fmt: skip
    handle = await stage.start(
        chain(START, node("Call", "executeWorkflow", 1.2, call, 200)), [{"json": {"a": n}} for n in range(5)]
    )
    await handle.result()
    await stage.keep_chain(handle)


async def an_agent_that_continues(stage: Stage) -> None:
    """An agent with a tool over four items, two at a time."""
    langchain = "@n8n/n8n-nodes-langchain."
    options = {"batching": {"batchSize": 2}, "returnIntermediateSteps": True}
    parts = [
        (node("Model", "", 1.2, {"model": {"__rl": True, "value": "m", "mode": "list"}, "options": {"baseURL": "https://example.org/v1/tools"}}, 200)
         | {"type": f"{langchain}lmChatOpenAi", "credentials": {"openAiApi": {"id": "1", "name": "o"}}}, "ai_languageModel"),
        (node("Calculator", "", 1, {}, 200) | {"type": f"{langchain}toolCalculator"}, "ai_tool"),
    ]  # fmt: skip
    agent = node("Agent", "", 2.2, {"promptType": "define", "text": "={{ $json.q }}", "options": options}, 200)
    export = chain(START, agent | {"type": f"{langchain}agent"})
    for part, connection in parts:
        export["nodes"].append(part)
        export["connections"][part["name"]] = {connection: [[{"node": "Agent", "type": connection, "index": 0}]]}
    handle = await stage.start(export, [{"json": {"q": f"What is {n} + 3?"}} for n in range(4)])
    await handle.result()
    await stage.keep_chain(handle)


async def a_wait_that_continues(stage: Stage) -> None:
    """A wait for a call, whose link is used in the run after the one that it began in."""
    wait = node("Wait", "wait", 1.1, {"resume": "webhook", "options": {}}, 200)
    after = set_node("After", 400, {"a": "={{ $json.body.ok }}"})
    handle = await stage.start(chain(START, wait, after))
    ordinal = await stage.waits(handle)
    latest = await _lengthen(stage, handle)
    await latest.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {"body": {"ok": 5}}}], "onReceived"])
    await handle.result()
    await stage.keep_chain(handle)


async def waits_that_overlap_and_continue(stage: Stage) -> None:
    """A pause and a wait for a call side by side, both in the middle when the run continues."""
    waits = [
        node("A", "wait", 1.1, {"resume": "webhook", "options": {}}, 200),
        node("B", "wait", 1.1, {"amount": 12, "unit": "seconds"}, 200),
    ]
    handle = await stage.start(side_by_side(waits, ["={{ $execution.resumeUrl }}", "B"]))
    ordinal = await stage.waits(handle)
    latest = await _lengthen(stage, handle)
    await latest.execute_update(names.UPDATE_RESUME, args=[ordinal, [{"json": {}}], "onReceived"])
    await handle.result()
    await stage.keep_chain(handle)


async def _lengthen(stage: Stage, handle: Any) -> Any:
    """Signals until the history is too long: the run continues as new while it waits. Returns the chain's handle."""
    latest = stage.client.get_workflow_handle(handle.id)
    for _ in range(SIGNALS):
        await latest.signal(names.SIGNAL_TURN)
        await asyncio.sleep(0.2)
    return latest


LONG_SCENES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    scene.__name__.replace("_", "-"): scene
    for scene in (
        sub_workflows_that_continue, an_agent_that_continues, a_wait_that_continues, waits_that_overlap_and_continue
    )
}  # fmt: skip
