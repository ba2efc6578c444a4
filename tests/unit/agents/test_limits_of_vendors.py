"""Vendors' nodes that ask a model count towards its limits and usage, with tools or without, as agents do."""

import json
from typing import Any, Final

import pytest

from runtime.agents.prices import PROVIDERS
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse
from runtime.http import Request
from runtime.integrations.folder import FOLDER
from runtime.integrations.model_requests import asks_model, tokens_of
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.errors import LIMIT_REACHED
from tests.unit.agents.world import LANGCHAIN, World, node, run, text_answer, workflow

MODEL: Final = {"__rl": True, "mode": "id", "value": "gpt-4o-mini"}
KEY: Final = {"openAiApi": {"id": "1", "name": "key"}}
ITEMS: Final = [{"n": 1}, {"n": 2}, {"n": 3}]


def message(**rest: Any) -> dict[str, Any]:
    """OpenAI's node with one message per item."""
    parameters = {
        "resource": "text",
        "operation": "message",
        "modelId": MODEL,
        "messages": {"values": [{"content": "hi"}]},
    }
    return node("M", "openAi", 1.8, parameters, credentials=KEY, **rest)


async def test_each_message_is_counted_with_its_tokens_and_price() -> None:
    with StandIn(script=[text_answer("a")] * 3) as stand_in:
        world = World(stand_in)
        execution, finished = await run(workflow(message()), world, ITEMS)
    assert finished.status == "success"
    assert [each["model"] for each in execution.usage] == ["gpt-4o-mini"] * 3
    tokens = [each["input_tokens"] + each["output_tokens"] for each in execution.usage]
    assert min(tokens) > 0
    assert [(step, spent) for step, spent, _ in world.spent] == [("M/0", each) for each in tokens]
    assert all(each["cost_usd"] > 0 for each in execution.usage)


@pytest.mark.parametrize("on_error", ["stopWorkflow", "continueRegularOutput", "continueErrorOutput"])
async def test_a_limit_of_requests_ends_the_run_whatever_the_node_does_with_errors(on_error: str) -> None:
    with StandIn(script=[text_answer("a")] * 3) as stand_in:
        world = World(stand_in)
        world.requests_left = 2
        node_ = message(onError=on_error, retryOnFail=True, maxTries=3)
        _, finished = await run(workflow(node_), world, ITEMS)
    assert (finished.status, len(stand_in.requests)) == ("error", 2)
    assert (finished.error or {})["name"] == LIMIT_REACHED


async def test_the_tokens_of_all_items_of_a_step_are_limited_together() -> None:
    with StandIn(script=[text_answer("a")] * 3) as stand_in:
        world = World(stand_in)
        world.token_limit = 1
        _, finished = await run(workflow(message()), world, ITEMS)
    assert (finished.status, len(stand_in.requests)) == ("error", 1)
    assert (finished.error or {})["name"] == LIMIT_REACHED


STORE: Final = node("S", "vectorStoreInMemory", 1.3, {"mode": "insert"})
EMBEDDINGS: Final = (node("E", "embeddingsOpenAi", 1.2, credentials=KEY), "ai_embedding")
TEXTS: Final = [{"text": "a"}, {"text": "b"}, {"text": "c"}]
LOADER: Final = (node("D", "documentDefaultDataLoader", 1), "ai_document")


class Embedding(World):
    """A world whose vendor embeds three texts."""

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Vectors as numbers, and what they took."""
        del method, options
        rows = [{"index": n, "embedding": [0.1 * n, 1.0]} for n in range(3)]
        content = json.dumps({"data": rows, "usage": {"prompt_tokens": 9}}).encode()
        return HttpResponse(200, "OK", [("content-type", "application/json")], content, url)


async def test_embeddings_are_counted_with_the_tokens_that_their_vendor_tells() -> None:
    with StandIn() as stand_in:
        world = Embedding(stand_in)
        execution, finished = await run(workflow(STORE, EMBEDDINGS, LOADER), world, TEXTS)
    assert (finished.status, finished.error) == ("success", None)
    assert [(each["model"], each["input_tokens"]) for each in execution.usage] == [("text-embedding-3-small", 9)]
    assert [tokens for _, tokens, _ in world.spent] == [9]


@pytest.mark.parametrize("on_error", ["stopWorkflow", "continueRegularOutput"])
async def test_a_limit_ends_the_run_before_texts_are_embedded(on_error: str) -> None:
    with StandIn() as stand_in:
        world = World(stand_in)
        world.requests_left = 0
        _, finished = await run(workflow({**STORE, "onError": on_error}, EMBEDDINGS, LOADER), world, TEXTS)
    assert (finished.status, len(stand_in.requests)) == ("error", 0)
    assert (finished.error or {})["name"] == LIMIT_REACHED


def test_a_descriptor_with_a_key_of_a_models_vendor_says_which_requests_ask_a_model() -> None:
    """Of vendors whose models have prices; Amazon's key is for its other services, too."""
    keys = [f"type: {each}" for each in PROVIDERS if each != "aws"]
    texts = {path: path.read_text("utf-8") for path in FOLDER.glob("*/v*.yaml")}
    asking = [path for path, text in texts.items() if any(key in text for key in keys)]
    assert len(asking) >= 5
    assert [path.parent.name for path in asking if "asks_models:" not in texts[path]] == []


async def test_what_asks_no_model_is_not_counted() -> None:
    listed = node("M", "openAi", 1.8, {"resource": "file", "operation": "list"}, credentials=KEY)
    with StandIn() as stand_in:
        world = World(stand_in)
        world.requests_left = 0
        _, finished = await run(workflow(listed), world, [{}])
    assert (finished.error or {}).get("name") != LIMIT_REACHED
    assert world.spent == []


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}, (3, 4)),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, (3, 4)),
        ({"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 3}}, (3, 4)),
        ({"usage": {"prompt_tokens": 3}}, (3, 0)),
        ({"usage": {"input_tokens": "many"}}, (0, 0)),
        ({"usage": None}, (0, 0)),
        ([], (0, 0)),
    ],
)
def test_what_an_answer_used_is_read_in_each_vendors_words(said: Any, tokens: tuple[int, int]) -> None:
    assert tokens_of(said) == tokens


@pytest.mark.parametrize(
    ("type_", "version", "path", "asks"),
    [
        ("openAi", 2.1, "/v1/responses", True),
        ("openAi", 1.8, "/v1/threads/thread_1/runs", True),
        ("openAi", 1.8, "/v1/threads/thread_1/messages", False),
        ("googleGemini", 1.1, "/v1beta/models/gemini-2.5-flash:generateContent", True),
        ("anthropic", 1, "/v1/messages", True),
        ("anthropic", 1, "/v1/files", False),
        ("n8n-nodes-base.perplexity", 1, "/chat/completions", True),
        ("n8n-nodes-base.openAi", 1.1, "/v1/completions", True),
    ],
)
def test_which_requests_ask_a_model(type_: str, version: float, path: str, asks: bool) -> None:
    class_: Any = CATALOG.find(type_ if "." in type_ else LANGCHAIN + type_, version, {})
    assert asks_model(class_.descriptor, Request("POST", f"https://api.example.com{path}")) is asks
    assert not asks_model(class_.descriptor, Request("GET", f"https://api.example.com{path}"))
