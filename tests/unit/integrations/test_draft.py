"""Drafts of vendors from OpenAPI documents: what they write is a vendor's folder, and runs."""

import json

import pytest
import yaml

from runtime.integrations.coverage import lacking, unread
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
