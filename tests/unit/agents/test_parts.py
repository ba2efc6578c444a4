"""The pure parts: $fromAI, the calculator, schemas from examples, parsing answers, windows of memory."""

import json
from typing import Any, cast

import pytest

from compiler.pipeline import compile_export
from runtime.agents.dialects import anthropic, bedrock, gemini, openai_responses
from runtime.agents.dialects.gemini import supported_schema
from runtime.agents.memory.chat_memory import window
from runtime.agents.messages import Message, joined_text, text_of
from runtime.agents.parsers import answer_parser, output_schema
from runtime.agents.tools import from_ai
from runtime.agents.tools.tool_calculator import NO_RESULT, calculate
from runtime.agents.tools.toolbox import function_name, result_text
from runtime.catalog import CATALOG
from tests.unit.agents.world import model, node, workflow

CALLS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("a key alone is a string", "={{ $fromAI('city') }}", {"city": {"type": "string"}}, ["city"]),
    (
        "with a description",
        "={{ $fromAI('c', `the city`) }}",
        {"c": {"type": "string", "description": "the city"}},
        ["c"],
    ),
    (
        "a number with a default is not required",
        "={{ $fromAI('n', '', 'number', 3) }}",
        {"n": {"type": "number", "default": 3}},
        [],
    ),
    ("json takes anything", "={{ $fromAI('j', '', 'json') }}", {"j": {}}, ["j"]),
    (
        "the editor's marker is a comment",
        "={{ /*n8n-auto-generated-fromAI-override*/ $fromAI('x', ``, 'boolean') }}",
        {"x": {"type": "boolean"}},
        ["x"],
    ),
    (
        "commas and brackets in texts do not split",
        "={{ $fromAI('a', 'one, (two) [three]') }}",
        {"a": {"type": "string", "description": "one, (two) [three]"}},
        ["a"],
    ),
    ("escaped quotes", "={{ $fromAI('q', 'it\\'s') }}", {"q": {"type": "string", "description": "it's"}}, ["q"]),
    (
        "twice in one text",
        "=a {{ $fromAI('a') }} b {{ $fromAI('b') }}",
        {"a": {"type": "string"}, "b": {"type": "string"}},
        ["a", "b"],
    ),
    ("the same key twice counts once", "={{ $fromAI('a') + $fromAI('a') }}", {"a": {"type": "string"}}, ["a"]),
    ("a text that is no expression asks nothing", "$fromAI('a')", {}, []),
    ("a call that never ends asks nothing", "={{ $fromAI('a'", {}, []),
]


@pytest.mark.parametrize(("about", "text", "properties", "required"), CALLS, ids=[each[0] for each in CALLS])
def test_from_ai(about: str, text: str, properties: dict[str, Any], required: list[str]) -> None:
    """The arguments of a tool, as a schema."""
    schema = from_ai.schema({"deep": [{"value": text}]})
    assert schema["properties"] == properties, about
    assert schema.get("required", []) == required, about


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2+3*4", "14"),
        ("2^10", "1024"),
        ("-(1 - 3)", "2"),
        ("7 % 3", "1"),
        ("10 / 4", "2.5"),
        ("sqrt(16) + max(1, 7)", "11"),
        ("pi", "3.141592653589793"),
        ("1e3", "1000"),
        ("1/0", "Infinity"),
        ("0/0", "NaN"),
        ("1e308*10", "Infinity"),
        ("0.1+0.2", "0.3"),
        ("log(1000)", "3"),
        ("123456789*987654321", "121932631112635260"),
        ("9**9**9", NO_RESULT),
        ("2 apples", NO_RESULT),
        ("__import__('os')", NO_RESULT),
        ("().__class__", NO_RESULT),
        ("x", NO_RESULT),
        ("", NO_RESULT),
        ("1" * 600, NO_RESULT),
        ("(" * 400, NO_RESULT),
    ],
)
def test_calculator(expression: str, value: str) -> None:
    """Arithmetic and nothing else; what it cannot do it says to the model."""
    assert calculate(expression) == value


def test_schema_of_an_example() -> None:
    """Types of the values; a list is like its first element; closed objects; required from the caller."""
    example = {"a": "x", "n": 1.5, "l": [{"q": True}], "e": [], "z": None}
    schema = output_schema.from_example(example, required=True)
    inner = {
        "type": "object",
        "properties": {"q": {"type": "boolean"}},
        "required": ["q"],
        "additionalProperties": False,
    }
    assert schema["properties"] == {
        "a": {"type": "string"},
        "n": {"type": "number"},
        "l": {"type": "array", "items": inner},
        "e": {"type": "array"},
        "z": {"type": "null"},
    }
    assert schema["required"] == ["a", "n", "l", "e", "z"]
    assert "required" not in output_schema.from_example(example, required=False)


