"""Parameters of triggers that listen for requests: what is known before a run has its value in the plan."""

from typing import Any

import pytest

from tests.unit.compiler.making import codes, compiled, export, node, plan

KNOWN: list[tuple[str, Any]] = [
    ("=gas-station", "gas-station"),
    ('={{ "a" + "b" }}', "ab"),
    ("={{ $workflow.id }}", "w1"),
    ("=x/{{ $workflow.name }}", "x/test"),
    ("={{ `t${1 + 2}` }}", "t3"),
    ('={{ "n" + 2 * 3 }}', "n6"),
]


def webhook(**parameters: Any) -> dict[str, Any]:
    return export(node("Hook", "n8n-nodes-base.webhook", 2, parameters=parameters), connections={}, id="w1")


@pytest.mark.parametrize(("written", "value"), KNOWN)
def test_the_path_of_a_webhook_may_be_an_expression_without_data(written: str, value: str) -> None:
    """n8n listens at its value."""
    made = plan(webhook(path=written))
    assert [each.path for each in made.routes] == [value]
    assert "N8T321" not in codes(compiled(webhook(path=written)))


def test_method_mode_and_options_have_their_values() -> None:
    options = {
        "ipWhitelist": '={{ "127.0.0.1" }}',
        "ignoreBots": "={{ true }}",
        "responseHeaders": {"entries": [{"name": '={{ "X-B" }}', "value": "=v{{ 1+1 }}"}]},
    }
    made = plan(
        webhook(
            path="p",
            httpMethod='={{ "POST" }}',
            responseMode='={{ "lastNode" }}',
            authentication='={{ "none" }}',
            options=options,
        )
    )
    [route] = made.routes
    assert (route.method, route.response_mode) == ("POST", "lastNode")
    parameters = made.step["Hook"].parameters
    assert parameters["authentication"] == "none"
    assert parameters["options"] == {
        "ipWhitelist": "127.0.0.1",
        "ignoreBots": True,
        "responseHeaders": {"entries": [{"name": "X-B", "value": "v2"}]},
    }


@pytest.mark.parametrize("written", ["={{ $vars.shop }}", "={{ $now }}", "={{ 0.1 + 0.2 }}", "={{ $workflow.active }}"])
def test_a_path_that_is_not_known_before_a_run_is_an_error(written: str) -> None:
    compilation = compiled(webhook(path=written))
    assert compilation.plan is None
    assert "N8T321" in codes(compilation)


def test_an_option_over_data_is_a_warning() -> None:
    """In n8n, each call fails."""
    compilation = compiled(webhook(path="p", options={"responseData": "={{ $json.body.n }}"}))
    assert compilation.plan is not None
    [finding] = [each for each in compilation.diagnostics if each.code == "N8T321"]
    assert finding.level == "warning"
    assert finding.at.pointer == "/nodes/1/parameters/options/responseData"


def test_the_status_code_of_the_options_stays_as_written() -> None:
    """n8n evaluates it neither."""
    code = {"values": {"responseCode": "customCode", "customCode": "={{ 200 + 6 }}"}}
    made = plan(webhook(path="p", options={"responseCode": code}))
    assert made.step["Hook"].parameters["options"]["responseCode"] == code


def test_the_text_of_a_form_has_its_value() -> None:
    form = node(
        "Form", "n8n-nodes-base.formTrigger", 2.2, parameters={"formTitle": "T", "formDescription": "=d {{ 1+1 }}"}
    )
    assert plan(export(form, connections={})).step["Form"].parameters["formDescription"] == "d 2"
