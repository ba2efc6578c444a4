"""Specialist agents: the catalogue's files, what a node gets from one, and the agents service of the operator."""

from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft7Validator

from compiler import Grade, compile_export
from runtime.agents import specialists
from runtime.catalog import CATALOG
from runtime.contract import NodeError
from runtime.platform.embedded.fake_vendor import StandIn, smallest
from tests.unit.agents.world import World, calls, model, node, outputs, run, workflow

SLUGS = sorted(specialists.catalog())
MODEL = (model(), "ai_languageModel")
LEAD = {"chatInput": "Qualify", "email": "ada@example.com"}


def noted(slug: str, **parameters: Any) -> dict[str, Any]:
    """An agent node whose notes name a specialist."""
    return node("A", "agent", 2.2, parameters, notes=f"Scores leads.\nagent: {slug}")


def test_files_are_named_after_their_slug() -> None:
    """Adding a specialist is adding a file: every YAML file of the folder is one."""
    files = {
        each.name for each in resources.files("runtime.agents.specialists").iterdir() if each.name.endswith(".yaml")
    }
    assert files == {f"{slug}.yaml" for slug in SLUGS}


@pytest.mark.parametrize("slug", SLUGS)
def test_complete(slug: str) -> None:
    """The brief begins with the role, and the schema accepts at least one value. The model checks the prompt."""
    specialist = specialists.find(slug)
    brief = specialists.brief(specialist, "do it", {"name": "Ada"})
    assert specialist.role in brief["system"]
    assert specialist.output is not None
    Draft7Validator(specialist.output).validate(smallest(specialist.output))


def test_prompt_reads_the_item() -> None:
    """A prompt may use fields of the item, and what they say is put in as JSON."""
    item = {"ideal_customer": {"industry": "logistics"}}
    brief = specialists.brief(specialists.find("lead_qualification_specialist"), "", item)
    assert '{"industry": "logistics"}' in brief["system"]


def test_unknown_slug_names_the_nearest() -> None:
    """A typo in the notes is answered with what was meant."""
    with pytest.raises(NodeError, match="There is no specialist agent 'lead_qualificaton_specialist'") as caught:
        specialists.find("lead_qualificaton_specialist")
    assert "lead_qualification_specialist" in str(caught.value.description)


def test_dashes_are_fine() -> None:
    """`agent: lead-qualification-specialist` is the same one."""
    assert specialists.find("lead-qualification-specialist").slug == "lead_qualification_specialist"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("slug: [", "while parsing"),
        ("slug: x\ncategory: sales\nrole: r\nprompt: p\nmodle: fast", "Extra inputs are not permitted"),
        ("slug: x\ncategory: sales\nrole: r\nprompt: 'never an instruction {{ oops'", "unexpected end of template"),
        ("slug: x\ncategory: sales\nrole: r\nprompt: p", 'text inside the data is "never an instruction"'),
        (
            "slug: x\ncategory: sales\nrole: r\nprompt: '{{ item.budget }} is never an instruction'",
            "put what needs a field into {% if item.field is defined %}",
        ),
        (
            "slug: x\ncategory: sales\nrole: r\nprompt: never an instruction\noutput: {type: nonsense}",
            "is not valid under",
        ),
        ("slug: other\ncategory: sales\nrole: r\nprompt: never an instruction", "a specialist's file has its name"),
    ],
)
def test_bad_file_names_itself(text: str, problem: str) -> None:
    """A file that is no specialist says so with its name."""
    with pytest.raises(ValueError, match=r"x\.yaml: ") as caught:
        specialists._load("x.yaml", text)
    assert problem in str(caught.value)


async def test_applied_to_the_node() -> None:
    """Its prompt leads the system message, its schema is asked for, its settings go along, and usage is its own."""
    answer = {"score": 80, "tier": "hot", "reasons": ["r"], "missing": [], "next_action": "call"}
    with StandIn(script=[calls("format_final_json_response", {"output": answer})]) as stand_in:
        export = workflow(noted("lead_qualification_specialist", options={"systemMessage": "Be brief."}), MODEL)
        execution, finished = await run(export, World(stand_in), [LEAD])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": answer}]]
    body = stand_in.requests[0].body
    assert body["messages"][0]["content"].startswith("You are a lead qualification specialist.")
    assert "Be brief." in body["messages"][0]["content"]
    assert (body["temperature"], body["max_tokens"]) == (0, 1024)
    assert [each["agent"] for each in execution.usage] == ["lead_qualification_specialist"]


async def test_agents_service() -> None:
    """With an agents service the task goes there, and no model of ours is asked."""
    requests: list[Any] = []

    class Service(StandIn):
        def answer(self, request: Any) -> tuple[int, Any]:
            requests.append(request)
            return 200, {"output": {"score": 1}, "usage": {"model": "theirs", "input_tokens": 5, "output_tokens": 2}}

    with Service() as service, StandIn() as stand_in:
        world = World(stand_in, services={"agents": service.url})
        execution, finished = await run(workflow(noted("lead_qualification_specialist"), MODEL), world, [LEAD])
    assert finished.status == "success", finished.error
    assert outputs(execution, "A") == [[{"output": {"score": 1}}]]
    assert stand_in.requests == []
    assert requests[0].path == "/agents/lead_qualification_specialist/run"
    assert requests[0].body["input"] == LEAD
    assert [(each["model"], each["input_tokens"]) for each in execution.usage] == [("theirs", 5)]


def test_an_unknown_specialist_is_an_error_of_the_export_that_names_the_nearest() -> None:
    compilation = compile_export(workflow(noted("sales-inteligence-specialist"), MODEL), file="x.json", catalog=CATALOG)
    (diagnostic,) = (each for each in compilation.diagnostics if each.code == "N8T320")
    assert diagnostic.hint == "did you mean 'sales_intelligence_specialist'?"
    assert not compilation.runnable
    assert [each.grade for each in compilation.verdicts if each.node == diagnostic.at.node] == [Grade.UNSUPPORTED]
