"""Between two looks at a run a model may end its answer and another begin: listeners hear the first to its end before the second."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any

from api.runs.events import _events
from api.runs.turns import Turns
from api.triggers.streaming import follow_lines
from schemas.kinds import RunStatus
from schemas.run import Journal, StepRecord
from schemas.spoken_answer import SpokenAnswer

RUN: Any = SimpleNamespace(id="acme:t:1")


def saying(node: str, text: str) -> dict[str, SpokenAnswer]:
    return {node: {"node": node, "run": 0, "item": 0, "turn": "t", "beginning": 0, "text": text}}


def answered(node: str, text: str) -> dict[str, Any]:
    return {"id": node, "node": node, "run": 0, "at": 0, "texts": [text]}


def journal(*nodes: str) -> Journal:
    steps = [
        StepRecord(node=node, run=0, status="success", started=1.0, finished=2.0, items_in=[1], items_out=[1])
        for node in nodes
    ]
    return Journal(status="running", steps=steps)


LOOKS: list[tuple[Mapping[str, SpokenAnswer], list[dict[str, Any]], Journal]] = [
    (saying("First", "Good "), [], journal()),
    (saying("Second", "Well "), [answered("First", "Good day")], journal("First")),
    # read before the second answer was recorded, as what models say is
    (saying("Second", "Well th"), [answered("First", "Good day"), answered("Second", "Well then")], journal("First", "Second")),
]  # fmt: skip


class Watch:
    """A watch of a run that has looked at it so many times when it is asked."""

    def __init__(self) -> None:
        self.version, self.failed, self.run, self.listeners = 0, False, RUN, 1
        self.types: dict[str, str] = {}
        self.encoded: dict[int, str] = {}
        self.status = RunStatus.RUNNING

    async def wait(self, version: int, seconds: float) -> bool:
        del seconds
        self.version = version + 1
        return True

    @property
    def speaking(self) -> Mapping[str, SpokenAnswer]:
        return LOOKS[self.version - 1][0]

    @property
    def journal(self) -> Journal:
        return LOOKS[self.version - 1][2]

    @property
    def outcome(self) -> Any:
        return SimpleNamespace(status=RunStatus.COMPLETED, error=None) if self.version == len(LOOKS) else None


class Watchers:
    """Watchers of one run."""

    def __init__(self) -> None:
        self.shutdown = SimpleNamespace(expired=False, requested=asyncio.Event().is_set())
        self.turns, self.one = Turns(), Watch()

    @contextlib.asynccontextmanager
    async def watch(self, run: Any) -> AsyncIterator[Watch]:
        del run
        yield self.one


class Handle:
    """A run that answers what it has recorded."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    async def query(self, _name: str, since: int, **_options: Any) -> list[dict[str, Any]]:
        return LOOKS[self.watch.version - 1][1][since:]


async def test_the_lines_of_an_answer_come_before_those_of_the_next() -> None:
    watchers: Any = Watchers()
    client: Any = SimpleNamespace(get_workflow_handle=lambda _: Handle(watchers.one))
    lines = [json.loads(line) async for line in follow_lines(client, watchers, RUN)]
    assert [(line["type"], line["metadata"]["nodeName"], line.get("content")) for line in lines] == [
        ("begin", "First", None), ("item", "First", "Good "), ("item", "First", "day"), ("end", "First", None),
        ("begin", "Second", None), ("item", "Second", "Well "), ("item", "Second", "then"), ("end", "Second", None),
    ]  # fmt: skip


async def test_the_step_of_an_answer_comes_before_the_words_of_the_next() -> None:
    watchers: Any = Watchers()

    async def types() -> dict[str, str]:
        return {}

    heard: list[tuple[Any, ...]] = []
    async for message in _events(RUN, watchers, types, 0):
        data = json.loads(str(message.data))
        if message.event in ("answer", "step"):
            heard.append((message.event, data["node"], data.get("text")))
    assert heard == [
        ("answer", "First", "Good "), ("step", "First", None), ("answer", "Second", "Well "), ("step", "Second", None),
    ]  # fmt: skip
