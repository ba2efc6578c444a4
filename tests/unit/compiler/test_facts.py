"""What node classes declare ends up in the plan: needs, routes, schedules, and the members of a step."""

from typing import Any

import pytest

from runtime.catalog import CATALOG, upgrade
from schemas.plan import PLAN_VERSION, Needs, Plan
from tests.unit.compiler.making import Json, compiled, export, node, plan, to

BASE = "n8n-nodes-base."
AI = "@n8n/n8n-nodes-langchain."
NOTHING = Needs()
ALL_OF_A_CALL = Needs(variables=True, resume_links=True)


def set_(value: str) -> Json:
    row = {"id": "1", "name": "x", "type": "string", "value": value}
    return node("Set", f"{BASE}set", 3.4, parameters={"assignments": {"assignments": [row]}})


def with_tool() -> Json:
    """An agent whose tool is another workflow."""
    agent = node("Agent", f"{AI}agent", 2, parameters={"promptType": "define", "text": "hello"})
    tool = node("Tool", f"{AI}toolWorkflow", 2, parameters={"workflowId": {"value": "other"}, "description": "x"})
    model = node("Model", f"{AI}lmChatOpenAi", 1.2, credentials={"openAiApi": {"id": "1", "name": "key"}})
    return export(
        agent, tool, model,
        connections={
            "Start": {"main": [[to("Agent")]]},
            "Tool": {"ai_tool": [[to("Agent", type_="ai_tool")]]},
            "Model": {"ai_languageModel": [[to("Agent", type_="ai_languageModel")]]},
        },
    )  # fmt: skip


CASES: list[tuple[str, Json, Needs]] = [
    ("a constant needs nothing", export(set_("plain")), NOTHING),
    ("a text that mentions $vars needs nothing", export(set_("costs $vars a day")), NOTHING),
    ("a path through $vars", export(set_("={{ $vars.region }}")), Needs(variables=True)),
    ("a script over $vars", export(set_("={{ $vars.region.split('-').map(x => x) }}")), Needs(variables=True)),
    ("a template with $vars", export(set_("=in {{ $vars.region }}")), Needs(variables=True)),
    ("the id of the execution needs no link", export(set_("={{ $execution.id }}")), NOTHING),
    ("a link in an expression", export(set_("={{ $execution.resumeUrl }}")), Needs(resume_links=True)),
    (
        "static data in JavaScript",
        export(node("Code", f"{BASE}code", 2, parameters={"jsCode": "return $getWorkflowStaticData('global')"})),
        Needs(static_data=True),
    ),
    (
        "static data in the old function node",
        export(node("F", f"{BASE}function", 1, parameters={"functionCode": "this.getWorkflowStaticData('node')"})),
        Needs(static_data=True),
    ),
    (
        "variables in Python",
        export(node("Code", f"{BASE}code", 2, parameters={"language": "python", "pythonCode": "return _vars"})),
        Needs(variables=True),
    ),
    ("a wait for a time", export(node("Wait", f"{BASE}wait", 1.1)), NOTHING),
    (
        "a wait for a call",
        export(node("Wait", f"{BASE}wait", 1.1, parameters={"resume": "webhook"})),
        Needs(resume_links=True),
    ),
    (
        "a sub-workflow inherits variables and derives its links",
        export(node("Call", f"{BASE}executeWorkflow", 1.2, parameters={"workflowId": {"value": "other"}})),
        ALL_OF_A_CALL,
    ),
    ("a workflow as the tool of an agent", with_tool(), ALL_OF_A_CALL),
    ("an error workflow in the settings", export(set_("x"), settings={"errorWorkflow": "watcher"}), ALL_OF_A_CALL),
    (
        "an error trigger of its own",
        export(set_("x"), node("Failed", f"{BASE}errorTrigger"), connections={}),
        ALL_OF_A_CALL,
    ),
    (
        "a disabled node needs nothing",
        export(node("Wait", f"{BASE}wait", 1.1, parameters={"resume": "webhook"}, disabled=True)),
        NOTHING,
    ),
]


