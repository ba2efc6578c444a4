"""An activity returns so many items that workflow code can move in its time."""

from runtime.interpreter.border import check_result
from schemas.item import Item
from schemas.run import MAX_ITEMS
from schemas.task import Task, TaskResult

TASK: Task = {"step": {"name": "Code"}, "meta": {}}  # type: ignore[typeddict-item]  # as much as is read


def outputs(*sizes: int) -> TaskResult:
    item: Item = {"json": {}}
    return {"outputs": [[item] * size for size in sizes]}


def test_as_many_items_as_the_limit_pass() -> None:
    """All outputs together; one without items counts none."""
    given = outputs(MAX_ITEMS - 1, 0, 1)
    assert check_result(TASK, given)[0] is given
    assert check_result(TASK, {"outputs": None})[0] == {"outputs": None}


def test_one_more_is_an_error_of_the_step() -> None:
    refused, _ = check_result(TASK, outputs(MAX_ITEMS, 1))
    assert refused["error"]["message"] == "The output of 'Code' has 100,001 items, and the limit is 100,000"
    assert "Loop Over Items" in refused["error"]["description"]
