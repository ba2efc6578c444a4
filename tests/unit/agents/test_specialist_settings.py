"""What a specialist's class of model sets in a request, where the model node leaves it open."""

import json
from typing import Any

import pytest

from runtime.contract import HttpResponse
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, node, run, workflow

SETTINGS = ("temperature", "max_tokens", "max_completion_tokens", "max_output_tokens", "thinking", "generationConfig")


class Recorder(World):
    """Keeps the body of the request and refuses it."""

    def __init__(self) -> None:
        super().__init__(StandIn())
        self.body: dict[str, Any] = {}

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        self.body = json.loads(options["content"])
        return HttpResponse(400, "Bad Request", [], b"{}")


@pytest.mark.parametrize(
    ("type_", "version", "parameters", "expected"),
    [
        ("lmChatOpenAi", 1, {"model": "gpt-4o-mini"}, {"temperature": 0.3, "max_tokens": 4096}),
        ("lmChatOpenAi", 1, {"model": "gpt-5-mini"}, {}),
        ("lmChatOpenAi", 1, {"model": "gpt-5-mini", "options": {"maxTokens": 9}}, {"max_completion_tokens": 9}),
        ("lmChatOpenAi", 1, {"model": "gpt-4o", "options": {"temperature": 0.9}}, {"temperature": 0.9, "max_tokens": 4096}),
        (
            "lmChatOpenAi", 1.3, {"model": {"__rl": True, "mode": "id", "value": "gpt-4o-mini"}},
            {"temperature": 0.3, "max_output_tokens": 4096},
        ),
        ("lmChatOpenAi", 1.3, {"model": {"__rl": True, "mode": "id", "value": "gpt-5-mini"}}, {}),
        ("lmChatAnthropic", 1, {"model": "claude-3-5-sonnet-20241022"}, {"temperature": 0.3, "max_tokens": 4096}),
        ("lmChatGoogleGemini", 1, {"modelName": "models/gemini-2.0-flash"},
            {"generationConfig": {"temperature": 0.3, "maxOutputTokens": 4096}}),
        ("lmChatGoogleGemini", 1, {"modelName": "models/gemini-2.5-flash"}, {"generationConfig": {"temperature": 0.3}}),
        ("lmChatGroq", 1, {"model": "llama-3.3-70b-versatile"}, {"temperature": 0.3, "max_tokens": 4096}),
    ],
    ids=[
        "a model with both", "a reasoning model with neither", "the author's limit", "the author's temperature",
        "the Responses API", "the Responses API, reasoning", "Anthropic", "Gemini", "Gemini that thinks", "a compatible one",
    ],
)  # fmt: skip
async def test_settings(type_: str, version: float, parameters: dict[str, Any], expected: dict[str, Any]) -> None:
    """What the author sets wins, and a model that reasons gets no limit that its thoughts would use up."""
    world = Recorder()
    credential = {"openAiApi": {"id": "1", "name": "key"}}
    model = node("Model", type_, version, parameters, credentials=credential)
    agent = node("A", "agent", 2.2, {}, notes="agent: pricing_specialist")
    await run(workflow(agent, (model, "ai_languageModel")), world, [{"chatInput": "x"}])
    assert {name: value for name, value in world.body.items() if name in SETTINGS} == expected


async def test_a_thinking_model_has_room_to_think() -> None:
    """Anthropic wants the budget of thoughts below the limit, so the specialist's limit is left out."""
    world = Recorder()
    options = {"thinking": True, "thinkingBudget": 5000}
    model = node("Model", "lmChatAnthropic", 1, {"model": "claude-3-7-sonnet-20250219", "options": options})
    agent = node("A", "agent", 2.2, {}, notes="agent: pricing_specialist")
    await run(workflow(agent, (model, "ai_languageModel")), world, [{"chatInput": "x"}])
    assert world.body["thinking"] == {"type": "enabled", "budget_tokens": 5000}
    assert world.body["max_tokens"] >= 4096
    assert "temperature" not in world.body


@pytest.mark.parametrize(
    ("version", "parameters", "asked"),
    [
        (1, {"model": "gpt-4o-mini"}, "gpt-4o-mini"),
        (1.1, {"model": "gpt-4o"}, "gpt-4o"),
        (1, {}, "gpt-5-mini"),
        (1.2, {"model": "gpt-4o"}, "gpt-4o"),
        (1.2, {"model": {"__rl": True, "mode": "list", "value": "gpt-4o"}}, "gpt-4o"),
        (1.2, {}, "gpt-5-mini"),
    ],
)
async def test_the_model_that_the_node_names_is_asked(version: float, parameters: dict[str, Any], asked: str) -> None:
    """Each version has a parameter of its own for the model; the default of the other must not win."""
    world = Recorder()
    credential = {"openAiApi": {"id": "1", "name": "key"}}
    model = node("Model", "lmChatOpenAi", version, parameters, credentials=credential)
    await run(workflow(node("A", "agent", 2.2, {}), (model, "ai_languageModel")), world, [{"chatInput": "x"}])
    assert world.body["model"] == asked
