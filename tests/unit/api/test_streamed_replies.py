"""The streamed answer of a run that has ended."""

from typing import Any

import pytest

from api.triggers.streaming import lines_of_reply
from runtime.values.json_bytes import loads
from schemas.run import Journal, RunReply, RunResult


@pytest.mark.parametrize(
    ("value", "said"),
    [("<html>", "<html>"), ({"output": "hi"}, "hi"), (["a"], '["a"]'), ({"a": 1}, '{"a":1}')],
    ids=["a page of HTML", "an output", "a list", "an object"],
)
async def test_whatever_the_last_node_gave_is_said(value: Any, said: str) -> None:
    result = RunResult(journal=Journal(status="success", last_node="Call"), outputs=[[{"json": value}]])
    lines = [loads(each) async for each in lines_of_reply(RunReply(finished=result))]
    assert "".join(each.get("content", "") for each in lines) == said
