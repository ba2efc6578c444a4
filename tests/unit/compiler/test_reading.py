"""What is no export is named for what it is; an odd wrapper is opened."""

import gzip
import json
from typing import Any

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG

NODE = {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}}
WORKFLOW: dict[str, Any] = {"name": "w", "nodes": [NODE], "connections": {}}
CREDENTIAL = {"id": "1", "name": "My key", "data": "U2FsdGVkX1", "type": "httpHeaderAuth"}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([CREDENTIAL], "this is an export of credentials, not of workflows"),
        (CREDENTIAL, "this is a credential of n8n"),
        (
            [{"id": "x", "nodes": json.dumps([NODE])}],
            "these are rows of n8n's database, whose `nodes` is JSON in a text",
        ),
        ([NODE], "this is a list of nodes without the workflow around it"),
        ([], "the list is empty"),
        ([1, 2], "the list holds a number, not workflows"),
        ([{"a": 1}], "nothing in the list has `nodes`"),
    ],
)
def test_a_document_without_a_workflow_is_named_for_what_it_is(document: Any, sentence: str) -> None:
    (finding,) = compile_export(json.dumps(document), file="x.json", catalog=CATALOG).diagnostics
    assert finding.code == "N8T107"
    assert finding.message == f"the file is not an n8n export: {sentence}"
    assert finding.hint


@pytest.mark.parametrize(
    ("content", "format_", "hint"),
    [
        (json.dumps(WORKFLOW).encode("utf-16"), "UTF-16", "UTF-8"),
        (gzip.compress(json.dumps(WORKFLOW).encode()), "a gzip archive", "unpack it first"),
        (b"PK\x03\x04\x14\x00\x08\x08\xff\xfe", "a zip archive", "unpack it first"),
        (json.dumps(WORKFLOW | {"name": "é"}, ensure_ascii=False).encode("latin-1"), "another encoding", "UTF-8"),
    ],
)
def test_bytes_that_are_not_utf_8_are_named_for_what_they_are(content: bytes, format_: str, hint: str) -> None:
    (finding,) = compile_export(content, file="x.json", catalog=CATALOG).diagnostics
    assert finding.code == "N8T102"
    assert format_ in finding.message
    assert hint in finding.hint


def test_two_byte_order_marks_are_skipped_as_one() -> None:
    compilation = compile_export(f"\ufeff\ufeff{json.dumps(WORKFLOW)}", file="x.json", catalog=CATALOG)
    assert compilation.runnable
    assert [each.code for each in compilation.diagnostics if each.code == "N8T122"] == ["N8T122"]


def test_the_answer_of_the_template_site_holds_the_workflow_inside_its_list_of_node_types() -> None:
    catalogue = [{"id": 1, "name": "n8n-nodes-base.set", "displayName": "Edit Fields"}]
    answer = {"workflow": {"id": 1, "name": "Greet", "nodes": catalogue, "workflow": WORKFLOW}}
    compilation = compile_export(json.dumps(answer), file="x.json", catalog=CATALOG)
    assert compilation.runnable
    assert compilation.export is not None
    assert [each.name for each in compilation.export.nodes] == ["Start"]
