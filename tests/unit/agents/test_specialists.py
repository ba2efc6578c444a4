"""Specialist agents in nodes: what a node gets from one, its limits, and the agents service of the operator."""

from typing import Any

import pytest

from compiler import Grade, compile_export
from runtime.agents import specialists
from runtime.catalog import CATALOG
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.specialist import Limits
from tests.unit.agents.world import World, calls, model, node, outputs, run, workflow

MODEL = (model(), "ai_languageModel")
LEAD = {"chatInput": "Qualify", "email": "ada@example.com"}


def noted(slug: str, **parameters: Any) -> dict[str, Any]:
    """An agent node whose notes name a specialist."""
    return node("A", "agent", 2.2, parameters, notes=f"Scores leads.\nagent: {slug}")


async def test_applied_to_the_node() -> None:
    """Its prompt leads the system message, its schema is asked for, its settings go along, and usage is its own."""
    answer = specialists.find("lead_qualification_specialist").example.answer
    with StandIn(script=[calls("format_final_json_response", {"output": answer})]) as stand_in:
        export = workflow(noted("lead_qualification_specialist", options={"systemMessage": "Be brief."}), MODEL)
        execution, finished = await run(export, World(stand_in), [LEAD])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": answer}]]
    body = stand_in.requests[0].body
    assert body["messages"][0]["content"].startswith("You are a lead qualification specialist.")
    assert "Be brief." in body["messages"][0]["content"]
    assert (body["temperature"], body["max_tokens"]) == (0, 2048)
    assert [each["agent"] for each in execution.usage] == ["lead_qualification_specialist"]


async def test_an_iteration_limit_of_the_specialist_holds() -> None:
    """The lower limit counts: the specialist's four requests, although the node allows ten."""
    script = [calls("calculator", {"input": "1+1"}, id_=f"c{n}") for n in range(10)]
    tool = (node("Calc", "toolCalculator", 1), "ai_tool")
    slug = "analytics_specialist"
    with StandIn(script=script) as stand_in:
        execution, _ = await run(workflow(noted(slug), MODEL, tool), World(stand_in), [LEAD])
    assert len(stand_in.requests) == specialists.find(slug).limits.iterations == 4
    assert outputs(execution, "A") == [[{"output": "Agent stopped due to max iterations."}]]


