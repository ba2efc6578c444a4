"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors read. Node names are logical locations."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from compiler.report.pages import FIX, WHY, rules, sections
from schemas.diagnostic import Diagnostic, Severity
from schemas.diagnostic.base import PAGES

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def document(findings: Sequence[Diagnostic], version: str) -> dict[str, Any]:
    """Return a SARIF log with one run of tempor8 and every finding as a result."""
    head, tail = frame(version)
    result: dict[str, Any] = json.loads(head + ",".join(json.dumps(each) for each in results(findings)) + tail)
    return result


def frame(version: str) -> tuple[str, str]:
    """Return the text before and after the results, so that they can be written one by one."""
    driver = {
        "name": "tempor8",
        "version": version,
        "semanticVersion": version,
        "informationUri": "https://github.com/tempor8/tempor8",
        "rules": [rule(each) for each in rules()],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": []}
    text = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1)
    head, _, tail = text.rpartition("[]")
    return head + "[", "]" + tail


def rule(declared: type[Diagnostic]) -> dict[str, Any]:
    """Return a code as a reporting descriptor: what it means and why it matters, and what to do as its help."""
    texts = {heading: " ".join(text.split()) for heading, text in sections(declared).items()}
    return {
        "id": declared.code,
        "name": declared.__name__,
        "shortDescription": {"text": texts[""].partition(". ")[0].rstrip(".") + "."},
        "fullDescription": {"text": f"{texts['']} {texts.get(WHY, '')}"},
        "help": {"text": texts.get(FIX, "")},
        "helpUri": page_of(declared),
        "defaultConfiguration": {"level": LEVELS[declared.severity]},
    }


def page_of(declared: type[Diagnostic]) -> str:
    """Return the address of the page about a code."""
    return f"{PAGES}/{declared.code}.md"


def results(findings: Sequence[Diagnostic]) -> Iterator[dict[str, Any]]:
    """Yield the findings of one file as SARIF results. Equal ones are numbered, so that each has a fingerprint of its
    own.
    """
    index = {each.code: number for number, each in enumerate(rules())}
    counts: dict[str, int] = {}
    for each in findings:
        key = fingerprint(each)
        counts[key] = counts.get(key, 0) + 1
        text = f"{each.message}. {each.hint}" if each.hint else each.message
        yield {
            "ruleId": each.code,
            "ruleIndex": index[each.code],
            "level": LEVELS[each.level],
            "message": {"text": text},
            "locations": [_location(each)],
            "partialFingerprints": {"tempor8/v1": f"{key}:{counts[key]}"},
        }


def fingerprint(finding: Diagnostic) -> str:
    """Return a hash that identifies a finding by code, file, node and message, so that it survives changes of line
    numbers.
    """
    identity = "\0".join((finding.code, finding.at.file, finding.at.node or finding.at.pointer, finding.message))
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _location(finding: Diagnostic) -> dict[str, Any]:
    at = finding.at
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(at.file)}}
    if at.line is not None:
        physical["region"] = {"startLine": at.line, "startColumn": at.column or 1}
    location: dict[str, Any] = {"physicalLocation": physical}
    if at.node is not None:
        location["logicalLocations"] = [{"name": at.node, "fullyQualifiedName": at.pointer or "/", "kind": "object"}]
    return location
