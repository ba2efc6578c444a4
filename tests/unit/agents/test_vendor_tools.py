"""Tools at OpenAI's, Gemini's and Anthropic's own nodes: what was recorded from real n8n 2.41.1, and what is done otherwise on purpose.

Each line of `vendor_tools.jsonl` is a case: `nodes` are the node and its tools, `canned` is what the vendor answers; `expected` has
how the node ended, how many requests the vendor got, and the last one.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from runtime.contract import Call, Done, Event, LimitReached, NodeError, RunTool
from schemas.plan import Kind
from tests.unit.agents.test_recorded_parts import RecordedWorld
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import driver, node, outputs, plan_of, run

FILE = Path(__file__).parent / "vendor_tools.jsonl"
CASES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
OPENAI = "@n8n/n8n-nodes-langchain.openAi"
CALCULATOR = node("Calculator", "toolCalculator", 1)
COMPLETIONS = "POST /v1/chat/completions"


def export_of(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A start, the node `Root`, and its tools."""
    made = [
        node("Start", "n8n-nodes-base.manualTrigger", 1),
        *nodes,
        *(node(n, "n8n-nodes-base.noOp", 1) for n in "AB"),
    ]
    after = [[{"node": n, "type": "main", "index": 0}] for n in "AB"]
    splits = any(each.get("onError") == "continueErrorOutput" for each in nodes)
    wires: dict[str, Any] = {"Start": {"main": [[{"node": "Root", "type": "main", "index": 0}]]}}
    wires["Root"] = {"main": after[: 1 + splits]}
    for each in nodes:
        if each["name"] != "Root":
            wires[each["name"]] = {"ai_tool": [[{"node": "Root", "type": "ai_tool", "index": 0}]]}
    made = [{"id": each["name"], "position": [0, 0], **each} for each in made]
    settings = {"executionOrder": "v1", "timezone": "UTC"}
    return {"id": "wf1", "name": "w", "nodes": made, "connections": wires, "settings": settings}


async def talk(case: Mapping[str, Any], stand_in: Vendors) -> tuple[Any, Any]:
    """Run a case at a vendor's stand-in."""
    url = stand_in.url
    stand_in.canned = json.loads(json.dumps(case["canned"]).replace("<stand-in>", url))
    credentials = {
        "openAiApi": {"apiKey": "k", "url": f"{url}/v1"}, "anthropicApi": {"apiKey": "k", "url": url},
        "googlePalmApi": {"apiKey": "k", "host": url},
    }  # fmt: skip
    nodes = json.loads(json.dumps(case["nodes"]).replace("<stand-in>", url))
    return await run(
        export_of(nodes), RecordedWorld(stand_in, credentials), case["input"], others=case.get("subworkflows")
    )


