"""The files of the specialist agents: what each must have, and what a malformed one is told."""

import json
import re
from importlib import resources
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from runtime.agents import specialists
from runtime.agents.specialists.files import load, read_yaml
from runtime.agents.specialists.service import brief
from runtime.contract import NodeError
from runtime.platform.embedded.fake_vendor import smallest
from schemas.specialist import CATEGORIES

SLUGS = sorted(specialists.catalog())


def test_files_are_named_after_their_slug() -> None:
    """Adding a specialist is adding a file: every YAML file of the folder is one."""
    files = {
        each.name for each in resources.files("runtime.agents.specialists").iterdir() if each.name.endswith(".yaml")
    }
    assert files == {f"{slug}.yaml" for slug in SLUGS}


def test_there_are_forty_four_in_seven_categories() -> None:
    """The catalogue is the one that the documents promise."""
    found: list[str] = [each.category for each in specialists.catalog().values()]
    assert {name: found.count(name) for name in CATEGORIES} == {
        "marketing": 8, "e-commerce": 8, "content": 8, "analytics": 6, "sales": 6, "support": 5, "operations": 3,
    }  # fmt: skip


@pytest.mark.parametrize("slug", SLUGS)
def test_complete(slug: str) -> None:
    """The prompt begins with the role and ends with the example, the schema accepts a value, and every field is described."""
    specialist = specialists.find(slug)
    given = brief(specialist, "do it", {"name": "Ada"})
    assert given["system"].startswith("You are a")
    assert "never an instruction" in given["system"]
    assert given["system"].endswith(json.dumps(specialist.example.answer, ensure_ascii=False))
    Draft7Validator(given["schema"]).validate({"output": smallest(specialist.output_schema)})
    assert undescribed(specialist.output_schema) == []


def undescribed(schema: dict[str, Any], path: str = "") -> list[str]:
    """Properties without a description, at any depth."""
    found = [f"{path}/{name}" for name, each in schema.get("properties", {}).items() if not each.get("description")]
    below = {**schema.get("properties", {}), **({"*": schema["items"]} if "items" in schema else {})}
    for name, each in below.items():
        found += undescribed(each, f"{path}/{name}")
    return found


@pytest.mark.parametrize("slug", SLUGS)
def test_an_example_is_sure_only_when_nothing_is_missing(slug: str) -> None:
    """The shared rule on confidence holds in the example that teaches it."""
    answer = specialists.find(slug).example.answer
    assert answer["confidence"] != "high" or answer["missing"] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_both_readers_of_yaml_agree(slug: str) -> None:
    """libyaml takes some texts that plain PyYAML refuses; the files must not depend on which is installed."""
    text = resources.files("runtime.agents.specialists").joinpath(f"{slug}.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == read_yaml(text)


def test_no_two_specialists_share_a_sentence() -> None:
    """What several say belongs to the rules that all share."""
    seen: dict[str, str] = {}
    shared: list[tuple[str, str, str]] = []
    for slug, each in specialists.catalog().items():
        own = f"{each.prompt} {each.evidence} {each.absent} {' '.join(each.rules)}"
        for sentence in {" ".join(part.split()).casefold() for part in re.split(r"[.;:]\s|\n- ", own)}:
            if len(sentence.split()) >= 6:
                if sentence in seen:
                    shared.append((sentence, seen[sentence], slug))
                seen[sentence] = slug
    assert shared == []


def test_prompt_reads_the_item() -> None:
    """A prompt may use fields of the item, and what they say is put in as JSON."""
    item = {"ideal_customer": {"industry": "logistics"}}
    given = brief(specialists.find("lead_qualification_specialist"), "", item)
    assert '{"industry": "logistics"}' in given["system"]


def test_unknown_slug_names_the_nearest() -> None:
    """A typo in the notes is answered with what was meant."""
    with pytest.raises(NodeError, match="There is no specialist agent 'lead_qualificaton_specialist'") as caught:
        specialists.find("lead_qualificaton_specialist")
    assert "lead_qualification_specialist" in str(caught.value.description)


def test_dashes_are_fine() -> None:
    """`agent: lead-qualification-specialist` is the same one."""
    assert specialists.find("lead-qualification-specialist").slug == "lead_qualification_specialist"


GOOD: dict[str, Any] = {
    "slug": "x",
    "version": 1,
    "category": "sales",
    "role": "You are an x.",
    "inputs": {"mail": "the mail"},
    "required": ["mail"],
    "prompt": "Read it.",
    "evidence": "The mail.",
    "absent": "Ask.",
    "rules": ["one", "two"],
    "output": {"kind": {"enum": ["a", "b"], "description": "which"}},
    "example": {"input": {"mail": "hello"}, "output": {"kind": "a"}},
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("slug: [", "while parsing"),
        ({"modle": "fast"}, "Extra inputs are not permitted"),
        ({"slug": "other"}, "a specialist's file has its name"),
        ({"prompt": "{{ oops"}, "unexpected end of template"),
        ({"prompt": "{{ item.budget }}"}, "put what needs a field into {% if item.field is defined %}"),
        ({"prompt": "TO WRITE"}, "replace each 'TO WRITE'"),
        ({"required": ["male"]}, "required: male not among the inputs mail"),
        ({"output": {"missing": "what"}}, "output: missing is added to every answer"),
        ({"output": {"kind": {"type": "nonsense"}}}, "is not valid under"),
        ({"output": {"kind": {"enum": ["a"], "description": "one", "two": None}}}, "put quotes around a sentence"),
        ({"output": {"kind": 5}}, "a sentence, a list of one sentence or a JSON Schema"),
        ({"example": {"input": {"mail": "m"}, "output": {"kind": "c"}}}, "example.output.kind: 'c' is not one of"),
        ({"example": {"input": {"fax": "m"}, "output": {"kind": "a"}}}, "example.input: fax not among the inputs mail"),
    ],
)
def test_bad_file_names_itself(change: Any, problem: str) -> None:
    """A file that is no specialist says so with its name and what to do."""
    with pytest.raises(ValueError, match=r"x\.yaml: ") as caught:
        load("x.yaml", change if isinstance(change, str) else yaml.safe_dump({**GOOD, **change}))
    assert problem in str(caught.value)


def test_the_short_form_of_an_output() -> None:
    """A sentence is a text, a list of one a list of texts, and objects are closed at every depth."""
    output = {
        "why": "the reason",
        "facts": ["what counts"],
        "rows": {"description": "d", "items": {"properties": {"n": "name"}}},
    }
    schema = load("x.yaml", yaml.safe_dump({**GOOD, "output": output, "example": {
        "input": {"mail": "m"}, "output": {"why": "w", "facts": [], "rows": []}}}, sort_keys=False)).output_schema  # fmt: skip
    assert schema["properties"]["why"] == {"type": "string", "description": "the reason"}
    assert schema["properties"]["facts"] == {"type": "array", "items": {"type": "string"}, "description": "what counts"}
    row = schema["properties"]["rows"]["items"]
    assert (row["type"], row["required"], row["additionalProperties"]) == ("object", ["n"], False)
    assert schema["required"] == ["why", "facts", "rows", "missing", "confidence", "instruction_in_data"]
