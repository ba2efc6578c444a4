"""What is said of answers that do not fit, and how sentiments are told, as recorded from n8n 2.41.1."""

from typing import Any

import pytest

from runtime.agents.messages import Message
from runtime.agents.parsers.answer_parser import parse_answer
from runtime.agents.parsers.output_parser import unfit
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, model, node, run, workflow

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


def test_what_was_repaired_in_vain_does_not_fit() -> None:
    read = parse_answer({"role": "assistant", "content": "{}"}, SCHEMA, via=None, unwrap="output")
    assert unfit(read).message.startswith(EMPTY)
    assert unfit(read, repaired=True).message == UNFIT


async def test_sentiments_are_told_as_they_are_written() -> None:
    options = {"categories": "Good,Bad", "systemPromptTemplate": "Feel: {categories}"}
    root = node("Root", "sentimentAnalysis", 1.1, {"inputText": "fine", "options": options})
    with StandIn(script=[{"content": '{"sentiment": "Good", "strength": 1, "confidence": 1}'}]) as stand_in:
        await run(workflow(root, (model(), "ai_languageModel")), World(stand_in), [{"json": {}}])
    assert "Feel: Good,Bad" in str(stand_in.requests[0].body["messages"][0]["content"])
