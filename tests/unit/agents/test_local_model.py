"""Without a key: the embedded local model, or an error that says what to do."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from runtime.agents.dialects.chat import Request
from runtime.agents.dialects.embedded import body, narrowed, outline
from runtime.platform.embedded import local_model
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, model, node, outputs, run, workflow

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "score": {"type": "integer", "minimum": 0, "maximum": 100},
        "tier": {"type": "string", "enum": ["hot", "cold"]},
        "why": {"type": "string", "maxLength": 60},
    },
    "required": ["score", "tier", "why"],
    "additionalProperties": False,
}
MODEL = (model(), "ai_languageModel")
PARSER = (
    node("Parser", "outputParserStructured", 1.3, {"schemaType": "manual", "inputSchema": json.dumps(SCHEMA)}),
    "ai_outputParser",
)
AGENT = node("A", "agent", 2.2, {"hasOutputParser": True})


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """A running local model."""
    if not local_model.available():
        pytest.skip("the extra 'local-model' is not installed, and its weights are 93 MB")
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime.platform.embedded.local_model"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().rsplit(" ", 1)[-1].strip()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - our own process  # brief: one of many tries
                if answer.status == 200:
                    break
        except OSError:
            time.sleep(0.1)
    with process.stdout:
        yield url
        process.terminate()
        assert process.wait(10) == 0, "it must stop when it is told to"


async def test_answers_where_nobody_has_a_key(served: str) -> None:
    """An agent runs, its JSON fits the schema, and the log and the usage say who answered."""
    with StandIn() as stand_in:
        world = World(stand_in, credential=False, services={"local_model": served})
        execution, finished = await run(workflow(AGENT, MODEL, PARSER), world, [{"chatInput": "Is Ada a good lead?"}])
    assert finished.status == "success", finished.error
    Draft7Validator(SCHEMA).validate(outputs(execution, "A")[0][0]["output"])
    assert [each["model"] for each in execution.usage] == ["embedded-local-model"]
    assert execution.usage[0]["output_tokens"] > 0
    assert [event for event, _ in world.logged] == ["no model credential: the embedded local model answers"]


async def test_without_either() -> None:
    """No key and no local model: the error names the credential and both ways out, and nobody's key is taken."""
    with StandIn() as stand_in:
        _, finished = await run(workflow(AGENT, MODEL, PARSER), World(stand_in, credential=False), [{"chatInput": "x"}])
    assert (finished.status, stand_in.requests) == ("error", [])
    assert finished.error is not None
    assert "openAiApi" in finished.error["message"]
    assert "tempor8 credentials" in finished.error["description"]
    assert "TEMPOR8_LOCAL_MODEL" in finished.error["description"]


async def test_it_cannot_call_tools() -> None:
    """An agent with tools does not pretend: it says that the embedded model cannot call them."""
    tool = (node("Calc", "toolCalculator", 1), "ai_tool")
    with StandIn() as stand_in:
        world = World(stand_in, credential=False, services={"local_model": stand_in.url})
        _, finished = await run(workflow(node("A", "agent", 2.2), MODEL, tool), world, [{"chatInput": "x"}])
    assert finished.error is not None
    assert "cannot call tools (Calc)" in finished.error["description"]
    assert stand_in.requests == []


def test_json_is_forced() -> None:
    """The schema becomes a grammar, free texts are held to a sentence, and the prompt ends with the JSON to fill in."""
    request_body = body(Request([{"role": "user", "content": "Is Ada a good lead?"}], schema=SCHEMA, via="answer"))
    forced: Any = request_body["response_format"]
    properties = forced["json_schema"]["schema"]["properties"]
    assert properties["score"] == SCHEMA["properties"]["score"]
    assert properties["why"] == {"type": "string", "pattern": "^[A-Z][a-z]{1,7} [a-z][A-Za-z ,]{12,48}[a-z]\\.$"}
    messages: Any = request_body["messages"]
    assert messages[-1]["content"].endswith(
        '{"score": "<number from 0 to 100>", "tier": "<hot or cold>", "why": "..."}'
    )
    assert request_body["temperature"] == 0


def test_narrower_is_still_valid() -> None:
    """Whatever fits the narrowed schema fits the author's: texts within their length, lists within theirs."""
    author = {"type": "array", "minItems": 3, "maxItems": 5, "items": {"type": "string", "maxLength": 40}}
    narrow = narrowed(author)
    assert narrow["maxItems"] == 3
    longest = "Abcdefgh a" + "b" * 28 + "c."
    assert re.fullmatch(narrow["items"]["pattern"], longest)
    assert len(longest) <= 40
    assert narrowed({"type": "string", "maxLength": 8}) == {"type": "string", "maxLength": 8}
    assert narrowed({"type": "string", "format": "date"}) == {"type": "string", "format": "date"}


def test_outline() -> None:
    """Words in the place of values, nested as the schema is."""
    nested = {"type": "object", "properties": {"rows": {"type": "array", "items": SCHEMA}, "ok": {"type": "boolean"}}}
    row = {"score": "<number from 0 to 100>", "tier": "<hot or cold>", "why": "..."}
    assert outline(nested) == {"rows": [row], "ok": "<true or false>"}
