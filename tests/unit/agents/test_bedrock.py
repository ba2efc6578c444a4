"""Amazon Bedrock by its documentation: what is sent, signed for the service, and what an agent makes of the answers."""

from typing import Any, Final

from runtime.platform.embedded.fake_vendor import RecordedRequest
from tests.unit.agents.test_recorded_parts import RecordedWorld
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import node, outputs, run, workflow

MODEL_ID: Final = "eu.anthropic.claude-sonnet-4-20250514-v1:0"
PLACE: Final = f"bedrock-runtime.eu-west-1.amazonaws.com/model/{MODEL_ID.replace(':', '%3A')}/converse"
KEY: Final = {"region": "eu-west-1", "accessKeyId": "AKID", "secretAccessKey": "secret"}
USAGE: Final = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}


def said(*content: dict[str, Any]) -> dict[str, Any]:
    return {"output": {"message": {"role": "assistant", "content": list(content)}}, "usage": USAGE}


async def asked(answers: list[dict[str, Any]], *tools: Any, **options: Any) -> tuple[Any, list[RecordedRequest], Any]:
    parameters = {"model": MODEL_ID, "options": options}
    model = node("Model", "lmChatAwsBedrock", 1.2, parameters, credentials={"aws": {"id": "1", "name": "k"}})
    agent = node("A", "agent", 2.2, {"options": {"systemMessage": "Be kind"}})
    with Vendors(canned={f"POST {PLACE}": {"$sequence": answers}}) as stand_in:
        world = RecordedWorld(stand_in, {"aws": KEY})
        execution, finished = await run(
            workflow(agent, (model, "ai_languageModel"), *tools), world, [{"chatInput": "hi"}]
        )
    assert finished.status == "success", finished.error
    return outputs(execution, "A"), stand_in.requests, execution.usage


async def test_a_prompt_is_one_signed_request() -> None:
    guardrail = {"values": {"guardrailIdentifier": "g1", "guardrailVersion": "1"}}
    fields = '{"top_k": 5}'
    answer, (request,), usage = await asked(
        [said({"text": "hello"})], temperature=0.2, maxTokensToSample=100, guardrail=guardrail,
        additionalModelRequestFields=fields, latency="optimized",
    )  # fmt: skip
    assert answer == [[{"output": "hello"}]]
    assert request.body == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "system": [{"text": "Be kind"}],
        "inferenceConfig": {"temperature": 0.2, "maxTokens": 100},
        "additionalModelRequestFields": {"top_k": 5},
        "performanceConfig": {"latency": "optimized"},
        "guardrailConfig": {"guardrailIdentifier": "g1", "guardrailVersion": "1", "trace": "disabled"},
    }
    authorization = request.headers["authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-west-1/bedrock/aws4_request" in authorization
    assert (usage[0]["input_tokens"], usage[0]["output_tokens"]) == (3, 2)


async def test_a_tool_is_called_and_its_answer_sent_back() -> None:
    use = {"toolUseId": "t1", "name": "Calc", "input": {"input": "2+3"}}
    thought = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    answers = [said(thought, {"toolUse": use}), said({"text": "It is 5"})]
    answer, requests, _ = await asked(answers, (node("Calc", "toolCalculator", 1), "ai_tool"))
    assert answer == [[{"output": "It is 5"}]]
    spec = requests[0].body["toolConfig"]["tools"][0]["toolSpec"]
    assert (spec["name"], spec["inputSchema"]["json"]["type"]) == ("Calc", "object")
    assert requests[1].body["messages"][1:] == [
        {"role": "assistant", "content": [thought, {"toolUse": use}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "5"}]}}]},
    ]
