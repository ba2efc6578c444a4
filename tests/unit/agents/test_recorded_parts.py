"""Tools, and the parts of retrieval, against what real n8n 2.41.1 did with the same workflow and the same answers of vendors.

Each line of `parts/*.jsonl` is a case: `about` says what it shows, `answers` is what the model said, `canned` what vendors
answered; `expected` has the outputs, the error, the messages and tools of each request to a model, and `wire`: every other
request. Left out on both sides: ids that are made up, and `log`, `messageLog` and `type` of intermediate steps.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runtime.agents.parsers.output_schema import FORMAT_TOOL
from runtime.contract import HttpResponse, MissingCredential
from runtime.platform.embedded.fake_vendor import MODEL_PATHS, StandIn
from tests.unit.agents.vendors_stand_in import Vendors, script_of, wire
from tests.unit.agents.world import World, outputs, run

FOLDER = Path(__file__).parent / "parts"
CASES = [json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
OUR_WORDS = (FORMAT_TOOL, "Calc")
"""Tools that we describe in other words than n8n."""
WANTED = (FORMAT_TOOL, "Answer with JSON only", "Answer with a list of", "Classify the text that the user gives")
"""Of the instructions for an answer's form, which we word differently from n8n."""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

DIFFERENT: Mapping[str, str] = {
    "h1": "a body that is no JSON is not sent; n8n sends an empty one and tells the model that its input is not valid",
    "h8": "arguments that do not fit are told to the model, which may correct them; n8n fails the node",
    "h16": "as h8",
    "v2.2": "as h8",
    "vm2.2": "as h8",
    "s6": "we tell the model why its tool failed; n8n gives it an empty text",
    "at-fail": "as s6",
    "h7d": "a request with a placeholder that the model did not fill is not sent",
    "h18": "that JSON was expected is told in other words",
    "h19": "a value of JSON is read as its text",
    "h21": "the words for a refused connection",
    "lm-messages": "messages before the prompt are part of the text; n8n leaves them out",
    "l3": "n8n embeds the question twice when the store is empty",
    "q-new2": "n8n embeds the word test to learn the size of vectors",
    "q-new": "the collection's configuration is sent; n8n sends an empty one",
    "co-tool": "the answer of a tool is sent with its call; n8n leaves it out",
    "mc-none": "without parameters an empty object is sent; n8n sends null, which servers refuse",
    "f-sent-1.1-a, , b": "an empty sentiment has an output to which nothing goes; n8n's own is shorter",
    "at-stop": "intermediateSteps leave out `messageLog`",
}
"""Cases in which the outputs and the requests differ, and on purpose."""


class RecordedWorld(World):
    """A world with the credentials of a case; a vendor with a fixed address is reached at the stand-in."""

    def __init__(self, stand_in: StandIn, credentials: Mapping[str, Any]) -> None:
        super().__init__(stand_in)
        self.secrets = credentials
        self._turn = asyncio.Lock()
        """Answers are scripted in the order of requests, which are sent side by side."""

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        target = urlsplit(url)
        if target.hostname not in ("127.0.0.1", "localhost"):
            headers = [*(options.get("headers") or ()), ("Host", target.netloc)]
            url, options = (
                url.replace(f"{target.scheme}://{target.netloc}", self.stand_in.url, 1),
                {**options, "headers": headers},
            )
        async with self._turn:
            return await super().request(method, url, **options)

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        del item, restricted
        if type_ not in self.secrets:
            raise MissingCredential(f"The tenant has no credential {type_}")
        return dict(self.secrets[type_])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_as_n8n(case: dict[str, Any]) -> None:
    """The same status, outputs, error, conversation and requests as in n8n."""
    expected = case["expected"]
    with script_of(case) as stand_in:
        await _compare(case, expected, stand_in)


