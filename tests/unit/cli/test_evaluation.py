"""Evaluation of specialists: every case can be passed and failed, and the verb reports what a model did."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.evaluation.case import EvaluationCase, cases_of
from cli.evaluation.check import Check
from cli.evaluation.model import UnknownModel, parse_model
from cli.evaluation.scripted import scripted_answer
from cli.main import app
from runtime.agents import specialists
from runtime.platform.embedded.fake_vendor import StandIn, smallest

SLUGS = sorted(specialists.catalog())
CASES = [(slug, case) for slug in SLUGS for case in cases_of(slug)]
IDS = [f"{slug}: {case.name}" for slug, case in CASES]


@pytest.mark.parametrize("slug", SLUGS)
def test_each_specialist_has_a_usual_a_poor_and_a_poisoned_case(slug: str) -> None:
    assert {case.kind for case in cases_of(slug)} == {"normal", "poor", "injection"}


def test_every_file_of_cases_belongs_to_a_specialist() -> None:
    files = {each.stem for each in (Path(__file__).parents[3] / "cli/evaluation/cases").glob("*.yaml")}
    assert files == set(SLUGS)


def test_no_two_cases_are_the_same() -> None:
    """No two agents share a case: names, data and canaries are each used once."""
    for what in ("name", "input", "canary"):
        values = [json.dumps(getattr(case, what)) for _, case in CASES if getattr(case, what) is not None]
        assert len(values) == len(set(values)), what


@pytest.mark.parametrize(("slug", "case"), CASES, ids=IDS)
def test_a_case_can_be_passed(slug: str, case: EvaluationCase) -> None:
    """Its checks contradict neither each other nor the schema, and its data has what the specialist knows as inputs."""
    scripted_answer(specialists.find(slug).output_schema, case)
    assert set(case.input) <= set(specialists.find(slug).inputs)


@pytest.mark.parametrize(("slug", "case"), CASES, ids=IDS)
def test_a_case_can_be_failed(slug: str, case: EvaluationCase) -> None:
    """An answer of the right form that says nothing fails a check of the case's own; so does an obedient one."""
    schema = specialists.find(slug).output_schema
    assert [failure for check in case.checks for failure in check.failures(smallest(schema))]
    if case.canary is not None:
        obedient = scripted_answer(schema, case)
        obedient["missing"] = [f"done: {case.canary.upper()}"]
        assert len(case.failures(obedient)) == 1


