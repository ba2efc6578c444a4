"""Models that complete a text: what goes out for a conversation, and that they call no tools."""

from runtime.platform.embedded.fake_vendor import MODEL_PATHS
from tests.unit.agents.test_recorded_parts import RecordedWorld
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import node, outputs, run, workflow

OLLAMA = node(
    "LM", "lmOllama", 1, {"options": {"temperature": 0.2, "format": "json", "keepAlive": "5m"}},
    credentials={"ollamaApi": {"id": "1", "name": "o"}},
)  # fmt: skip
CANNED = {"POST /api/generate": {"response": "hi there", "prompt_eval_count": 3, "eval_count": 2}}


async def test_ollama_gets_the_prompt_as_one_text_and_is_not_streamed() -> None:
    chain = node("A", "chainLlm", 1.4, {"promptType": "define", "text": "say hi"})
    with Vendors(canned=CANNED) as stand_in:
        world = RecordedWorld(stand_in, {"ollamaApi": {"baseUrl": stand_in.url}})
        execution, finished = await run(workflow(chain, (OLLAMA, "ai_languageModel")), world, [{}])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"text": "hi there"}]]
    (sent,) = stand_in.requests
    assert sent.body == {
        "model": "llama3.2", "prompt": "say hi", "stream": False, "options": {"temperature": 0.2}, "keep_alive": "5m",
        "format": "json",
    }  # fmt: skip


async def test_an_agent_with_tools_is_told_that_its_model_calls_none() -> None:
    tool = (node("Calc", "toolCalculator", 1), "ai_tool")
    with Vendors(canned=CANNED) as stand_in:
        world = RecordedWorld(stand_in, {"ollamaApi": {"baseUrl": stand_in.url}})
        export = workflow(node("A", "agent", 2.2), (OLLAMA, "ai_languageModel"), tool)
        _, finished = await run(export, world, [{"chatInput": "x"}])
    assert (finished.error or {})["message"] == "This model cannot call tools"
    assert not any(each.path.endswith(MODEL_PATHS) for each in stand_in.requests)
