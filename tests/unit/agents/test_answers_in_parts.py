"""Answers that n8n's clients have in parts lose the spaces around them in an agent, as recorded from n8n 2.41.1."""

from typing import Any

import pytest

from tests.unit.agents.test_recorded_parts import RecordedWorld
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import node, outputs, run, workflow

CLAUDE = {"model": {"__rl": True, "mode": "id", "value": "claude-sonnet-4-5"}, "options": {}}


@pytest.mark.parametrize(
    ("version", "said"), [(1.7, "it is"), (1.9, "it is"), (2.2, "\n it is \n"), (3.1, "\n it is \n")]
)
async def test_agents_of_version_1_stream_and_so_have_anthropic_s_in_parts(version: float, said: str) -> None:
    parameters = {"promptType": "define", "text": "go", "options": {}}
    model = node("Model", "lmChatAnthropic", 1.3, CLAUDE, credentials={"anthropicApi": {"id": "1", "name": "c"}})
    export = workflow(node("Root", "agent", version, parameters), (model, "ai_languageModel"))
    usage = {"input_tokens": 1, "output_tokens": 1}
    answer: dict[str, Any] = {
        "content": [{"type": "text", "text": "\n it is \n"}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    with Vendors() as stand_in:
        stand_in.canned = {"POST /v1/messages": answer}
        world = RecordedWorld(stand_in, {"anthropicApi": {"apiKey": "k", "url": stand_in.url}})
        execution, finished = await run(export, world, [{"json": {}}])
    assert finished.status == "success", finished.error
    assert outputs(execution, "Root") == [[{"output": said}]]