async def test_a_token_limit_of_the_specialist_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that has used its tokens asks no further, and says where the limit is."""
    monkeypatch.setattr(Limits, "model_dump", lambda _: {"iterations": 10, "tokens": 1})
    tool = (node("Calc", "toolCalculator", 1), "ai_tool")
    with StandIn(script=[calls("calculator", {"input": "1+1"})]) as stand_in:
        _, finished = await run(workflow(noted("analytics_specialist"), MODEL, tool), World(stand_in), [LEAD])
    assert finished.status == "error"
    assert "analytics_specialist' has used its limit of 1 tokens" in str(finished.error)
    assert len(stand_in.requests) == 1


async def test_a_list_price_is_recorded_and_an_unknown_one_is_not() -> None:
    """Usage has the cost of a model with a price; a model without one has none, never 0."""
    priced = {"id": "x", "model": "gpt-4o-mini", "choices": [{"message": {"content": "hi"}}],
              "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}}  # fmt: skip

    class Priced(StandIn):
        def answer(self, request: Any) -> tuple[int, Any]:
            return 200, priced

    plain = node("A", "agent", 2.2, {})
    with Priced() as vendor:
        execution, _ = await run(workflow(plain, MODEL), World(vendor), [LEAD])
    assert execution.usage[0]["cost_usd"] == pytest.approx(0.75)
    with StandIn(script=[{"content": "hi"}]) as stand_in:
        execution, _ = await run(workflow(plain, MODEL), World(stand_in), [LEAD])
    assert "cost_usd" not in execution.usage[0]


async def test_agents_service() -> None:
    """With an agents service the task goes there, and no model of ours is asked."""
    requests: list[Any] = []

    class Service(StandIn):
        def answer(self, request: Any) -> tuple[int, Any]:
            requests.append(request)
            return 200, {"output": {"score": 1}, "usage": {"model": "theirs", "input_tokens": 5, "output_tokens": 2}}

    with Service() as service, StandIn() as stand_in:
        world = World(stand_in, services={"agents": service.url})
        execution, finished = await run(workflow(noted("lead_qualification_specialist"), MODEL), world, [LEAD])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": {"score": 1}}]]
    assert stand_in.requests == []
    assert requests[0].path == "/agents/lead_qualification_specialist/run"
    assert requests[0].body["input"] == LEAD
    assert [(each["model"], each["input_tokens"], each["status"]) for each in execution.usage] == [
        ("theirs", 5, "success")
    ]


@pytest.mark.parametrize(
    ("refusals", "waits", "status"),
    [
        ([(503, {})], [1.0], "success"),
        ([(503, {}), (429, {}), (500, {})], [1.0, 2.0, 4.0], "success"),
        ([(503, {})] * 4, [1.0, 2.0, 4.0], "error"),
        ([(400, {"message": "no such field"})], [], "error"),
    ],
    ids=["once", "three times", "for good", "a refusal that would come again"],
)
async def test_a_busy_agents_service_is_asked_again(refusals: list[Any], waits: list[float], status: str) -> None:
    """429 and 5xx are tried four times in all, with durable pauses, under one key; other statuses fail at once."""
    requests: list[Any] = []

    class Service(StandIn):
        def answer(self, request: Any) -> tuple[int, Any]:
            requests.append(request)
            return refusals[len(requests) - 1] if len(requests) <= len(refusals) else (200, {"output": "done"})

    with Service() as service, StandIn() as stand_in:
        world = World(stand_in, services={"agents": service.url})
        execution, finished = await run(workflow(noted("lead_qualification_specialist"), MODEL), world, [LEAD])
    assert finished.status == status
    assert [facts["seconds"] for event, facts in world.logged if event == "sleep"] == waits
    assert (
        len({request.key() for request in requests}) == len({request.body["request_id"] for request in requests}) == 1
    )
    failed = [each["status"] for each in execution.usage].count("error")
    assert failed == len(refusals)


async def test_an_agents_service_that_is_away_is_asked_again() -> None:
    """No connection is as good as a 503, and what failed is counted."""
    with StandIn() as stand_in:
        world = World(stand_in, services={"agents": "http://127.0.0.1:9"})
        execution, finished = await run(workflow(noted("lead_qualification_specialist"), MODEL), world, [LEAD])
    assert finished.status == "error"
    assert [each["status"] for each in execution.usage] == ["error"] * 4


async def test_an_agents_service_and_memory() -> None:
    """What the memory held is kept over the pauses, and the answer is saved."""
    answers = [(503, {}), (200, {"output": {"score": 1}})]

    class Service(StandIn):
        def answer(self, request: Any) -> tuple[int, Any]:
            return answers.pop(0)

    memory = (node("Memory", "memoryBufferWindow", 1.3, {"sessionIdType": "customKey", "sessionKey": "s"}), "ai_memory")
    with Service() as service, StandIn() as stand_in:
        world = World(stand_in, services={"agents": service.url})
        export = workflow(noted("lead_qualification_specialist"), MODEL, memory)
        execution, finished = await run(export, world, [LEAD])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": {"score": 1}}]]
    assert [each["role"] for each in next(iter(world.chats.values()))] == ["user", "assistant"]


def test_an_unknown_specialist_is_an_error_of_the_export_that_names_the_nearest() -> None:
    compilation = compile_export(workflow(noted("sales-inteligence-specialist"), MODEL), file="x.json", catalog=CATALOG)
    (diagnostic,) = (each for each in compilation.diagnostics if each.code == "N8T320")
    assert diagnostic.hint == "did you mean 'sales_intelligence_specialist'?"
    assert not compilation.runnable
    assert [each.grade for each in compilation.verdicts if each.node == diagnostic.at.node] == [Grade.UNSUPPORTED]