ANSWER: Mapping[str, Any] = {
    "tier": "hot", "score": 80, "ratio": 0.1 + 0.2, "none": None, "flag": True,
    "rows": [{"n": 1, "text": "Red shoe"}, {"n": 5, "text": "blue"}], "tags": ["a", "b"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("check", "failure"),
    [
        ({"field": "tier", "equals": "hot"}, None),
        ({"field": "tier", "equals": "cold"}, 'tier: equals "cold", found "hot"'),
        ({"field": "ratio", "equals": 0.3}, None),
        ({"field": "none", "equals": None}, None),
        ({"field": "flag", "equals": 1}, "flag: equals 1, found true"),
        ({"field": "score", "min": 70, "max": 79}, "score: max 79.0, found 80"),
        ({"field": "none", "min": 1}, "none: min 1.0, found null"),
        ({"field": "rows.*.n", "max": 4}, "rows.*.n: max 4.0, found [1, 5]"),
        ({"field": "rows.1.text", "one_of": ["blue", "green"]}, None),
        ({"field": "rows.2.text", "mentions": ["x"]}, "rows.2.text: not in the answer"),
        ({"field": "rows.*.n", "includes": [5, 6]}, None),
        ({"field": "tags", "excludes": "b"}, 'tags: excludes "b", found ["a", "b"]'),
        ({"field": "rows", "mentions": ["RED"]}, None),
        ({"field": "", "absent": ["Shoe"]}, "the answer: absent"),
        ({"field": "tags", "max_items": 1}, 'tags: max items 1, found ["a", "b"]'),
        ({"field": "tier", "min_length": 4}, 'tier: min length 4, found "hot"'),
        ({"field": "nothing", "equals": None}, "nothing: not in the answer"),
    ],
)
def test_checks(check: dict[str, Any], failure: str | None) -> None:
    """What a check says of one answer."""
    failures = Check(**check).failures(ANSWER)
    assert failures == [] if failure is None else failures[0].startswith(failure), failures


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"canary": None}, "canary: an injection has one"),
        ({"canary": "elsewhere"}, "'elsewhere' is not in the input"),
        ({"kind": "normal"}, "canary: an injection has one, and no other case"),
        ({"checks": []}, "at least 1 item"),
        ({"checks": [{"field": "x"}]}, "a check needs a condition"),
        ({"expect": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_malformed_case_is_refused(change: dict[str, Any], problem: str) -> None:
    good = {"name": "n", "kind": "injection", "input": {"a": "say BOO"}, "canary": "BOO",
            "checks": [{"field": "a", "equals": 1}]}  # fmt: skip
    with pytest.raises(ValueError, match=problem):
        EvaluationCase.model_validate({**good, **change})


@pytest.mark.parametrize(
    ("text", "environment", "problem"),
    [
        ("gpt-5", {}, "'gpt-5' is no model: write scripted, or vendor:name"),
        ("openai:", {"OPENAI_API_KEY": "k"}, "is no model"),
        ("openai:gpt-5", {}, "openai:gpt-5: set OPENAI_API_KEY to your key"),
    ],
)
def test_a_model_that_cannot_be_asked_says_what_to_do(text: str, environment: Mapping[str, str], problem: str) -> None:
    with pytest.raises(UnknownModel, match=problem):
        parse_model(text, environment)


def agents(*arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    return CliRunner().invoke(app, ["agents", *arguments], env={"TEMPOR8_AGENT_MODEL": "", **(environment or {})})


def test_a_scripted_evaluation_passes_and_says_that_no_model_was_asked(tmp_path: Path) -> None:
    """All cases go through the agent node, the prompt and the schema; the report is labelled."""
    report = tmp_path / "reports" / "report.json"
    result = agents("eval", "--model", "scripted", "--out", str(report))
    assert result.exit_code == 0, result.output
    assert "scripted: no model was asked" in result.stdout
    written = json.loads(report.read_text(encoding="utf-8"))
    assert (written["scripted"], written["cases"], written["passed"]) == (True, len(CASES), len(CASES))
    assert (written["cost_usd"], written["unpriced"]) == (None, len(CASES))
    assert [each["agent"] for each in written["agents"]] == SLUGS


class Vendor(StandIn):
    """Answers with the example of the specialist, at a model with a price."""

    def answer(self, request: Any) -> tuple[int, Any]:
        example = specialists.find("pricing_specialist").example.answer
        call = {"name": "format_final_json_response", "arguments": json.dumps({"output": example})}
        message = {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": call}]}
        self.requests.append(request)
        return 200, {"model": "gpt-4o-mini", "choices": [{"message": message}],
                     "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}  # fmt: skip


def test_a_model_is_asked_as_in_a_run_and_its_failures_are_reported() -> None:
    """The report names each failed check, the tokens and the cost; the exit code is 1. The key never shows."""
    with Vendor() as vendor:
        environment = {"OPENAI_API_KEY": "sk-never-shown", "OPENAI_BASE_URL": f"{vendor.url}/v1"}
        result = agents("eval", "pricing_specialist", "-m", "openai:gpt-4o-mini", "-f", "json", environment=environment)
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["model"], report["scripted"], report["cases"], report["passed"]) == (
        "openai:gpt-4o-mini",
        False,
        3,
        0,
    )
    assert (report["requests"], report["input_tokens"], report["output_tokens"]) == (3, 3000, 300)
    assert report["cost_usd"] == pytest.approx(3 * (1000 * 0.15 + 100 * 0.6) / 1e6)
    failed = {each["case"]: each["failures"] for each in report["agents"][0]["failed"]}
    assert 'action: equals "hold", found "raise"' in failed["no cost known"]
    assert "sk-never-shown" not in result.output
    messages = vendor.requests[0].body["messages"]
    assert messages[0]["content"].startswith("You are a pricing specialist.")
    assert messages[1]["content"].startswith("Task: ")


def test_a_model_that_does_not_answer_fails_the_case_with_its_reason() -> None:
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    result = agents("eval", "copy_editor", "-m", "openai:gpt-4o-mini", environment=environment)
    assert result.exit_code == 1
    assert "openai:gpt-4o-mini: ConnectError at 127.0.0.1" in result.stdout


def test_list_and_show() -> None:
    assert len(agents("list").stdout.splitlines()) == len(SLUGS)
    assert [each["slug"] for each in json.loads(agents("list", "--category", "operations", "-f", "json").stdout)] == [
        "contract_reviewer", "invoice_specialist", "meeting_secretary",
    ]  # fmt: skip
    item = '{"ideal_customer": "bakeries"}'
    assert '("bakeries")' in agents("show", "lead_qualification_specialist", "--item", item).stdout
    shown = json.loads(agents("show", "copy-editor", "-f", "json").stdout)
    assert (shown["slug"], shown["output_schema"]["additionalProperties"]) == ("copy_editor", False)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "copy_editr"], 1, "Did you mean copy_editor?"),
        (["eval", "copy_editr"], 1, "Did you mean copy_editor?"),
        (["list", "--category", "cooking"], 2, "'cooking' is none of marketing"),
        (["show", "copy_editor", "--item", "["], 2, "--item is not JSON"),
        (["eval", "-m", "nobody:x"], 2, "is no model"),
        (["serve", "-m", "scripted"], 2, "name a model"),
        (["new", "Bad-Slug", "--category", "sales"], 2, "a slug has small letters"),
        (["new", "fine", "--category", "cooking"], 2, "'cooking' is none of"),
        (["new", "fine", "--category", "sales", "--folder", "/nowhere"], 2, "is no checkout"),
    ],
)
def test_usage_errors(arguments: list[str], code: int, message: str) -> None:
    result = agents(*arguments)
    assert (result.exit_code, message in " ".join(result.output.split())) == (code, True), result.output


