"""Input and output of a tool of an agent, as its page shows them."""

from typing import Any

import pytest

from api.console.run_pages import temporal_address
from api.console.tool_calls import MOST_CHARACTERS, tool_payloads
from runtime.platform.settings import Settings
from service.activity_payloads import ActivityPayloads


def shown(task: dict[str, Any] | None, result: dict[str, Any] | None) -> tuple[str | None, str | None]:
    """Texts of input and output."""
    call = tool_payloads(ActivityPayloads(task, result, ended=True))
    return call.input.text if call.input else None, call.output.text if call.output else None


def test_what_the_model_asked_and_what_the_tool_answered_are_shown() -> None:
    assert shown({"arguments": {"city": "Rome"}}, {"value": "sunny"}) == ('{\n  "city": "Rome"\n}', "sunny")


def test_without_arguments_the_payload_is_shown_and_without_a_value_the_items() -> None:
    asked, answered = shown({"payload": "who"}, {"value": None, "outputs": [[{"json": {"a": 1}}]]})
    assert asked == "who"
    assert '"a": 1' in str(answered)


def test_an_error_is_the_answer_of_a_tool_that_failed() -> None:
    call = tool_payloads(ActivityPayloads({}, {"value": None, "error": {"message": "no such city"}}, ended=True))
    assert call.failed
    assert "no such city" in str(call.output)


@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2-hunter2"},
        {"deep": [{"apiKey": "aaaabbbbccccdddd"}]},
        "Authorization: Bearer abcdefghijklmnopqrstuvwxyz012345",
        {"url": "https://user:s3cretpassw0rd@example.com/"},
    ],
)
def test_what_looks_like_a_secret_is_masked_on_both_sides(value: Any) -> None:
    for text in shown({"arguments": {"sent": value}}, {"value": value}):
        assert "••••••" in str(text)
        for secret in ("hunter2", "aaaabbbb", "abcdefghijklmnop", "s3cretpassw0rd"):
            assert secret not in str(text)


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    call = tool_payloads(ActivityPayloads({"arguments": "x" * 15_000}, None, ended=False))
    assert call.input is not None
    assert (len(call.input.text), call.input.left_out) == (MOST_CHARACTERS, 5_000)
    assert (call.output, call.ended) == (None, False)


def test_the_address_of_a_run_in_temporals_ui_is_quoted_and_optional() -> None:
    settings = Settings.load({"TEMPORAL_UI_URL": "https://ui.example/temporal/", "TEMPORAL_NAMESPACE": "prod"})
    address = temporal_address(settings, "acme:a/b?:1", "r1")
    assert address == "https://ui.example/temporal/namespaces/prod/workflows/acme%3Aa%2Fb%3F%3A1/r1/history"
    assert temporal_address(Settings.load({}), "acme:a:1", "r1") is None
