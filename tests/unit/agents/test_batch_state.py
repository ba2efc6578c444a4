"""The state of a batch of items: an event changes its own entry, whatever the number of items, and never an earlier state."""

import json
from types import SimpleNamespace
from typing import Any, ClassVar, Final

import pytest

from runtime.agents.roots.root import Batching, CommandResult, Continue, Finish, ItemState, Root
from runtime.contract import Call, Done, DurableContext, Event

ITEMS: Final = 50


class _Two(Root):
    """Two calls per item, with what came back in between."""

    type = "test.two"
    versions: ClassVar[tuple[float, ...]] = (1,)

    def batching(self, context: DurableContext) -> Batching:
        """All items at once."""
        del context
        return Batching(ITEMS)

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue:
        """The first call."""
        del context
        return Continue("first", [Call("request", {"i": item_state["i"]})])

    def after_first(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """The second one."""
        del context
        item_state["messages"].append(replies[0].get())
        return Continue("second", [Call("request", {"heard": item_state["messages"]})])

    def after_second(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """The end."""
        del context
        return Finish([(0, {"json": {"said": [*item_state["messages"], replies[0].get()]}})])


@pytest.fixture
def context() -> Any:
    """What the reducer reads of a context."""
    return SimpleNamespace(items=[{"json": {}}] * ITEMS, continue_on_fail=False, version=1)


def test_no_state_is_changed_after_it_was_returned(context: Any) -> None:
    """A run that continues as new carries one, and another event may come to it."""
    node = _Two()
    state, commands = node.advance(context, None, None)
    states = [(state, json.dumps(state))]
    for turn in range(2):
        for index in range(ITEMS):
            state, commands = node.advance(context, state, Event(index, {"turn": turn, "i": index}))
            states.append((state, json.dumps(state)))
    assert [json.dumps(each) for each, _ in states] == [text for _, text in states]
    assert isinstance(commands[-1], Done)
    said = [item["json"]["said"] for item in (commands[-1].outputs or [[]])[0] or ()]
    assert said == [[{"turn": 0, "i": i}, {"turn": 1, "i": i}] for i in range(ITEMS)]


def test_an_event_copies_nothing_of_the_other_items(context: Any) -> None:
    """Else a batch costs the square of its items."""
    node = _Two()
    before, _ = node.advance(context, None, None)
    after, commands = node.advance(context, before, Event(3, {"a": 1}))
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert commands == []
    assert after["talks"] is before["talks"]
    assert [one is other for one, other in zip(before["wave"], after["wave"], strict=True)].count(False) == 1
