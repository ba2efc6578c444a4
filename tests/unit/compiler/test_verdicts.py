"""A node that cannot work is never called exact, and a report counts what stands in the way of a run."""

from typing import Any

import pytest

from compiler import Grade
from compiler.report.coverage import coverage, report_entry
from runtime.catalog import CATALOG
from schemas.diagnostic import Severity
from schemas.plan import Kind
from tests.unit.compiler.making import START, Json, compiled, export, node, to

AGENT = "@n8n/n8n-nodes-langchain.agent"
HTTP = "n8n-nodes-base.httpRequest"
MAIL = {"fromEmail": "a@x.org", "toEmail": "b@x.org", "subject": "s"}
"""The parameters that Send Email requires."""


def verdict(name: str, compilation: Any) -> tuple[Grade, str]:
    (match,) = (each for each in compilation.verdicts if each.node == name)
    return match.grade, match.reason


def with_tool(type_: str, version: float) -> Json:
    """An agent with this tool."""
    parts = [
        node("Agent", AGENT, 2, parameters={"promptType": "define", "text": "x"}),
        node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", 1.2),
        node("Tool", type_, version, parameters=MAIL if "emailSend" in type_ else {}),
    ]
    connections = {
        "Start": {"main": [[to("Agent")]]},
        "Model": {"ai_languageModel": [[to("Agent", type_="ai_languageModel")]]},
        "Tool": {"ai_tool": [[to("Agent", type_="ai_tool")]]},
    }
    return export(*parts, connections=connections)


@pytest.mark.parametrize(
    ("type_", "version", "grade"),
    [
        ("n8n-nodes-base.totpTool", 1, Grade.EXACT),
        ("n8n-nodes-base.jwtTool", 1, Grade.EXACT),
        ("n8n-nodes-base.setTool", 3.4, Grade.UNSUPPORTED),
        ("n8n-nodes-base.waitTool", 1.1, Grade.UNSUPPORTED),
        ("n8n-nodes-base.executeWorkflowTool", 1.2, Grade.UNSUPPORTED),
        ("n8n-nodes-base.emailSendTool", 2.1, Grade.DIFFERS),
        ("@n8n/n8n-nodes-langchain.chainLlmTool", 1.5, Grade.UNSUPPORTED),
    ],
)
def test_a_tool_variant_exists_where_n8n_has_one(type_: str, version: float, grade: Grade) -> None:
    compilation = compiled(with_tool(type_, version))
    assert verdict("Tool", compilation)[0] is grade
    assert compilation.runnable is (grade is not Grade.UNSUPPORTED)


def test_every_tool_variant_of_a_durable_node_runs() -> None:
    durable = [each for type_ in CATALOG.types() for each in CATALOG.shapes(type_) if each.kind is Kind.DURABLE]
    usable = [each for each in durable if each.usable_as_tool]
    assert usable
    for each in usable:
        variant = CATALOG.find(each.type + "Tool", each.versions[0], {})
        assert variant is not None
        assert variant.unsupported is None


@pytest.mark.parametrize(
    ("type_", "version", "parameters", "reason"),
    [
        ("n8n-nodes-base.editImage", 1, {"operation": "shear"}, "operation 'shear'"),
        (
            HTTP,
            4.2,
            {"url": "https://x.y", "authentication": "predefinedCredentialType", "nodeCredentialType": "ghostAdminApi"},
            "nodeCredentialType 'ghostAdminApi'",
        ),
    ],
)
def test_a_choice_that_cannot_run_is_unsupported_by_name(
    type_: str, version: float, parameters: Json, reason: str
) -> None:
    compilation = compiled(export(node("Step", type_, version, parameters=parameters)))
    grade, actual_reason = verdict("Step", compilation)
    assert grade is Grade.UNSUPPORTED
    assert actual_reason.startswith(reason)
    assert not compilation.runnable
    assert compiled(export(node("Step", type_, version, parameters=parameters)), allow_unsupported=True).runnable


@pytest.mark.parametrize(
    ("type_", "version", "parameters"),
    [
        ("n8n-nodes-base.merge", 3.2, {"mode": "append"}),
        ("n8n-nodes-base.convertToFile", 1.1, {"operation": "csv"}),
        (
            HTTP,
            4.2,
            {"url": "https://x.y", "authentication": "predefinedCredentialType", "nodeCredentialType": "notionApi"},
        ),
        (
            HTTP,
            4.2,
            {
                "url": "https://x.y",
                "authentication": "predefinedCredentialType",
                "nodeCredentialType": "={{ $json.t }}",
            },
        ),
    ],
)
def test_other_choices_of_the_same_nodes_are_exact(type_: str, version: float, parameters: Json) -> None:
    compilation = compiled(export(node("Step", type_, version, parameters=parameters)))
    assert verdict("Step", compilation) == (Grade.EXACT, "")


def test_schedule_trigger_1_4_has_its_parameters_for_missed_times() -> None:
    parameters = {"misfirePolicy": "skip", "misfireGraceSeconds": 60, "rule": {"interval": [{"field": "hours"}]}}
    every_hour = node("Every hour", "n8n-nodes-base.scheduleTrigger", 1.4, parameters=parameters)
    compilation = compiled(export(every_hour, connections={}))
    assert [each.message for each in compilation.diagnostics if each.at.node == "Every hour"] == []


# --- what to build first ---

CHAT = "n8n-nodes-base.acmeChat"


