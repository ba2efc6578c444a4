"""A sub-node at a port that n8n's vendor node has and this one has not is told when the workflow is compiled."""

import pytest

from tests.unit.compiler.making import Json, codes, compiled, export, node, to

OPENAI = "@n8n/n8n-nodes-langchain.openAi"
MODEL = {"__rl": True, "mode": "id", "value": "gpt-5"}
MESSAGE = {"modelId": MODEL, "messages": {"values": [{"content": "Hello"}]}}
RESPONSE = {"modelId": MODEL, "responses": {"values": [{"content": "Hello"}]}}
SPEECH = {"resource": "audio", "operation": "generate", "input": "Hello"}


def with_tool(version: float, parameters: Json, **tool: object) -> Json:
    """A vendor's node with a tool."""
    parts = [
        node("Ask", OPENAI, version, parameters=parameters),
        node("Tool", "@n8n/n8n-nodes-langchain.toolCalculator", 1, **tool),
    ]
    connections = {
        "Start": {"main": [[to("Ask")]]},
        "Tool": {"ai_tool": [[to("Ask", type_="ai_tool")]]},
    }
    return export(*parts, connections=connections)


ASSISTANT = {"resource": "assistant", "operation": "message", "assistantId": MODEL, "prompt": "define", "text": "Hello"}


@pytest.mark.parametrize(("version", "parameters"), [(1.8, MESSAGE), (2.1, RESPONSE)])
def test_a_tool_is_taken(version: float, parameters: Json) -> None:
    assert compiled(with_tool(version, parameters)).plan is not None


def test_a_tool_of_an_assistant_is_refused() -> None:
    found = compiled(with_tool(1.8, ASSISTANT))
    assert found.plan is None
    (message,) = (each.message for each in found.diagnostics if each.code == "N8T306")
    assert "ai_tool" in message


def test_a_tool_that_is_disabled_changes_nothing() -> None:
    assert "N8T306" not in codes(compiled(with_tool(1.8, MESSAGE, disabled=True)))


def test_an_operation_without_tools_leaves_the_port_alone() -> None:
    """n8n shows no port there, and never asks for what was once connected."""
    assert "N8T306" not in codes(compiled(with_tool(1.8, SPEECH)))
