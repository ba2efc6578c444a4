"""What goes to each vendor, against what real n8n 2.41.1 sent for the same agent, model and two answers.

`vendors/recorded.jsonl`: one agent turn with a tool call and the turn after it. Compared: path, the headers that say
whose request it is, and the body, but for the description of the tool (our own words) and what the vendor does not need
(`stream`, `$schema`, empty lists).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runtime.contract import HttpResponse
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, node, outputs, run, workflow

FILE = Path(__file__).parent / "vendors" / "recorded.jsonl"
CASES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
CALL = {"name": "My_Calc_", "input": {"input": "2+3"}}
USAGE = {"input_tokens": 3, "output_tokens": 4}


def _anthropic(second: bool) -> dict[str, Any]:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    calling = [thinking, {"type": "tool_use", "id": "toolu_1", **CALL}]
    return {"model": "claude-x", "content": [{"type": "text", "text": "hi"}] if second else calling, "usage": USAGE}


def _gemini(second: bool) -> dict[str, Any]:
    calling = {"functionCall": {"name": "My_Calc_", "args": CALL["input"]}, "thoughtSignature": "sig"}
    content = {"role": "model", "parts": [{"text": "hi"} if second else calling]}
    return {"candidates": [{"content": content}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}}


def _ollama(second: bool) -> dict[str, Any]:
    calling = {"content": "", "tool_calls": [{"function": {"name": "My_Calc_", "arguments": CALL["input"]}}]}
    message = {"content": "hi"} if second else calling
    return {"model": "m", "message": {"role": "assistant", **message}, "prompt_eval_count": 3, "eval_count": 4}


def _openai(second: bool) -> dict[str, Any]:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "My_Calc_", "arguments": json.dumps(CALL["input"])},
    }
    message = {"content": "hi"} if second else {"content": None, "tool_calls": [call]}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    return {"model": "m", "choices": [{"message": {"role": "assistant", **message}}], "usage": usage}


class Vendor(World):
    """Answers as the vendor does; no socket is opened."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        super().__init__(StandIn())
        self.case, self.sent = case, list[dict[str, Any]]()

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        del item, restricted
        credential: Mapping[str, Any] = self.case["credential"][type_]
        return credential

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        del method
        headers = {name.lower(): value for name, value in options["headers"]}
        self.sent.append(
            {"path": url.removeprefix("<vendor>"), "headers": headers, "body": json.loads(options["content"])}
        )
        second = len(self.sent) > 1
        dialect = {"anth": _anthropic, "gem": _gemini, "oll": _ollama}
        answer = next((each for start, each in dialect.items() if self.case["name"].startswith(start)), _openai)(second)
        return HttpResponse(200, "OK", [("content-type", "application/json")], json.dumps(answer).encode())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_requests(case: dict[str, Any]) -> None:
    """Both requests are those of n8n, and the tokens are counted."""
    vendor = Vendor(case)
    root = node("A", "agent", 2.2, {"options": {"systemMessage": "Sys"}})
    model = case["model"] | {"id": "m", "position": [0, 0]}
    export = workflow(root, (model, "ai_languageModel"), (node("My Calc!", "toolCalculator", 1), "ai_tool"))
    execution, finished = await run(export, vendor, [{"chatInput": f"hello {case['name']}"}])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": "hi"}]]
    assert [(each["input_tokens"], each["output_tokens"]) for each in execution.usage] == [(3, 4), (3, 4)]
    for sent, expected in zip(vendor.sent, case["requests"], strict=True):
        assert sent["path"] == expected["path"]
        assert {name: sent["headers"].get(name) for name in expected["headers"]} == expected["headers"]
        assert _bare(sent["body"]) == _bare(expected["body"])


def _bare(value: Any) -> Any:
    """Without what no vendor reads: descriptions of tools, ids that n8n makes up, empty lists, `stream`, `$schema`."""
    if isinstance(value, dict):
        comparable = {
            key: _bare(each) for key, each in value.items() if key not in ("description", "stream", "$schema", "strict")
        }
        if (
            "function" in comparable
            and isinstance(comparable["function"], dict)
            and isinstance(comparable["function"].get("arguments"), dict)
        ):
            comparable = {"function": comparable["function"]}  # Ollama's calls have no id
        if comparable.get("role") == "tool":
            comparable.pop("tool_name", None)
        if set(comparable) >= {"properties", "type"}:
            comparable.pop("required", None)  # our calculator's input is required, n8n's is not
        return {key: each for key, each in comparable.items() if each != []}
    return [_bare(each) for each in value] if isinstance(value, list) else value