def test_what_never_runs_and_what_runs_already_is_not_on_the_list_of_what_to_build() -> None:
    lonely = export(node("Tell", CHAT), connections={})
    disabled = export(node("Tell", CHAT, disabled=True))
    runs = export(node("Work"))
    result = coverage(report_entry(compiled(each)) for each in (lonely, disabled, runs))
    assert (result.runnable, result.missing()) == (3, [])


def test_exports_that_run_and_those_that_then_run_are_no_more_than_there_are() -> None:
    needed = export(node("Tell", CHAT))
    old = export(node("Work", "n8n-nodes-base.set", 9))
    shear = export(node("Shear", "n8n-nodes-base.editImage", 1, parameters={"operation": "shear"}))
    broken = export(node("Tell", CHAT), node("Ask", HTTP, 4.2))  # its URL is missing: building Slack is not enough
    result = coverage(
        report_entry(compiled(each)) for each in (needed, old, shear, broken, export(START | {"name": "Other"}))
    )
    unlocked = {what: (uses, more) for what, uses, more in result.missing()}
    assert unlocked == {
        CHAT: (2, 1),
        "n8n-nodes-base.set 9": (1, 1),
        "n8n-nodes-base.editImage (operation: shear)": (1, 1),
    }
    assert result.runnable + sum(more for _, more in unlocked.values()) <= len(result.entries)


@pytest.mark.parametrize("both", [False, True])
def test_a_node_with_issues_stops_the_triggers_that_lead_to_it_and_no_other(both: bool) -> None:
    """The export runs where one of its triggers leads to no such node; the plan refuses a run of the other."""
    parts = [
        node("Ask", HTTP, 4.2, parameters={"url": ""}),
        node("Daily", "n8n-nodes-base.scheduleTrigger", 1.2, parameters={"rule": {"interval": [{}]}}),
        node("Fine", "n8n-nodes-base.noOp", 1),
    ]
    connections = {"Start": {"main": [[to("Ask")]]}, "Daily": {"main": [[to("Ask" if both else "Fine")]]}}
    compilation = compiled(export(*parts, connections=connections))
    levels = {each.code: each.level for each in compilation.diagnostics}
    assert levels["N8T304"] is (Severity.ERROR if both else Severity.WARNING)
    assert (compilation.plan is None) is both
    if compilation.plan is not None:
        assert compilation.plan.step["Ask"].issues


def test_a_sub_node_with_an_empty_parameter_stops_no_run() -> None:
    """n8n looks at the parameters of nodes on main connections before it starts, not at those of sub-nodes."""
    document = with_tool("n8n-nodes-base.gmailTool", 2.1)
    document["nodes"][-1]["parameters"] = {"sendTo": "", "subject": "", "message": ""}
    compilation = compiled(document)
    found = [each for each in compilation.diagnostics if each.code == "N8T304"]
    assert found
    assert {each.level for each in found} == {Severity.WARNING}
    assert compilation.runnable
    assert compilation.plan is not None
    assert not compilation.plan.step["Tool"].issues


@pytest.mark.parametrize(
    ("version", "other", "level"),
    [(2, False, Severity.ERROR), (2, True, Severity.WARNING), (1.1, False, Severity.WARNING)],
)
def test_a_webhook_that_nothing_answers_refuses_its_own_calls_alone(
    version: float, other: bool, level: Severity
) -> None:
    """From version 2 on n8n answers such a call with an error; runs of another trigger start."""
    hook = node(
        "Hook",
        "n8n-nodes-base.webhook",
        version,
        webhookId="w",
        parameters={"path": "p", "responseMode": "responseNode"},
    )
    document = export(
        hook, node("Fine"), connections={"Hook": {"main": [[to("Fine")]]}, "Start": {"main": [[to("Fine")]]}}
    )
    if not other:
        document["nodes"] = document["nodes"][1:]
        del document["connections"]["Start"]
    levels = {each.code: each.level for each in compiled(document).diagnostics}
    assert levels["N8T316"] is level


def test_a_wait_for_a_call_that_nothing_answers_is_no_error() -> None:
    """The run has started when it comes to wait."""
    wait = node("Wait", "n8n-nodes-base.wait", 1.1, parameters={"resume": "webhook", "responseMode": "responseNode"})
    levels = {each.code: each.level for each in compiled(export(wait, node("Fine"))).diagnostics}
    assert levels["N8T316"] is Severity.WARNING


@pytest.mark.parametrize(
    ("type_", "version", "parameters"),
    [
        ("n8n-nodes-base.spotify", 1, {"resource": "player", "operation": "getDevices"}),
        ("n8n-nodes-base.telegram", 1.2, {"resource": "message", "operation": "sendLetter"}),
    ],
)
def test_an_operation_that_n8n_does_not_have_refuses_no_run(type_: str, version: float, parameters: Json) -> None:
    """n8n starts the workflow: there is nothing in its node that looks for such an operation before it runs."""
    compilation = compiled(export(node("N", type_, version, parameters=parameters)))
    assert {each.code: each.level for each in compilation.diagnostics}["N8T307"] is Severity.WARNING
    assert compilation.runnable


def test_an_operation_that_n8n_has_and_we_lack_refuses_a_run() -> None:
    excel = {"resource": "worksheet", "operation": "upsert"}
    assert not compiled(export(node("N", "n8n-nodes-base.microsoftExcel", 2.1, parameters=excel))).runnable