SCHEMA = output_schema.wrap_schema(
    {"type": "object", "properties": {"n": {"type": "number"}}, "additionalProperties": False}, "output"
).schema


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": '```json\n{"output": {"n": 1}}\n```'}, {"value": {"n": 1}}),
        ({"content": 'Sure:\n```json\n{"output": {"n": 1}}\n```'}, {"value": {"n": 1}}),
        ({"content": 'Result\n```\n{"output": {"n": 1}}\n```\nDone.'}, {"value": {"n": 1}}),
        ({"content": 'ok\r\n```json\r\n{"output":{"n":1}}\r\n```\r\n'}, {"value": {"n": 1}}),
        ({"content": '```{"output": {"n": 1}}``` or ```{"output": {"n": 2}}```'}, {"value": {"n": 1}}),
        ({"content": '```json\n{"output": {"n": 1, "code": "```js```"}}\n```'}, {"value": {"n": 1}}),
        ({"content": '```json\n{"output": {"n": 1}}'}, {"value": {"n": 1}}),
        ({"content": "Try ```js\nx```"}, {"problem": "Expecting value: line 1 column 1 (char 0)"}),
        ({"content": '{"output": {"n": 1, "extra": 2}, "more": 3}'}, {"value": {"n": 1}}),
        ({"content": '{"n": 1}'}, {"value": {"n": 1}}),
        (
            {"content": "", "tool_calls": [{"id": "1", "name": "hand", "arguments": {"output": {"n": 1}}}]},
            {"value": {"n": 1}},
        ),
        ({"content": "", "tool_calls": [{"id": "1", "name": "search", "arguments": {}}]}, None),
        ({"content": '{"output": {"n": "1"}}'}, {"problem": "output/n: '1' is not of type 'number'"}),
        ({"content": "Here it is: {}"}, {"problem": "Expecting value: line 1 column 1 (char 0)"}),
    ],
)
def test_an_answer_is_parsed_and_validated(message: Any, expected: dict[str, Any] | None) -> None:
    """JSON from a code block, from text, or from the tool; unknown fields are dropped; problems name their place."""
    parsed = answer_parser.parse_answer(
        cast(Message, {"role": "assistant", **message}), SCHEMA, via="hand", unwrap="output"
    )
    assert (None if parsed is None else {key: each for key, each in parsed.items() if key != "text"}) == expected


def test_window_counts_each_message_once() -> None:
    """A try that was repeated left its messages twice; the model sees them once, and the newest count."""
    messages: list[Message] = [{"role": "user", "content": str(n), "id": str(n)} for n in (1, 2, 2, 3)]
    assert [each["content"] for each in window(messages, 2)] == ["2", "3"]
    assert window(messages, 0) == []


def test_function_names() -> None:
    """A node's name as vendors want a function's name."""
    assert function_name("Get weather (v2)!") == "Get_weather_v2_"
    assert function_name("A _ B - ü") == "A___B_-_"
    assert len(function_name("x" * 100)) == 64


def test_tool_results() -> None:
    """A text tool's answer is text, in a list from agent version 3 on; other nodes give their items as JSON."""
    text: Any = [[{"json": {"response": "14"}}]]
    assert result_text(text, wrapped=False) == "14"
    assert result_text(text, wrapped=True) == '[{"response":"14"}]'
    assert result_text([[{"json": {"a": 1}}, {"json": {"a": 2}}]], wrapped=False) == '[{"a":1},{"a":2}]'
    assert result_text(None, wrapped=False) == "[]"


def test_gemini_takes_a_subset_of_json_schema() -> None:
    """Keywords that it refuses go; fields that happen to be called like keywords stay."""
    schema = {
        "type": "object",
        "properties": {"default": {"type": "string", "default": "x"}},
        "additionalProperties": False,
    }
    assert supported_schema(schema) == {"type": "object", "properties": {"default": {"type": "string"}}}


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (anthropic.read, lambda texts: {"content": [{"type": "text", "text": each} for each in texts]}),
        (gemini.read, lambda texts: {"candidates": [{"content": {"parts": [{"text": each} for each in texts]}}]}),
        (bedrock.read, lambda texts: {"output": {"message": {"content": [{"text": each} for each in texts]}}}),
        (
            openai_responses.read,
            lambda texts: {
                "output": [
                    {"type": "message", "content": [{"type": "output_text", "text": each} for each in texts]},
                ]
            },
        ),
    ],
    ids=["Anthropic", "Gemini", "Bedrock", "Responses"],
)
def test_an_answer_in_parts_is_a_line_each_for_an_agent_and_one_text_for_a_chain(read: Any, answer: Any) -> None:
    """As n8n 2.41.1: an agent that got "a" and "b" gave "a\\nb", a chain "ab"."""
    message = read(answer(["a", "b"]), "m").message
    assert (text_of(message), joined_text(message)) == ("a\nb", "ab")
    assert read(answer(["a"]), "m").message["content"] == "a"


@pytest.mark.parametrize(
    ("type_", "version", "options", "told"),
    [
        ("agent", 3.1, {"passthroughBinaryPdfs": True}, ["passthroughBinaryPdfs 'true'"]),
        ("agent", 2.2, {"passthroughBinaryPdfs": False, "tracingMetadata": {}}, []),
        ("agent", 3, {"forceToolCallOnFirstIteration": "={{ $json.force }}"}, ["forceToolCallOnFirstIteration 'an expression'"]),
        ("agentTool", 3, {"forceToolCallOnFirstIteration": True}, ["forceToolCallOnFirstIteration 'true'"]),
    ],
)  # fmt: skip
def test_options_that_are_not_built_are_refused(type_: str, version: float, options: Any, told: list[str]) -> None:
    """They change what is sent to the model: nothing of that is left out in silence."""
    parameters = {"promptType": "define", "text": "x", "options": options}
    if type_ == "agentTool":
        agent = node("A", "agent", 2.2, {"promptType": "define", "text": "x"})
        tool = node("T", type_, version, parameters)
        export = workflow(agent, (model(), "ai_languageModel"), (tool, "ai_tool"))
    else:
        export = workflow(node("A", type_, version, parameters), (model(), "ai_languageModel"))
    found = compile_export(json.dumps(export), file="t.json", catalog=CATALOG).diagnostics
    assert [each.message.partition(" of the")[0] for each in found if each.code == "N8T306"] == told
