"""What real n8n's Code, Function and Function Item nodes gave for some 470 snippets, and what ours give."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from runtime.catalog import CATALOG
from runtime.contract import ActivityContext, Items, NodeError
from runtime.sandbox.runner import CodeRunner
from tests.conformance.equality import same_value
from tests.unit.sandbox.world import INPUT, Context

RECORDS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("recorded.jsonl").read_text(encoding="utf-8").splitlines()
]
MESSAGES_OF_ITS_OWN = ("n8n-nodes-base.function", "n8n-nodes-base.functionItem")
"""Here n8n reports a fault of its own sandbox instead of the author's error; ours says what happened."""


async def outcome(record: dict[str, Any]) -> dict[str, Any]:
    """The node's output, or its error."""
    cls = CATALOG.find(record["type"], record["version"], effective(record))
    assert cls is not None
    node = cast("Any", cls.bind(effective(record), record["version"]))
    context = Context(CodeRunner(), continue_on_fail=record["continueOnFail"], parameters=effective(record))
    try:
        outputs: list[Items] = await node.run(cast("ActivityContext", context), INPUT)
    except NodeError as error:
        return {"error": error.message}
    return {"items": [item["json"] for item in outputs[0]], "staticData": context.static_data}


def effective(record: dict[str, Any]) -> dict[str, Any]:
    """The node's parameters with n8n's defaults, as the compiler makes them and `$parameter` shows them."""
    if record["type"] != "n8n-nodes-base.code":
        return dict(record["parameters"])
    return {"mode": "runOnceForAllItems", "language": "javaScript", **record["parameters"], "notice": ""}


@pytest.mark.parametrize("part", range(8))
async def test_snippets_give_what_n8n_gave(part: int) -> None:
    """Items, or the same refusal in the same words."""
    wrong = []
    for record in RECORDS[part::8]:
        got, want = await outcome(record), record["expected"]
        if "error" in want:
            same = "error" in got and (record["type"] in MESSAGES_OF_ITS_OWN or got["error"] == want["error"])
        else:
            same = "items" in got and same_value(want["items"], got["items"])
        if not same:
            wrong.append(f"{record['parameters']}\n  n8n:  {want}\n  ours: {got}")
    assert not wrong, "\n".join(wrong)
