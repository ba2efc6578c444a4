"""What ends up in a plan, by the rules of n8n."""

from typing import Any

import pytest

from schemas.plan import Edge, Kind, OnError
from tests.unit.compiler.making import START, compiled, export, node, plan, step, to


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, None),
        ({"retryOnFail": True}, (3, 1000)),
        ({"retryOnFail": True, "maxTries": 0, "waitBetweenTries": 0}, (3, 1000)),
        ({"retryOnFail": True, "maxTries": 1, "waitBetweenTries": -5}, (2, 0)),
        ({"retryOnFail": True, "maxTries": 50, "waitBetweenTries": 60000}, (5, 5000)),
        ({"maxTries": 4}, None),
    ],
)
def test_retries_are_clamped_as_n8n_does(flags: dict[str, Any], expected: tuple[int, int] | None) -> None:
    retry = step(export(node("A", **flags)), "A").retry
    assert (None if retry is None else (retry.tries, retry.wait_ms)) == expected


@pytest.mark.parametrize(
    ("flags", "expected", "outputs"),
    [
        ({}, OnError.STOP, 1),
        ({"continueOnFail": True}, OnError.REGULAR, 1),
        ({"continueOnFail": True, "onError": "stopWorkflow"}, OnError.INPUT, 1),
        ({"onError": "continueErrorOutput"}, OnError.OUTPUT, 2),
        ({"onError": "something"}, OnError.STOP, 1),
    ],
)
def test_on_error_wins_over_its_legacy_and_adds_an_output(
    flags: dict[str, Any], expected: OnError, outputs: int
) -> None:
    compiled_step = step(export(node("A", **flags)), "A", lenient=True)
    assert (compiled_step.on_error, compiled_step.outputs) == (expected, outputs)


def test_edges_keep_the_order_of_the_export() -> None:
    wires = {"Start": {"main": [[to("C"), to("A", 1)], None, [to("B")]]}}
    compiled_step = step(export(node("A"), node("B"), node("C"), connections=wires), "Start", lenient=True)
    assert compiled_step.edges == (
        Edge(output=0, target="C", input=0),
        Edge(output=0, target="A", input=1),
        Edge(output=2, target="B", input=0),
    )


def test_inputs_count_up_to_the_highest_that_is_connected() -> None:
    compiled_plan = plan(export(node("A"), connections={"Start": {"main": [[to("A", 2)]]}}), lenient=True)
    assert (compiled_plan.step["A"].inputs, compiled_plan.step["Start"].inputs) == (3, 0)


def test_targets_without_type_and_index_are_main_and_0() -> None:
    compiled_plan = plan(export(node("A"), connections={"Start": {"main": [[{"node": "A"}, None]]}}))
    assert compiled_plan.step["Start"].edges == (Edge(output=0, target="A", input=0),)


def test_sticky_notes_are_dropped_and_disabled_nodes_are_kept() -> None:
    compiled_plan = plan(export(node("A", disabled=True), node("Note", "n8n-nodes-base.stickyNote")), lenient=True)
    assert [each.name for each in compiled_plan.steps] == ["Start", "A"]
    assert compiled_plan.step["A"].disabled


def test_disabled_sub_nodes_are_not_connected() -> None:
    model = "@n8n/n8n-nodes-langchain.lmChatOpenAi"
    agent = node("Agent", "@n8n/n8n-nodes-langchain.agent", 2)
    wires = {
        "Start": {"main": [[to("Agent")]]},
        "M1": {"ai_languageModel": [[to("Agent", 0, "ai_languageModel")]]},
        "M2": {"ai_languageModel": [[to("Agent", 0, "ai_languageModel")]]},
    }
    document = export(agent, node("M1", model, 1.2, disabled=True), node("M2", model, 1.2), connections=wires)
    assert step(document, "Agent", lenient=True).subnodes == {"ai_languageModel": ("M2",)}


def test_an_unknown_type_is_unsupported_and_says_so() -> None:
    document = export(node("Odd", "community.thing", 3))
    assert compiled(document).plan is None
    compiled_step = step(document, "Odd", allow_unsupported=True)
    assert compiled_step.kind is Kind.UNSUPPORTED
    assert compiled_step.problem == "the node type community.thing is not supported"


def test_what_never_runs_does_not_stop_an_export() -> None:
    document = export(node("A"), node("Odd", "community.thing"), connections={"Start": {"main": [[to("A")]]}})
    compilation = compiled(document)
    assert compilation.runnable
    assert compilation.plan is not None
    assert {(each.code, each.level) for each in compilation.diagnostics} >= {
        ("N8T301", "warning"),
        ("N8T206", "warning"),
    }


