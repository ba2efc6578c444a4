"""Drafts of vendors from OpenAPI documents: what they write is a vendor's folder, and runs."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from typing import Any, Final

import pytest
import yaml

from runtime.integrations.coverage import lacking, unread, unready_credentials
from runtime.integrations.descriptor import Descriptor
from runtime.integrations.draft import DraftError, draft, folder_name
from runtime.integrations.parameters import Fact

DOCUMENT = """
openapi: 3.1.0
servers: [{url: https://api.acme.example/v1/}]
paths:
  /tasks/{task-id}:
    parameters: [{$ref: "#/components/parameters/Task"}]
    get:
      operationId: getTask
      tags: [Task lists]
      parameters:
        - {name: expand, in: query, schema: {type: boolean}}
        - {name: view, in: query, required: true, schema: {enum: [full, short]}}
    patch:
      tags: [Task lists]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Task"}}}}
  /tasks:
    delete: {}
components:
  parameters: {Task: {name: task-id, in: path, required: true, schema: {type: string}}}
  schemas: {Task: {required: [title], properties: {title: {type: string}, due_date: {type: string}, points: {type: integer}}}}
"""


def test_a_draft_is_a_descriptor_that_reads_its_parameters() -> None:
    files = draft("Acme Tasks", DOCUMENT)
    descriptor = Descriptor.model_validate(yaml.safe_load(files["v1.yaml"]))
    (family,) = json.loads(files["parameters.json"])["n8n-nodes-base.acmeTasks"]
    facts = [Fact.read(each) for each in family["parameters"]]
    assert list(descriptor.operations) == ["taskLists.getTask", "taskLists.patchTasks", "tasks.deleteTasks"]
    assert descriptor.base == "https://api.acme.example/v1"
    assert lacking(descriptor, facts) == []
    assert unread(descriptor, facts, None) == []


def test_what_is_required_is_a_parameter_and_the_rest_further_fields() -> None:
    operations = yaml.safe_load(draft("Acme", DOCUMENT)["v1.yaml"])["operations"]
    assert operations["taskLists.getTask"]["request"] == {
        "method": "GET", "path": "/tasks/{taskId}", "query": {"expand": "{additionalFields.expand}", "view": "{view}"},
    }  # fmt: skip
    assert operations["taskLists.patchTasks"]["request"]["json"] == {
        "title": "{title}", "due_date": "{additionalFields.dueDate}", "points": "{additionalFields.points}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "folder"), [("SendGrid", "send_grid"), ("Acme Tasks 2", "acme_tasks_2"), ("DHL", "dhl"), ("../x", "x")]
)
def test_a_folder_is_named_after_its_vendor(name: str, folder: str) -> None:
    assert folder_name(name) == folder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("swagger: '2.0'", "no OpenAPI 3 document"),
        ("{", "neither JSON nor YAML"),
        ("openapi: 3.0.0", "no operations"),
        ("openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: other.yaml}]}}}", "in another document"),
        ("openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: '#/x'}]}}}\nx: {$ref: '#/x'}", "without end"),
    ],
)
def test_a_text_that_is_no_document_is_told(text: str, message: str) -> None:
    with pytest.raises(DraftError, match=message):
        draft("Acme", text)


def test_a_draft_never_leaves_its_folder() -> None:
    assert all("/" not in name for name in draft("../Acme", DOCUMENT))


def _checked(files: dict[str, str]) -> list[str]:
    """Return the operations of a draft that is a descriptor and reads its parameters."""
    descriptor = Descriptor.model_validate(yaml.safe_load(files["v1.yaml"]))
    ((family,),) = json.loads(files["parameters.json"]).values()
    facts = [Fact.read(each) for each in family["parameters"]]
    assert lacking(descriptor, facts) == []
    assert unread(descriptor, facts, None) == []
    return list(descriptor.operations)


ODD: Final[tuple[Any, ...]] = (None, True, 7, "text", "{", [], [None], [[]], {}, {"a": 1}, date(2026, 1, 1))


def _spoilt(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each member of a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield (*path, key)
        yield from _spoilt(each, (*path, key))


@pytest.mark.parametrize("place", list(_spoilt(yaml.safe_load(DOCUMENT))), ids=lambda place: ".".join(map(str, place)))
def test_a_member_of_any_kind_gives_a_draft_or_a_sentence(place: tuple[Any, ...]) -> None:
    """Each member of a document is replaced by values of each kind: documents in the wild hold them."""
    for odd in ODD:
        document = deepcopy(yaml.safe_load(DOCUMENT))
        inner = document
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = odd
        try:
            files = draft("Acme", yaml.safe_dump(document))
        except DraftError:
            continue
        assert _checked(files)


def _document(paths: str, more: str = "") -> str:
    return f"openapi: 3.1.0\n{more}\npaths: {{{paths}}}\n"


@pytest.mark.parametrize(
    ("paths", "operations"),
    [
        ("/a: {get: {operationId: one, tags: [A]}}, /b: {get: {operationId: one, tags: [A]}}", ["a.one", "a.one2"]),
        ("/a: {get: {operationId: '日本', tags: ['---']}}", ["api.get"]),
        ("'/a/{id}': {get: {operationId: one}}", ["a.one"]),
        ("'/a/{{id}}/{2fa}': {get: {operationId: one}}", ["a.one"]),
    ],
    ids=["two of one name", "names without letters", "a hole that no parameter declares", "braces and digits"],
)
def test_odd_names_give_operations(paths: str, operations: list[str]) -> None:
    assert _checked(draft("Acme", _document(paths))) == operations


def test_a_parameter_of_an_operation_stands_in_place_of_one_of_its_path() -> None:
    one = "/a: {parameters: [{name: q, in: query}], get: {parameters: [{name: q, in: query, required: true}]}}"
    operation = yaml.safe_load(draft("Acme", _document(one))["v1.yaml"])["operations"]["a.getA"]
    assert operation["request"]["query"] == {"q": "{q}"}


def test_a_body_has_the_members_of_all_schemas_that_it_is_made_of() -> None:
    schema = "{allOf: [{required: [a], properties: {a: {type: string}}}, {allOf: [{properties: {b: {type: [integer, 'null']}}}]}]}"
    files = draft(
        "Acme", _document(f"/a: {{post: {{requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}}}}}")
    )
    operation = yaml.safe_load(files["v1.yaml"])["operations"]["a.postA"]
    assert operation["request"]["json"] == {"a": "{a}", "b": "{additionalFields.b}"}
    assert '"kind": "number"' in files["parameters.json"]


def test_the_address_has_the_defaults_of_its_variables() -> None:
    servers = "servers: [{url: 'https://{region}.acme.example/{base}', variables: {region: {default: eu}}}]"
    made = yaml.safe_load(draft("Acme", _document("/a: {get: {}}", servers))["v1.yaml"])
    assert made["base"] == "https://eu.acme.example/{{base}}"


def test_what_a_drafts_credential_lacks_is_told() -> None:
    """`tempor8 integrations check` says so: nobody knows yet how Acme's credential signs, nor where it may go."""
    descriptor = Descriptor.model_validate(yaml.safe_load(draft("Acme", DOCUMENT)["v1.yaml"]))
    assert unready_credentials(descriptor) == [
        "nothing signs with the credential acmeApi: add it to runtime/http/credential_types.yaml",
        "the credential acmeApi does not go to api.acme.example: add it to runtime/http/credential_hosts.yaml",
    ]
