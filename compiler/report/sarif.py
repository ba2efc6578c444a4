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


def document(found: Sequence[Diagnostic], version: str) -> dict[str, Any]:
    """One run of tempor8 with every finding as a result."""
    head, tail = frame(version)
    made: dict[str, Any] = json.loads(head + ",".join(json.dumps(each) for each in results(found)) + tail)
    return made


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
    said = {heading: " ".join(text.split()) for heading, text in sections(declared).items()}
    return {
        "id": declared.code,
        "name": declared.__name__,
        "shortDescription": {"text": said[""].partition(". ")[0].rstrip(".") + "."},
        "fullDescription": {"text": f"{said['']} {said.get(WHY, '')}"},
        "help": {"text": said.get(FIX, "")},
        "helpUri": page_of(declared),
        "defaultConfiguration": {"level": LEVELS[declared.severity]},
    }


def page_of(declared: type[Diagnostic]) -> str:
    """The address of a code's page."""
    return f"{PAGES}/{declared.code}.md"


def results(found: Sequence[Diagnostic]) -> Iterator[dict[str, Any]]:
    """The findings of one file as SARIF results. Equal ones are numbered, so that each has a fingerprint of its own."""
    index = {each.code: number for number, each in enumerate(rules())}
    seen: dict[str, int] = {}
    for each in found:
        print_ = fingerprint(each)
        seen[print_] = seen.get(print_, 0) + 1
        said = f"{each.message}. {each.hint}" if each.hint else each.message
        yield {
            "ruleId": each.code,
            "ruleIndex": index[each.code],
            "level": LEVELS[each.level],
            "message": {"text": said},
            "locations": [_location(each)],
            "partialFingerprints": {"tempor8/v1": f"{print_}:{seen[print_]}"},
        }


def fingerprint(each: Diagnostic) -> str:
    """The same finding in the same node of the same file, wherever the lines have moved to."""
    said = "\0".join((each.code, each.at.file, each.at.node or each.at.pointer, each.message))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _location(each: Diagnostic) -> dict[str, Any]:
    at = each.at
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(at.file)}}
    if at.line is not None:
        physical["region"] = {"startLine": at.line, "startColumn": at.column or 1}
    found: dict[str, Any] = {"physicalLocation": physical}
    if at.node is not None:
        found["logicalLocations"] = [{"name": at.node, "fullyQualifiedName": at.pointer or "/", "kind": "object"}]
    return found
