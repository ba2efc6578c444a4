"""What is said of answers that do not fit, and how sentiments are told, as recorded from n8n 2.41.1."""

from typing import Any

import pytest

from runtime.agents.messages import Message
from runtime.agents.parsers.answer_parser import parse_answer
from runtime.agents.parsers.output_parser import unfit
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, calls, model, node, outputs, run, workflow

SCHEMA = {"type": "object", "properties": {"output": {"type": "object"}}, "required": ["output"]}
UNFIT, EMPTY = "Model output doesn't fit required format", "The AI model returned an empty response to the Structured"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, EMPTY),
        ({"state": "CA"}, EMPTY),
        ({"input": []}, UNFIT),
        ({"input": [{"a": 1}]}, UNFIT),
        ({"output": 5}, UNFIT),
    ],
)
def test_a_list_that_is_handed_over_is_not_an_empty_answer(arguments: Any, said: str) -> None:
    """A list arrives as `{"input": [...]}`: see `arguments_of`."""
    message: Message = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "name": "f", "arguments": arguments}],
    }
    read = parse_answer(message, SCHEMA, via="f", unwrap="output")
    assert unfit(read).message.startswith(said)


def test_what_a_model_that_answers_in_parts_repairs_in_vain_does_not_fit() -> None:
    read = parse_answer({"role": "assistant", "content": "{}"}, SCHEMA, via=None, unwrap="output")
    assert unfit(read).message.startswith(EMPTY)
    assert unfit(read, in_parts=True).message == UNFIT


def test_a_wrapper_that_may_be_left_out_may_be_left_out_of_a_call_too() -> None:
    """Of parsers before 1.3."""
    arguments = {"state": None, "n": 3}
    message: Message = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "name": "f", "arguments": arguments}],
    }
    read = parse_answer(message, {**SCHEMA, "required": []}, via="f", unwrap="output")
    assert read == {"value": None, "absent": True}


@pytest.mark.parametrize(("memory", "given"), [(False, {}), (True, {"output": {}})])
async def test_an_agent_whose_answer_has_no_value_gives_none(memory: bool, given: Any) -> None:
    """With a memory n8n reads the answer again from what it keeps."""
    root = node("Root", "agent", 2, {"promptType": "define", "text": "go", "hasOutputParser": True, "options": {}})
    example = {"schemaType": "fromJson", "jsonSchemaExample": '{"state": "CA", "n": 3}'}
    parts = [(model(), "ai_languageModel"), (node("P", "outputParserStructured", 1.2, example), "ai_outputParser")]
    if memory:
        key = {"sessionIdType": "customKey", "sessionKey": "k"}
        parts.append((node("M", "memoryBufferWindow", 1.3, key), "ai_memory"))
    with StandIn(script=[calls("format_final_json_response", {"state": None, "n": 3})]) as stand_in:
        execution, finished = await run(workflow(root, *parts), World(stand_in), [{"json": {}}])
    assert finished.status == "success", finished.error
    assert outputs(execution, "Root") == [[given]]


async def test_sentiments_are_told_as_they_are_written() -> None:
    options = {"categories": "Good,Bad", "systemPromptTemplate": "Feel: {categories}"}
    root = node("Root", "sentimentAnalysis", 1.1, {"inputText": "fine", "options": options})
    with StandIn(script=[{"content": '{"sentiment": "Good", "strength": 1, "confidence": 1}'}]) as stand_in:
        await run(workflow(root, (model(), "ai_languageModel")), World(stand_in), [{"json": {}}])
    assert "Feel: Good,Bad" in str(stand_in.requests[0].body["messages"][0]["content"])
