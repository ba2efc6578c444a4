"""AI roots against what real n8n 2.41.1 did with the same workflow and the same answers of the model.

Each line of `recorded/*.jsonl` is a case: `about` says what it shows, `answers` is what the model said, `expected` what
n8n made of it (outputs, error, and of each request the roles, the first line of the last question and the tools). Left
out on both sides: `messageLog`, `log` and `type` of intermediate steps, and the words of our own instructions.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.platform.embedded.fake_vendor import MODEL_PATHS, StandIn
from tests.unit.agents.world import World, outputs, run

FOLDER = Path(__file__).parent / "recorded"
CASES = [json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]

DIFFERENT = {
    "badtool3": "we tell the model that there is no such tool; n8n 3.x asks the same question again",
    "badtool3.1": "as badtool3",
    "itemlist1.7": "we ask for the list in words; n8n offers a tool with an empty schema",
    "itemlist2.2": "as itemlist1.7",
    "itemlist3": "as itemlist1.7",
    "two3": "we send two calls of one answer as one message; n8n 3.x splits them",
    "toolerr1.7": "we tell the model why its tool failed; n8n gives it an empty text",
    "toolerr2.2": "as toolerr1.7",
    "tc4": "the line of an error in a Code Tool counts from the start of what runs, one more than in n8n",
}
"""Cases in which only the requests differ, and on purpose."""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_as_n8n(case: dict[str, Any]) -> None:
    """The same status, outputs, error and conversation as in n8n."""
    expected = case["expected"]
    answers = case["answers"] + case["answers"][-1:] * 12  # the last answer repeats, as it did for n8n
    with StandIn(script=answers) as stand_in:
        others = {id_: _complete(export, id_) for id_, export in case.get("subworkflows", {}).items()}
        execution, finished = await run(_export(case, stand_in.url), World(stand_in), case["input"], others=others)
        root = next(iter(execution.plan.step["T"].edges)).target
        ran = execution.engine.runs.get(root)
        assert finished.status == expected["status"], finished.error
        assert (finished.error or {}).get("message") == expected["error"]
        if expected["status"] == "success" and case["name"] not in DIFFERENT:
            assert ran is not None
            assert _bare(outputs(execution, root)) == expected["outputs"]
        if expected["requests"] is not None and case["name"] not in DIFFERENT:
            assert _requests(stand_in, case["name"]) == expected["requests"]


def _export(case: dict[str, Any], url: str) -> dict[str, Any]:
    text = json.dumps(case["workflow"]).replace("<stand-in>", url)
    return _complete(json.loads(text), "wf1")


def _complete(export: dict[str, Any], id_: str) -> dict[str, Any]:
    for node in export["nodes"]:
        node |= {"id": node["name"], "position": [0, 0]}
    return export | {"id": id_, "name": id_, "settings": {"executionOrder": "v1", "timezone": "UTC"}}


def _bare(value: Any) -> Any:
    """Without what differs on purpose, and without what the stand-in answers as a tool."""
    if isinstance(value, dict):
        fields = {key: _bare(each) for key, each in value.items() if key not in ("messageLog", "log", "type")}
        return fields | ({"observation": "<answer>"} if "stand_in" in str(fields.get("observation")) else {})
    return [_bare(each) for each in value] if isinstance(value, list) else value


def _requests(stand_in: StandIn, name: str) -> list[dict[str, Any]]:
    requests = []
    for request in stand_in.requests:
        if request.path.endswith(MODEL_PATHS) and f"hello {name} " in json.dumps(request.body):
            messages = request.body.get("messages") or request.body["input"]
            questions = [str(each["content"]).split("\n")[0] for each in messages if each.get("role") == "user"]
            tools = [tool.get("function", tool).get("name", tool["type"]) for tool in request.body.get("tools", [])]
            roles = [each.get("role", each.get("type")) for each in messages]
            requests.append({"roles": roles, "asked": questions[-1:], "tools": tools})
    return requests