@pytest.mark.parametrize(
    ("settings", "order", "timezone", "timeout"),
    [
        ({}, "v0", "America/New_York", None),
        ({"executionOrder": "v1", "timezone": "DEFAULT", "executionTimeout": -1}, "v1", "America/New_York", None),
        ({"executionOrder": "v2", "timezone": "Asia/Tokyo", "executionTimeout": 60}, "v0", "Asia/Tokyo", 60.0),
    ],
)
def test_settings_that_a_run_obeys(settings: Any, order: str, timezone: str, timeout: float | None) -> None:
    compiled_settings = plan(export(settings=settings)).settings
    assert (compiled_settings.order, compiled_settings.timezone, compiled_settings.timeout_s) == (
        order,
        timezone,
        timeout,
    )


def test_pinned_data_has_items_whatever_it_looked_like() -> None:
    pins = {"Start": [{"json": {"a": 1}, "pairedItem": 0}, {"b": 2}, {"json": "text"}], "Gone": [{"c": 3}]}
    pin_data = plan(export(pinData=pins)).pin_data
    assert pin_data == {"Start": [{"json": {"a": 1}, "pairedItem": 0}, {"json": {"b": 2}}, {"json": {"json": "text"}}]}


def test_static_data_may_be_text() -> None:
    assert plan(export(staticData='{"global": {"n": 1}}')).static_data == {"global": {"n": 1}}


def test_credentials_are_names_of_old_and_references_today() -> None:
    document = export(node("A", credentials={"oldApi": "my key", "newApi": {"id": "7", "name": "other"}}))
    credentials = step(document, "A").credentials
    assert {key: (each.id, each.name) for key, each in credentials.items()} == {
        "oldApi": (None, "my key"),
        "newApi": ("7", "other"),
    }


def test_a_specialist_is_named_in_the_notes() -> None:
    assert step(export(node("A", notes="Writes copy.\nagent: copy-writer")), "A").agent == "copy-writer"


def test_defaults_are_filled_and_hidden_parameters_dropped() -> None:
    parameters = step(
        export(node("Edit", "n8n-nodes-base.set", 3.4, parameters={"jsonOutput": "{}"})), "Edit"
    ).parameters
    assert parameters["mode"] == "manual"
    assert parameters["includeOtherFields"] is False
    assert "jsonOutput" not in parameters


def test_what_a_step_reads_is_known() -> None:
    fields = {
        "assignments": {
            "assignments": [{"id": "1", "name": "a", "value": "={{ $('Start').item.json.x }}", "type": "string"}]
        }
    }
    edit = node("Edit", "n8n-nodes-base.set", 3.4, parameters=fields)
    assert step(export(edit), "Edit").reads == ("Start",)
    fields["assignments"]["assignments"][0]["value"] = "={{ $($json.name).first() }}"
    assert step(export(edit), "Edit", lenient=True).reads is None


def test_a_plan_says_nothing_of_where_it_came_from() -> None:
    assert "test.json" not in plan(export(START | {"name": "Other"}, connections={})).canonical()


CONDITION = {"leftValue": "a", "rightValue": "b", "operator": {"type": "string", "operation": "equals"}}
FULL = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 1}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {}),
        ({"conditions": {}}, {"combinator": "and", "options": FULL}),
        ({"conditions": {"options": None, "combinator": "or"}}, {"combinator": "or", "options": FULL}),
        ({"conditions": {"options": {"version": 2}}}, {"combinator": "and", "options": FULL | {"version": 2}}),
        ({"conditions": "={{ 1 }}"}, "={{ 1 }}"),
    ],
)
def test_a_filter_that_is_given_gets_what_it_leaves_out(parameters: Any, expected: Any) -> None:
    check = node("Is it?", "n8n-nodes-base.if", 2.2, parameters=parameters)
    assert step(export(check), "Is it?", lenient=True).parameters["conditions"] == expected


def test_the_filters_of_rules_are_filled_where_they_stand() -> None:
    rules = {"values": [{}, {"conditions": {"conditions": [CONDITION]}, "renameOutput": True}]}
    compiled_step = step(
        export(node("Which?", "n8n-nodes-base.switch", 3.2, parameters={"rules": rules})), "Which?", lenient=True
    )
    first, second = compiled_step.parameters["rules"]["values"]
    assert first == {"conditions": {}, "renameOutput": False}
    assert second["renameOutput"] is True
    assert second["conditions"] == {"conditions": [CONDITION], "combinator": "and", "options": FULL}
