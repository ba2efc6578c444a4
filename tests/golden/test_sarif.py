"""SARIF output against the schema of the standard.

`sarif-schema-2.1.0.json` is OASIS's own (Copyright OASIS Open; its IPR policy allows copies), without white space.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from compiler import compile_export
from compiler.report.example import WRONG, source
from compiler.report.sarif import document
from runtime.catalog import CATALOG
from schemas.diagnostic import Diagnostic
from tests.golden.test_diagnostics import CODES, compiled

SCHEMA = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def findings() -> list[Diagnostic]:
    return [each for code in CODES for each in compiled(code).diagnostics]


def results(findings: list[Diagnostic]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = document(findings, "0.0.0")["runs"][0]["results"]
    return listed


def test_every_finding_there_is_makes_a_valid_document(findings: list[Diagnostic]) -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(document(findings, "0.0.0"))


def test_nodes_are_logical_locations(findings: list[Diagnostic]) -> None:
    with_node = [each for each in results(findings) if "logicalLocations" in each["locations"][0]]
    assert {"name": "Edit Fields", "fullyQualifiedName": "/nodes/1/typeVersion", "kind": "object"} in [
        where for each in with_node for where in each["locations"][0]["logicalLocations"]
    ]


def test_a_fingerprint_stays_when_lines_move() -> None:
    text = source("N8T307", WRONG)
    before, after = (
        compile_export(each, file="a.json", catalog=CATALOG).diagnostics for each in (text, b"\n" * 10 + text)
    )
    assert [each.at.line for each in before] != [each.at.line for each in after]
    assert [each["partialFingerprints"] for each in results(list(before))] == [
        each["partialFingerprints"] for each in results(list(after))
    ]


def test_fingerprints_are_unique(findings: list[Diagnostic]) -> None:
    prints = [each["partialFingerprints"]["tempor8/v1"] for each in results(findings)]
    assert len(prints) == len(set(prints))
