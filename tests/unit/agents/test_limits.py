"""Limits of models fail closed: the run ends as failed, whatever its nodes do with errors."""

import json
from typing import Any, Final

import pytest

from runtime.platform.embedded.fake_vendor import StandIn
from runtime.platform.model_limits import ModelLimit, ModelLimits
from runtime.platform.settings import Settings, SettingsError
from schemas.errors import LIMIT_REACHED
from tests.unit.agents.world import World, model, node, outputs, run, text_answer, workflow

MODEL: Final = (model(), "ai_languageModel")
CALCULATOR: Final = (node("Calc", "toolCalculator", 1), "ai_tool")


def call(name: str, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"id": "c1", "type": "function", "function": function}]}


def limited(stand_in: StandIn, requests: int) -> World:
    world = World(stand_in)
    world.requests_left = requests
    return world


@pytest.mark.parametrize("on_error", ["stopWorkflow", "continueRegularOutput", "continueErrorOutput"])
async def test_a_limit_ends_the_run_whatever_the_node_does_with_errors(on_error: str) -> None:
    with StandIn(script=[call("Calc", {"input": "1+1"})] * 5) as stand_in:
        agent = node("A", "agent", 2.2, onError=on_error, retryOnFail=True, maxTries=3)
        _, finished = await run(workflow(agent, MODEL, CALCULATOR), limited(stand_in, 2), [{"chatInput": "x"}])
    assert (finished.status, len(stand_in.requests)) == ("error", 2)
    assert finished.error is not None
    assert (finished.error["name"], finished.error["limit"]) == (LIMIT_REACHED, {"scope": "run"})


async def test_the_limit_of_an_agent_that_is_a_tool_is_no_answer_for_its_caller() -> None:
    inner = node("Inner", "agentTool", 2.2, {"text": "={{ $fromAI('q') }}"})
    parts = (
        MODEL,
        (inner, "ai_tool"),
        (node("Inner Model", "lmChatOpenAi", 1.2, {"options": {}}), "ai_languageModel", "Inner"),
    )
    with StandIn(script=[call("Inner", {"q": "x"}), text_answer("in"), text_answer("out")]) as stand_in:
        _, finished = await run(workflow(node("A", "agent", 2.2), *parts), limited(stand_in, 1), [{"chatInput": "x"}])
    assert (finished.status, len(stand_in.requests)) == ("error", 1)
    assert (finished.error or {})["name"] == LIMIT_REACHED


async def test_a_fallback_model_is_not_asked_when_a_limit_is_reached() -> None:
    second = node("Second", "lmChatOpenAi", 1.2, {"options": {}})
    agent = node("A", "agent", 2.2, {"needsFallback": True})
    with StandIn() as stand_in:
        export = workflow(agent, MODEL, (second, "ai_languageModel"))
        _, finished = await run(export, limited(stand_in, 0), [{"chatInput": "x"}])
    assert (finished.status, len(stand_in.requests)) == ("error", 0)


async def test_each_request_is_counted_with_its_step_tokens_and_price() -> None:
    with StandIn(script=[call("Calc", {"input": "1+1"}), text_answer("2")]) as stand_in:
        world = World(stand_in)
        execution, _ = await run(workflow(node("A", "agent", 2.2), MODEL, CALCULATOR), world, [{"chatInput": "x"}])
    assert outputs(execution, "A") == [[{"output": "2"}]]
    assert [step for step, _, _ in world.spent] == ["A/0", "A/0"]
    assert [tokens for _, tokens, _ in world.spent] == [
        each["input_tokens"] + each["output_tokens"] for each in execution.usage
    ]


def test_limits_are_read_by_scope_measure_and_tenant() -> None:
    limits = Settings.load(
        {"TEMPOR8_MODEL_LIMITS": "run.tokens=200000, day.cost_usd=2.5, a.b:day.cost_usd=100"}
    ).model_limits
    assert limits.of("other") == (ModelLimit("run", "tokens", 200_000), ModelLimit("day", "cost_usd", 2.5))
    assert limits.of("a.b") == (ModelLimit("day", "cost_usd", 100), ModelLimit("run", "tokens", 200_000))
    assert ModelLimits.parse("").of("x") == ()


@pytest.mark.parametrize(
    "bad", ["tokens=1", "week.tokens=1", "run.words=1", "run.tokens", "run.tokens=-1", "run.tokens=nan"]
)
def test_a_limit_that_cannot_be_read_stops_the_start(bad: str) -> None:
    with pytest.raises(SettingsError, match="TEMPOR8_MODEL_LIMITS"):
        Settings.load({"TEMPOR8_MODEL_LIMITS": bad})