async def _compare(case: dict[str, Any], expected: Mapping[str, Any], stand_in: Vendors) -> None:
    url = stand_in.url
    credentials = case.get("credentials") or {"openAiApi": {"apiKey": "k", "url": "<stand-in>/v1"}}
    world = RecordedWorld(stand_in, json.loads(json.dumps(credentials).replace("<stand-in>", url)))
    export = json.loads(json.dumps(case["workflow"]).replace("<stand-in>", url))
    others = {id_: _complete(each, id_) for id_, each in case.get("subworkflows", {}).items()}
    execution, finished = await run(_complete(export, "wf1"), world, _items(case["input"]), others=others)
    if case["name"] in DIFFERENT:
        assert finished.status in ("success", expected["status"]), finished.error
        return
    assert finished.status == expected["status"], finished.error
    assert (finished.error or {}).get("message") == expected["error"]
    if expected["status"] == "success":
        assert _bare(outputs(execution, case["root"]), url) == _bare(expected["outputs"], url)
    asked = [each for each in stand_in.requests if each.path.endswith(MODEL_PATHS)]
    assert [_asked(each.body, url) for each in asked] == [_recorded(each, url) for each in expected["requests"]]
    assert _sent(wire(stand_in.requests), url) == _sent(expected["wire"], url)


def _items(items: Sequence[Any]) -> list[Any]:
    return [item if "json" in item else {"json": item} for item in items]


def _complete(export: dict[str, Any], id_: str) -> dict[str, Any]:
    for node in export["nodes"]:
        node |= {"id": node["name"], "position": [0, 0]}
    return export | {"id": id_, "name": id_, "settings": {"executionOrder": "v1", "timezone": "UTC"}}


def _sent(requests: Sequence[Mapping[str, Any]], url: str) -> list[Any]:
    """Requests that differ in no order: n8n sends batches of texts at once. Without questions about a store (its version, its
    collections or indexes), which we ask less often, and without tables of tokens, which we do not load.
    """
    asking = ("/", "/collections", "api.pinecone.io/indexes", "tiktoken.pages.dev/js/gpt2.json")
    told = [each for each in requests if not (each["method"] == "GET" and each["place"] in asking)]
    compared = [_called(each) if each["place"] == "/mcp" else each for each in told]
    return sorted(
        (_bare(each, url) for each in compared if each is not None), key=lambda each: json.dumps(each, sort_keys=True)
    )


def _called(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The call of a tool of an MCP server; None: a message about the connection, which n8n keeps open and we do not."""
    body = request["body"]
    return dict(request) | {"body": body["params"]} if body and body["method"] == "tools/call" else None


def _asked(body: Mapping[str, Any], url: str) -> dict[str, Any]:
    messages = body.get("messages") or body["input"]
    tools = [each.get("function", each) for each in body.get("tools", [])]
    return _recorded(
        {
            "roles": [each.get("role", each.get("type")) for each in messages],
            "messages": [each.get("content") for each in messages],
            "tools": tools,
        },
        url,
    )


def _recorded(request: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Without what models do not read: `$schema`, `strict`, whether an empty text is null."""
    messages = [each or "" for each in request["messages"]]
    messages = ["<instructions>" if any(words in str(each) for words in WANTED) else each for each in messages]
    tools = [
        {"name": each["name"], "description": each["description"], "schema": _schema(each["parameters"])}
        if each["name"] not in OUR_WORDS
        else each["name"]
        for each in request["tools"]
    ]
    return {"roles": request["roles"], "messages": _bare(messages, url), "tools": tools}


def _schema(value: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: each for key, each in value.items() if key != "$schema"}
    if set(kept.get("properties", {})) == {"input"}:
        kept.pop("required", None)  # our one text is required, that of some tools of n8n is not
    return kept


def _bare(value: Any, url: str) -> Any:
    """Without what differs on purpose: made-up ids, addresses, and how a number of JSON is written."""
    if isinstance(value, dict):
        return {key: _bare(each, url) for key, each in value.items() if key not in ("messageLog", "log", "type")}
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, str):
        return UUID.sub("<id>", value.replace("<stand-in>", url))
    return [_bare(each, url) for each in value] if isinstance(value, list) else value
