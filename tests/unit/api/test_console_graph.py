"""The graph of a plan as shapes, and how its nodes stand by the steps of a run."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from api.console.graph import MIN_PORT_GAP, graph_of
from api.console.node_states import NodeStates
from api.console.pages import render, run_url, show_duration
from api.models import ActiveStep, StepAnswer
from compiler.passes.normalize import MAX_NODES
from runtime.catalog import CATALOG
from schemas.plan import Edge, Kind, OnError, Plan, Step
from service.sticky_notes import sticky_notes_of

BEGAN = datetime(2026, 1, 15, tzinfo=UTC)


def step(name: str, type_: str = "set", at: tuple[float, float] = (0, 0), **rest: Any) -> Step:
    return Step(name=name, type=f"n8n-nodes-base.{type_}", version=1, kind=Kind.INLINE, position=at, **rest)


def plan(*steps: Step) -> Plan:
    return Plan(name="P", steps=steps)


def ran(node: str, status: str = "success", *out: int, sequence: int = 0) -> StepAnswer:
    return StepAnswer(
        sequence=sequence, node=node, type=None, run=0, status=status, started_at=BEGAN, finished_at=BEGAN, duration_ms=0, tries=1,
        items_in=[1], items_out=list(out), error=None,
    )  # fmt: skip


def test_nodes_stand_where_the_export_has_them_and_everything_fits() -> None:
    graph = graph_of(plan(step("A", at=(-200, 100)), step("B", at=(300, -40))))
    a, b = graph.nodes
    assert (b.x - a.x, b.y - a.y) == (500, -140)
    for each in graph.nodes:
        assert 0 <= each.x <= graph.width - each.width
        assert 0 <= each.y <= graph.height - each.height


def test_sticky_notes_lie_behind_the_nodes_with_as_much_text_as_they_have_room_for() -> None:
    def note(*place: Any, **parameters: Any) -> dict[str, Any]:
        return {
            "name": "Sticky Note",
            "type": "n8n-nodes-base.stickyNote",
            "position": list(place),
            "parameters": parameters,
        }

    long = "## Every order of the shop is looked at here before it is sent"
    export = {"nodes": [
        note(-100, -80, content=long + "\n<b>Text</b>", width=300, height=200), note(0, 10**9, content="too far away"),
        note(0, 0), note("x", 0, content="nowhere"), note(10**400, 0, content="far"),
        note(float("nan"), 0, content="nowhere"), note(0, 0, content="  "), note(0, 0, content="a step") | {"type": "n8n-nodes-base.set"}, 7,
    ]}  # fmt: skip
    graph = graph_of(plan(step("A", at=(0, 0))), sticky_notes_of(export, CATALOG))
    (drawn,) = graph.notes
    assert (graph.nodes[0].x - drawn.x, graph.nodes[0].y - drawn.y) == (100, 80)
    assert (drawn.width, drawn.height) == (300, 200)
    assert drawn.title == "Every order of the shop is looked at he…"
    assert drawn.lines == ("<b>Text</b>",)
    assert drawn.x + drawn.width <= graph.width
    assert drawn.y + drawn.height <= graph.height
    small = graph_of(
        plan(step("A")), sticky_notes_of({"nodes": [note(0, 0, content="One\n" + "two " * 200, height=80)]}, CATALOG)
    ).notes[0]
    assert (len(small.lines), small.lines[-1][-1], len(small.text)) == (2, "…", 803)
    flat = graph_of(
        plan(step("A")), sticky_notes_of({"nodes": [note(0, 0, content="One\ntwo", height=1, width=1)]}, CATALOG)
    ).notes[0]
    assert (flat.title, flat.lines) == ("O…", ())
    assert sticky_notes_of({"nodes": None}, CATALOG) == sticky_notes_of({}, CATALOG) == ()


def test_nodes_that_an_export_has_at_one_place_do_not_cover_each_other() -> None:
    """As in an export that a program has written, without positions."""
    agent = step("Agent", "agent", subnodes={"ai_languageModel": ("Model",), "ai_tool": ("Tool",)})
    graph = graph_of(plan(step("Start"), agent, step("Model"), step("Tool"), step("End", at=(240, 0))))
    places = {each.name: (each.x, each.y) for each in graph.nodes}
    assert len(set(places.values())) == len(graph.nodes)
    assert places["Model"][1] == places["Tool"][1] > places["Agent"][1]
    assert places["Start"][1] == places["Agent"][1] == places["End"][1]


def test_as_many_nodes_as_an_export_may_have_at_one_place_are_drawn_at_once() -> None:
    """Also where a node is so far away that a step beside it is the same place."""
    for far in (0.0, 1e300):
        graph = graph_of(plan(*(step(f"N{n}", at=(far, 0)) for n in range(MAX_NODES))))
        assert len({node.x for node in graph.nodes}) == (1 if far else MAX_NODES)


def test_an_empty_plan_and_a_connection_to_nothing_are_drawn() -> None:
    assert graph_of(plan()).nodes == ()
    dangling = graph_of(plan(step("A", edges=(Edge(output=0, target="Gone", input=0),))))
    assert dangling.edges == ()


def test_outputs_of_a_switch_have_their_names_and_room() -> None:
    rules = {"rules": {"values": [{"outputKey": "paid"}, {"outputKey": "open"}, {}]}}
    edges = tuple(Edge(output=each, target="End", input=0) for each in range(4))
    switch = step("S", "switch", outputs=4, edges=edges, parameters=rules, on_error=OnError.OUTPUT)
    graph = graph_of(plan(switch, step("End", at=(400, 0))))
    assert [each.label for each in graph.edges] == ["paid", "open", "2", "error"]
    extra = switch.model_copy(update={"on_error": OnError.STOP})
    assert graph_of(plan(extra, step("End", at=(400, 0)))).edges[3].label == "fallback"
    heights = [each.label_y for each in graph.edges]
    assert all(lower - upper >= MIN_PORT_GAP for upper, lower in pairwise(heights))


@pytest.mark.parametrize(
    ("type_", "labels"), [("if", ["true", "false"]), ("splitInBatches", ["done", "loop"]), ("merge", ["0", "1"])]
)
def test_outputs_are_called_as_in_n8n(type_: str, labels: list[str]) -> None:
    edges = tuple(Edge(output=each, target="End", input=0) for each in (0, 1))
    graph = graph_of(plan(step("N", type_, outputs=2, edges=edges), step("End")))
    assert [each.label for each in graph.edges] == labels


def test_sub_nodes_are_circles_below_their_agent() -> None:
    agent = step("Agent", "agent", subnodes={"ai_languageModel": ("Model",), "ai_tool": ("One", "Two")})
    graph = graph_of(plan(agent, *(step(each, at=(0, 200)) for each in ("Model", "One", "Two"))))
    assert [each.is_sub for each in graph.nodes] == [False, True, True, True]
    assert [(each.label, each.target, each.is_ai) for each in graph.edges] == [
        ("languageModel", "Model", True), ("tool", "One", True), ("tool", "Two", True),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "x", "A name of several words that goes on", "W" * 100])
def test_a_label_has_two_lines_of_eighteen_characters(name: str) -> None:
    lines = graph_of(plan(step(name))).nodes[0].label
    assert len(lines) <= 2
    assert all(len(line) <= 18 for line in lines)


def test_states_are_counted_from_steps_and_follow_what_is_active() -> None:
    states = NodeStates([ran("A", "success", 2, 0), ran("A", "success", 1, 0), ran("B", "error")])
    assert (states.of("A").runs, states.of("A").items, states.of("A").went(0), states.of("A").went(1)) == (
        2,
        [3, 0],
        True,
        False,
    )
    assert (states.of("B").status, states.of("C").status) == ("error", "idle")
    assert states.set_active(ActiveStep(node="C", waiting=True)) == ["C"]
    assert states.of("C").status == "waiting"
    states.add(ran("C", "success", 1))
    assert set(states.set_active(ActiveStep(node="D"))) == {"C", "D"}
    assert (states.of("C").status, states.of("D").status) == ("success", "running")
    assert states.set_active(None) == ["D"]
    assert states.of("D").status == "idle"


def test_names_of_nodes_are_no_markup() -> None:
    graph = graph_of(plan(step("<script>alert(1)</script>")))
    values = {
        "nodes": graph.nodes,
        "edges": (),
        "states": NodeStates(),
        "step": None,
        "workflow_id": "t:k:1",
        "active": False,
    }
    assert "<script>" not in render("run_changes", **values)


def test_addresses_of_runs_are_quoted() -> None:
    assert run_url("t:k e/y:1") == "/console/runs/t:k%20e%2Fy:1"
    assert run_url("t:k:1", "node", name="A & B", run=0) == "/console/runs/t:k:1/node?name=A+%26+B&run=0"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (999, "999 ms"),
        (1500, "1.5 s"),
        (59_940, "59.9 s"),
        (65_000, "1 min 5 s"),
        (7_800_000, "2 h 10 min"),
    ],
)
def test_durations_have_two_units(milliseconds: float | None, text: str) -> None:
    assert show_duration(milliseconds) == text
