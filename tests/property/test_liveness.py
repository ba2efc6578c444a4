"""A recorded run that may still be read is never forgotten: engines that forget at every step against ones that never do."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.engine import forgetting
from runtime.engine.machine import Engine
from runtime.engine.pairing import PairingError
from runtime.engine.retry_state import first_items
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from schemas.expression import Path, Placed
from schemas.outcome import Delay, Execute, Finished, Outcome
from schemas.plan import Edge, Kind, Plan, Settings, Step
from tests.property.test_engine_state import LIMIT, node, plans


@st.composite
def reading_plans(draw: st.DrawFn) -> Plan:
    """Plans whose steps follow paired items to other steps, which may lie anywhere."""
    plan = draw(plans())
    names = [step.name for step in plan.steps]
    return plan.model_copy(update={"steps": tuple(
        step.model_copy(update={"expressions": tuple(
            Placed(at=(target,), expression=Path(root="node.item", node=target))
            for target in draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
        )})
        for step in plan.steps
    )})  # fmt: skip


def trails(plan: Plan, *, forgets: bool) -> list[Any]:
    """What each step finds at the ends of the trails that it follows."""
    engine = Engine(plan)
    engine.keeps_all = not forgets
    engine.start("N0", [{"json": {"i": i}} for i in range(3)])
    trails_by_step: list[Any] = []
    for _ in range(LIMIT):
        if forgets:
            engine.forgetting.allowed = 0
            engine = Engine(plan, state=json.loads(json.dumps(engine.state())))
        command = engine.next()
        if isinstance(command, Finished):
            break
        if not isinstance(command, Execute):
            continue
        for placed in command.step.expressions:
            step_trails = [_trail(engine, command, placed, i) for i in range(len(command.items))]
            trails_by_step.append([command.step.name, command.run_index, placed.at[0], step_trails])
        while isinstance(engine.complete(node(command)), Delay):
            command = engine.retry()
    return trails_by_step


def _trail(engine: Engine, execute: Execute, placed: Placed, i: int) -> Any:
    try:
        return engine.paired(execute, str(placed.at[0]), i)
    except PairingError as error:
        return error.message


@settings(max_examples=300, deadline=None)
@given(reading_plans())
def test_a_paired_item_is_followed_to_what_was_there(plan: Plan) -> None:
    """Whatever was forgotten on the way, before every step and over JSON."""
    assert trails(plan, forgets=True) == trails(plan, forgets=False)


def test_an_item_that_waits_is_followed_from_where_it_stands_and_not_from_where_it_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Filter's only item, once the sixth: it waits in front of the last node while a loop goes round and round."""
    monkeypatch.setattr(forgetting, "FORGET_AFTER_RUNS", 1)
    monkeypatch.setattr(forgetting, "ITEMS_PER_RUN", 1)

    def step(name: str, *targets: tuple[int, str], **more: Any) -> Step:
        edges = tuple(Edge(output=output, target=target, input=0) for output, target in targets)
        return Step(name=name, type="test", version=1, kind=Kind.INLINE, edges=edges, **more)

    follows = Placed(at=("A",), expression=Path(root="node.item", node="A"))
    steps = (
        step("A", (0, "B")), step("B", (0, "Filter")), step("Filter", (1, "Round"), (0, "Last")), step("Round", (0, "B")),
        step("Last", expressions=(follows,), position=(0, 1)),
    )  # fmt: skip
    engine = Engine(Plan(name="waits", steps=steps, settings=Settings(order="v1")))
    engine.start("A", [{"json": {"i": i}} for i in range(6)])
    while isinstance(command := engine.next(), Execute) and command.step.name != "Last":
        outputs: Any = [command.items]
        if command.step.name == "Round":  # what goes round comes from nowhere
            outputs = [[{"json": {}, "pairedItem": {"item": 99}}]]
        if command.step.name == "Filter":
            first = [{"json": {}, "pairedItem": {"item": 5}}] if command.run_index == 0 else []
            outputs = [first, command.items if command.run_index < 30 else []]
        engine.complete(Outcome(outputs=outputs))
    assert isinstance(command, Execute)
    assert engine.forgetting.totals["B"]["runs"] > 20
    item = engine.paired(command, "A", 0)
    assert item is not None
    assert item["json"] == {"i": 5}


