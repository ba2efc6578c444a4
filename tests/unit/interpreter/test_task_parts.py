"""Tasks as payloads: what is shared goes out once, and comes back as it was."""

import copy
import json
from typing import Any

import pytest

from runtime.contract import NodeError
from runtime.interpreter.task_parts import PART_BYTES, join_task, split_task
from schemas.task import Task

MARKED = [{"json": {"$tempor8": "part", "index": 0}}]
"""Items of a user that look like our references."""


def _items(count: int, text: str = "x") -> list[Any]:
    return [{"json": {"n": i, "text": text}, "pairedItem": {"item": i}} for i in range(count)]


def _task(inputs: list[Any], **more: Any) -> Task:
    task: dict[str, Any] = {
        "step": {"name": "Code"}, "inputs": inputs, "source": [], "run_index": 0, "columns": [], "memory": {}, "meta": {}
    }  # fmt: skip
    return {**task, **more}  # type: ignore[typeddict-item]


def _snapshot(items: list[Any], pairs: dict[str, Any] | None = None, **runs: Any) -> dict[str, Any]:
    return {"items": items, "nodes": {name: {"runs": each} for name, each in runs.items()}, "pairs": pairs or {}}


def _cases() -> dict[str, tuple[Task, int, int]]:
    """Name -> task, how often the text of an item goes out, and the number of parts."""
    small, large, other = _items(3, "needle"), _items(1, "needle" + "y" * PART_BYTES), _items(2, "needle")
    bare = [{"json": item["json"]} for item in large]
    return {
        "the input, read by $input too": (_task([small], snapshot=_snapshot(small)), 3, 0),
        "a long input, read by $input too": (_task([large], snapshot=_snapshot(large)), 1, 1),
        "a long input of which scripts read the json": (_task([large], script_data=_snapshot(bare)), 1, 1),
        "an output that is read and paired": (
            _task([small], snapshot=_snapshot(small, {"A": [{"item": other[0]}, {"item": other[1]}, {}]}, A=[[other]])), 5, 0
        ),
        "outputs of sparse runs": (
            _task([[]], snapshot=_snapshot([], A={"length": 9, "forgets": True, "8": [large, None]}, B=[[large]])), 1, 1
        ),
        "the ends of an output": (_task([None], snapshot=_snapshot([], A=[[{"length": 1, "first": {}, "last": {}}]])), 0, 0),
        "items that look like references": (_task([MARKED], snapshot=_snapshot(MARKED)), 0, 0),
        "a model request with a long member": (
            _task([small], payload={"messages": ["needle" * PART_BYTES], "tools": []}), 3 + PART_BYTES, 1
        ),
        "a payload that looks like a reference": (_task([None], payload={"item": MARKED[0]["json"]}), 0, 1),
        "nothing shared": (_task([small, other]), 5, 0),
    }  # fmt: skip


@pytest.mark.parametrize("name", _cases())
def test_what_is_shared_goes_out_once_and_comes_back(name: str) -> None:
    """The texts of items are counted in the bytes, and the joined task is the one that was split."""
    task, times, parts = _cases()[name]
    before = copy.deepcopy(task)
    payloads = split_task(task, None)
    assert b"".join(payloads).count(b"needle") == times
    assert len(payloads) == 1 + parts
    assert task == before
    document, *rest = map(json.loads, payloads)
    assert join_task(document, rest) == before


def test_a_task_of_an_older_build_is_joined_as_it_is() -> None:
    """It has no parts and nothing shared."""
    task = _task([MARKED])
    assert join_task(task, ()) == task


def test_all_parts_together_are_measured() -> None:
    """A task whose parts are each below the limit, and together above it, is an error of the step."""
    task = _task([_items(1, "y" * PART_BYTES)], snapshot=_snapshot([], A=[[_items(1, "z" * PART_BYTES)]]))
    with pytest.raises(NodeError, match=r"^The input of 'Code' has 6\d,\d{3} bytes of JSON, and the limit is 50,000 "):
        split_task(task, 50_000)