@pytest.mark.parametrize(("document", "needs"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_a_plan_says_what_its_runs_need(document: Json, needs: Needs) -> None:
    assert plan(document, lenient=True).needs == needs


@pytest.mark.parametrize(("document", "needs"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_a_plan_of_version_1_gets_the_facts_of_the_classes(document: Json, needs: Needs) -> None:
    """What programs read is not in such a plan, so a step with a program may need everything."""
    new = plan(document, lenient=True)
    old = Plan.model_validate(as_version_1(new))
    assert old.needs is None
    upgraded = upgrade(old)
    assert upgraded.steps == new.steps
    assert (upgraded.routes, upgraded.schedules) == (new.routes, new.schedules)
    assert upgraded.needs is not None
    assert all(getattr(upgraded.needs, name) for name, needed in needs if needed)
    assert upgrade(new) is new


def test_a_plan_of_version_1_keeps_its_id() -> None:
    document = as_version_1(plan(export(node("Wait", f"{BASE}wait", 1.1)), lenient=True))
    old = Plan.model_validate(document)
    assert old.model_dump(mode="json") == document
    assert old.plan_version == 1 != PLAN_VERSION


def as_version_1(new: Plan) -> dict[str, Any]:
    """The plan as the compiler wrote it before classes declared facts."""
    document = new.model_dump(mode="json") | {"plan_version": 1}
    for name in ("needs", "routes", "schedules"):
        document.pop(name, None)
    for step in document["steps"]:
        for name in ("overlaps", "loop", "speaks", "responds", "form_page"):
            step.pop(name, None)
    return document


@pytest.mark.parametrize(
    ("type_", "version", "parameters", "credentials", "expected"),
    [
        ("emailSend", 2.1, {}, {}, ("smtp",)),
        ("emailSend", 1, {}, {}, ("smtp",)),
        ("totp", 1, {}, {}, ("totpApi",)),
        ("jwt", 1, {}, {}, ("jwtAuth",)),
        ("crypto", 2, {"action": "hmac"}, {}, ("crypto",)),
        ("crypto", 2, {"action": "hash"}, {}, None),
        ("webhook", 2, {"path": "x", "authentication": "headerAuth"}, {}, ("httpHeaderAuth",)),
        ("webhook", 2, {"path": "x"}, {}, None),
        ("respondToWebhook", 1.4, {"respondWith": "jwt"}, {}, ("jwtAuth",)),
        ("respondToWebhook", 1.4, {"respondWith": "noData"}, {}, None),
        ("wait", 1.1, {"resume": "webhook", "incomingAuthentication": "basicAuth"}, {}, ("httpBasicAuth",)),
        ("wait", 1.1, {}, {}, None),
        ("httpRequest", 4.2, {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}, {},
         ("httpHeaderAuth",)),
        ("httpRequest", 4.2, {"provideSslCertificates": True}, {}, ("httpSslAuth",)),
        ("httpRequest", 1, {"authentication": "basicAuth"}, {}, ("httpBasicAuth",)),
        ("graphql", 1, {"authentication": "headerAuth"}, {}, ("httpHeaderAuth",)),
        ("totp", 1, {}, {"totpApi": {"id": "1", "name": "x"}}, None),
    ],
)  # fmt: skip
def test_a_node_that_lacks_a_credential_is_reported(
    type_: str, version: float, parameters: Json, credentials: Json, expected: tuple[str, ...] | None
) -> None:
    """Whatever the node's kind: durable and local nodes need credentials as well."""
    document = export(node("N", BASE + type_, version, parameters=parameters, credentials=credentials))
    findings = [each for each in compiled(document).diagnostics if each.code == "N8T501"]
    assert [getattr(each, "types", None) for each in findings] == ([expected] if expected else [])


def test_every_class_answers_for_its_facts_with_default_parameters() -> None:
    for type_ in CATALOG.types():
        for shape in CATALOG.shapes(type_):
            for version in shape.versions:
                bound = shape.bind({}, version)
                assert isinstance(bound.starts_workflow(), bool)
                assert bound.waits_for() in (None, "time", "call")
                bound.mutation(version)
                list(bound.credential_needs(version))