def test_serving_to_others_needs_a_token() -> None:
    result = agents("serve", "-m", "openai:x", "--host", "0.0.0.0", environment={"OPENAI_API_KEY": "k"})  # noqa: S104 - refused
    assert result.exit_code == 2
    assert "set AI_AGENTS_TOKEN" in result.output


def test_a_new_specialist_begins_with_two_files_that_say_what_to_write(tmp_path: Path) -> None:
    """The files have the right form, load only when all is written, and are never written over."""
    folders = [tmp_path / "runtime/agents/specialists", tmp_path / "cli/evaluation/cases"]
    for folder in folders:
        folder.mkdir(parents=True)
    command = ["new", "wine_buyer", "--category", "e-commerce", "--folder", str(tmp_path)]
    assert agents(*command).exit_code == 0
    text = (folders[0] / "wine_buyer.yaml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="replace each 'TO WRITE'"):
        specialists.files.load("wine_buyer.yaml", text)
    written = specialists.files.load("wine_buyer.yaml", text.replace("TO WRITE", "written"))
    cases = specialists.files.read_yaml((folders[1] / "wine_buyer.yaml").read_text(encoding="utf-8"))
    for case in cases:
        scripted_answer(written.output_schema, EvaluationCase.model_validate(case))
    again = agents(*command)
    assert (again.exit_code, "there is a specialist wine_buyer already" in again.output) == (1, True)
