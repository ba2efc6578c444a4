"""Programs of a vendor's module that work item by item."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.contract import ActivityContext, Items, NodeError
from runtime.integrations.operation import Run
from runtime.integrations.request import Sender
from runtime.integrations.scope import Scope


def run(*, continue_on_fail: bool, before: Any = None, kept: list[Any] | None = None) -> Run:
    """A run of two items, whose scopes are their places; `before` is what the heartbeat of an earlier attempt has."""

    async def scope(i: int) -> Scope:
        return cast("Scope", i)

    heartbeats = [] if kept is None else kept
    progress = SimpleNamespace(details=lambda: (before,) if before else (), heartbeat=heartbeats.append)
    context = cast("ActivityContext", SimpleNamespace(continue_on_fail=continue_on_fail, progress=progress))
    sender = SimpleNamespace(descriptor=SimpleNamespace(type="", keeps_lists=False))
    return Run(context, cast("Sender", sender), [{"json": {}}, {"json": {}}], scope)


async def first_only(scope: Scope) -> Items:
    """Fail for the second item."""
    place = cast("Any", scope)
    if place:
        raise NodeError("no such record")
    return [{"json": {"place": place}}]


async def test_a_failing_item_becomes_an_error_item() -> None:
    assert await run(continue_on_fail=True).each(first_only) == [
        {"json": {"place": 0}, "pairedItem": {"item": 0}},
        {"json": {"error": "no such record"}, "pairedItem": {"item": 1}},
    ]


async def test_else_the_error_names_the_item() -> None:
    with pytest.raises(NodeError, match="no such record") as caught:
        await run(continue_on_fail=False).each(first_only)
    assert caught.value.item == 1


async def test_an_item_that_an_earlier_attempt_did_is_not_done_again() -> None:
    heartbeats: list[Any] = []

    async def work(scope: Scope) -> Items:
        return [{"json": {"place": cast("Any", scope)}}]

    first = run(continue_on_fail=False, kept=heartbeats)
    await first.each(work)
    assert len(heartbeats) == 2

    again = run(continue_on_fail=False, before={"http_done": {"0": [{"json": {"place": "before"}}]}})
    assert [each["json"]["place"] for each in await again.each(work)] == ["before", 1]