def bare(value: Any) -> Any:
    """Without what models do not read, and how we word what the calculator and dates are for."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key != "$schema"}
        if kept.get("name") in ("Calculator", "Date"):
            kept.pop("description", None)
        return {key: bare(each) for key, each in kept.items()}
    return [bare(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_as_n8n(case: dict[str, Any]) -> None:
    expected = case["expected"]
    with Vendors() as stand_in:
        execution, finished = await talk(case, stand_in)
    assert finished.status == expected["status"], finished.error
    assert (finished.error or {}).get("message") == expected["error"]
    if expected["status"] == "success":
        made = outputs(execution, "Root")
        assert made == expected["outputs"]
    asked = [each for each in stand_in.requests if each.method == "POST"]
    assert len(asked) == expected["requests"]
    assert not asked or bare(asked[-1].body) == bare(expected["last"])


def _calls(name: str, arguments: str, content: str | None = None) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": content, "tool_calls": [call]}}]}


def _says(text: str) -> dict[str, Any]:
    used = {"prompt_tokens": 3, "completion_tokens": 4}
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}], "usage": used}


def _case(answers: Sequence[Any], *tools: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    parameters = {
        "modelId": {"__rl": True, "mode": "id", "value": "gpt-4o"},
        "messages": {"values": [{"content": "hello"}]},
        "options": options,
    }
    credentials = {"openAiApi": {"id": "1", "name": "c"}}
    root = node("Root", OPENAI, 1.8, parameters, credentials=credentials)
    return {
        "nodes": [root, *(tools or (CALCULATOR,))],
        "input": [{"json": {"q": "hello"}}],
        "canned": {COMPLETIONS: {"$sequence": [*answers]}},
    }


BAD = {
    "an unknown tool": (_calls("Nope", "{}"), "Nope is not a valid tool, try another one."),
    "arguments that are no JSON": (_calls("Fetch", "{not json"), "The arguments are no JSON object. Correct them and"),
    "arguments that are a list": (_calls("Fetch", "[1]"), "The arguments are no JSON object. Correct them and"),
    "arguments that lack one": (_calls("Fetch", "{}"), "The arguments do not fit the tool's schema: 'q' is a required"),
    "a tool that breaks": (_calls("Breaks", '{"input": "x"}'), 'There was an error: "it broke'),
    "a request that fails": (_calls("Fetch", '{"q": "http://127.0.0.1:1/"}'), '[{"error":'),
}


@pytest.mark.parametrize(("answer", "told"), BAD.values(), ids=BAD)
async def test_what_a_model_does_wrong_is_told_to_it(answer: Any, told: str) -> None:
    """n8n tells it nothing of an unknown tool, and fails the node for all others but code that breaks."""
    fetch = node("Fetch", "n8n-nodes-base.httpRequestTool", 4.2, {"url": "={{ $fromAI('q', 'what') }}", "options": {}})
    breaks = node("Breaks", "toolCode", 1.3, {"description": "breaks", "jsCode": "throw new Error('it broke')"})
    with Vendors() as stand_in:
        _, finished = await talk(_case([answer, _says("sorry")], fetch, breaks), stand_in)
    assert finished.status == "success", finished.error
    assert stand_in.requests[-1].body["messages"][-1]["content"].startswith(told)


async def test_a_tool_that_answers_without_end_is_cut() -> None:
    long = node("Long", "toolCode", 1.3, {"description": "d", "jsCode": "return 'x'.repeat(10 * 1000 * 1000)"})
    with Vendors() as stand_in:
        await talk(_case([_calls("Long", '{"input": ""}'), _says("ok")], long), stand_in)
    text = stand_in.requests[-1].body["messages"][-1]["content"]
    assert len(text) < 201_000
    assert "[Cut: these are the first 200000 of 10000000 characters" in text


async def test_a_long_conversation_is_stored_beside_the_history() -> None:
    """What a turn leaves behind is a reference, and the vendor gets all of it."""
    said = "y" * 10_000
    with Vendors() as stand_in:
        case = _case([_calls("Calculator", '{"input": "1+1"}', said)] * 3 + [_says("done")])
        _, finished = await talk(case, stand_in)
    assert finished.status == "success", finished.error
    messages = stand_in.requests[-1].body["messages"]
    assert [each["role"] for each in messages] == ["user", *["assistant", "tool"] * 3]
    assert messages[1]["content"] == said


def test_state_survives_json_and_carries_no_body() -> None:
    export = export_of(_case([])["nodes"])
    agent, context = driver(export, "Root", [{"q": "hello"}])
    state, (first,) = agent.advance(context, None, None)
    assert isinstance(first, Call)
    assert (first.method, first.item, first.id) == ("turn", 0, "turn/1")
    reply = {
        "body": {"ref": {"id": "b1"}}, "tokens": 7,
        "calls": [{"id": "c1", "name": "Calculator", "arguments": {"input": "1+1"}}],
    }  # fmt: skip
    state, (tool,) = agent.advance(context, json.loads(json.dumps(state)), Event(0, reply))
    assert isinstance(tool, RunTool)
    state, (second,) = agent.advance(context, json.loads(json.dumps(state)), Event(0, [[{"json": {"response": "2"}}]]))
    assert isinstance(second, Call)
    assert second.id == "turn/2"
    payload: Any = second.payload
    assert (payload["body"], payload["results"], payload["spent"]) == ({"ref": {"id": "b1"}}, ["2"], 7)
    _, (done,) = agent.advance(context, json.loads(json.dumps(state)), Event(0, {"items": [{"json": {}}], "tokens": 1}))
    assert isinstance(done, Done)


async def test_the_limit_of_tokens_holds() -> None:
    """Fails closed: no error output stands in for it."""
    case = _case([_calls("Calculator", '{"input": "1+1"}') | {"usage": {"prompt_tokens": 9_999_999}}])
    case["nodes"][0]["onError"] = "continueRegularOutput"
    with Vendors() as stand_in:
        _, finished = await talk(case, stand_in)
    assert finished.status == "error"
    assert (finished.error or {})["name"] == LimitReached("").name
    assert len(stand_in.requests) == 1


async def test_usage_is_recorded_per_request() -> None:
    with Vendors() as stand_in:
        execution, _ = await talk(_case([_says("hi")]), stand_in)
    (row,) = execution.usage
    assert (row["node"], row["model"], row["input_tokens"], row["output_tokens"]) == ("Root", "gpt-4o", 3, 4)
    assert row["cost_usd"] > 0


def test_only_with_tools_is_it_durable() -> None:
    """A run of an older build, whose node had no tools, goes on as it began."""
    case = _case([])
    assert plan_of(export_of(case["nodes"])).step["Root"].kind is Kind.DURABLE
    assert plan_of(export_of(case["nodes"][:1])).step["Root"].kind is Kind.ACTIVITY
    off = [case["nodes"][0], {**CALCULATOR, "disabled": True}]
    assert plan_of(export_of(off)).step["Root"].kind is Kind.ACTIVITY


async def test_an_operation_that_has_no_use_for_tools_ignores_them() -> None:
    parameters = {"resource": "text", "operation": "classify", "input": "words", "simplify": True}
    root = node("Root", OPENAI, 1.8, parameters, credentials={"openAiApi": {"id": "1", "name": "c"}})
    canned = {"POST /v1/moderations": {"results": [{"flagged": True}]}}
    case = {"nodes": [root, CALCULATOR], "input": [{"json": {}}], "canned": canned}
    with Vendors() as stand_in:
        execution, finished = await talk(case, stand_in)
    assert finished.status == "success", finished.error
    assert outputs(execution, "Root")[0] == [{"flagged": True}]


def test_an_error_of_a_turn_is_the_node_s() -> None:
    agent, context = driver(export_of(_case([])["nodes"]), "Root", [{"q": "hello"}])
    state, _ = agent.advance(context, None, None)
    with pytest.raises(NodeError, match="no way") as raised:
        agent.advance(context, state, Event(0, None, NodeError("no way").to_json()))
    assert raised.value.item == 0