def _looping(body: dict[str, Any], after: dict[str, Any], version: float) -> Plan:
    """Numbers -> Loop -> Body -> back; Loop's done -> After."""
    done, again = (0, 1) if version == 3 else (1, 0)
    fields = {"include": "all", "options": {}}
    nodes = [
        {"name": "Numbers", "type": "n8n-nodes-base.executeWorkflowTrigger", "typeVersion": 1, "parameters": {}},
        {"name": "Mark", "type": "n8n-nodes-base.set", "typeVersion": 3.4,
         "parameters": {"assignments": {"assignments": [_field("m", "={{ $json.n }}")]}, "includeOtherFields": True}},
        {"name": "Loop", "type": "n8n-nodes-base.splitInBatches", "typeVersion": version,
         "parameters": {"batchSize": 2, "options": {}}},
        {"name": "Body", "type": "n8n-nodes-base.set", "typeVersion": 3.4,
         "parameters": {"assignments": {"assignments": [_field(k, v) for k, v in body.items()]}, **fields}},
        {"name": "After", "type": "n8n-nodes-base.set", "typeVersion": 3.4,
         "parameters": {"assignments": {"assignments": [_field(k, v) for k, v in after.items()]}, **fields}},
    ]  # fmt: skip
    for i, each in enumerate(nodes):
        each |= {"id": str(i), "position": [200 * i, 0]}

    def to(*targets: str) -> list[dict[str, Any]]:
        return [{"node": target, "type": "main", "index": 0} for target in targets]

    outputs: list[Any] = [[], []]
    outputs[done], outputs[again] = to("After"), to("Body")
    export = {
        "name": "Loop", "nodes": nodes, "settings": {"executionOrder": "v1"},
        "connections": {
            "Numbers": {"main": [to("Mark")]}, "Mark": {"main": [to("Loop")]}, "Loop": {"main": outputs},
            "Body": {"main": [to("Loop")]},
        },
    }  # fmt: skip
    compiled = compile_export(export, file="loop.json", catalog=CATALOG)
    assert compiled.plan is not None
    return compiled.plan


def _field(name: str, value: str) -> dict[str, Any]:
    return {"id": name, "name": name, "value": value, "type": "string"}


def _result(plan: Plan, *, forgets: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Engine]:
    monkeypatch.setattr(forgetting, "FORGET_AFTER_RUNS", 4 if forgets else 10**9)
    items: Any = [{"json": {"n": i}} for i in range(60)]
    host = LocalHost(CATALOG, OfflineCapabilities())
    execution, _ = asyncio.run(run_local(plan, host, RunInfo(), items))
    return execution.result(), execution.engine


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("body", "after", "flat"),
    [
        ({"x": "={{ $json.n }}-{{ $('Loop').item.json.n }}"}, {"y": "={{ $json.x }}"}, True),
        ({"x": "={{ $('Mark').item.json.m }}"}, {"y": "={{ $('Numbers').first().json.n }}"}, True),
        ({"x": "={{ $('Loop').last().json.n + $runIndex }}"}, {"y": "={{ $('Body').last().json.x }}"}, True),
        ({"x": "={{ $json.n }}"}, {"y": "={{ $('Loop').item.json.n }}"}, True),
        ({"x": "={{ $json.n }}"}, {"y": "={{ $('Mark').item.json.m }}"}, False),
        ({"x": "={{ $json.n }}"}, {"y": "={{ $('Body').all(0, $itemIndex % 30).length }}"}, False),
        ({"x": "={{ $('Lo' + 'op').first().json.n }}"}, {"y": "={{ $json.x }}"}, False),
    ],
)
def test_a_loop_that_forgets_gives_what_one_that_does_not_gives(
    body: dict[str, Any], after: dict[str, Any], flat: bool, version: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it needs no room for rounds that are over, unless a later step reads them."""
    plan = _looping(body, after, version)
    expected, _ = _result(plan, forgets=False, monkeypatch=monkeypatch)
    actual, engine = _result(plan, forgets=True, monkeypatch=monkeypatch)
    assert actual == expected
    assert engine.run_count == 64
    assert (len(engine.order) < 40) is flat


def test_the_first_run_is_kept_for_a_retry_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the node at which the run began stands in a loop of its own."""
    monkeypatch.setattr(forgetting, "FORGET_AFTER_RUNS", 4)
    plan = Plan(
        name="round",
        steps=(
            Step(name="A", type="test", version=1, kind=Kind.INLINE, edges=(Edge(output=0, target="B", input=0),)),
            Step(name="B", type="test", version=1, kind=Kind.INLINE, edges=(Edge(output=0, target="A", input=0),)),
        ),
        settings=Settings(order="v1"),
    )
    engine = Engine(plan)
    engine.start("A", [{"json": {"first": True}}])
    for i in range(40):
        command = engine.next()
        assert isinstance(command, Execute)
        engine.complete(Outcome(outputs=[[{"json": {"first": i == 0}}]]))
    assert engine.forgetting.totals
    assert first_items(json.loads(json.dumps(engine.state())))[0]["json"] == {"first": True}
