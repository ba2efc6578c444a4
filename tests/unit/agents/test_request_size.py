"""A model request carries its own item, and not those of the whole step."""

from typing import Any

import pytest

from runtime.hosts.local.host import LocalHost
from runtime.interpreter.task_parts import split_task
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.plan import Kind
from schemas.task import Task, TaskResult
from tests.unit.agents.world import World, model, node, outputs, run, text_answer, workflow

COUNT, SIZE = 100, 2_000


async def test_requests_of_many_items_grow_with_the_items_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """100 items of 2 KB: the tasks of all requests have less than a MB, a step's parameters included; they had 20.8 MB."""
    sizes: list[int] = []
    work = LocalHost.work

    async def measured(self: LocalHost, task: Task, kind: Kind) -> TaskResult:
        sizes.append(sum(map(len, split_task(task, None))))
        return await work(self, task, kind)

    monkeypatch.setattr(LocalHost, "work", measured)
    items: list[dict[str, Any]] = [{"chatInput": f"{i} " + "x" * SIZE} for i in range(COUNT)]
    with StandIn(script=[text_answer(str(i)) for i in range(COUNT)]) as stand_in:
        execution, finished = await run(
            workflow(node("A", "agent", 2.2), (model(), "ai_languageModel")), World(stand_in), items
        )
    assert finished.status == "success", finished.error
    assert len(outputs(execution, "A")[0]) == COUNT
    assert len(sizes) == COUNT
    assert sum(sizes) < 1_000_000, sum(sizes)


async def test_a_request_sees_the_parameters_of_its_own_item() -> None:
    """Expressions of the model, by paths, by scripts and by the item's number, are those of the item asked for."""
    chosen = model()
    chosen["parameters"]["model"] = {
        "__rl": True,
        "mode": "id",
        "value": "=m{{ $json.n }}-{{ [$itemIndex].map(i => i + 1)[0] }}",
    }
    with StandIn(script=[text_answer("a"), text_answer("b"), text_answer("c")]) as stand_in:
        items = [{"chatInput": "x", "n": n} for n in (7, 8, 9)]
        _, finished = await run(workflow(node("A", "agent", 2.2), (chosen, "ai_languageModel")), World(stand_in), items)
    assert finished.status == "success", finished.error
    assert sorted(each.body["model"] for each in stand_in.requests) == ["m7-1", "m8-2", "m9-3"]
