"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors read. Node names are logical locations."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from schemas.diagnostic import Diagnostic, Severity
from schemas.diagnostic.base import PAGES

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def document(found: Sequence[Diagnostic], version: str) -> dict[str, Any]:
    """One run of tempor8 with every finding as a result."""
    rules = {type(each).code: type(each) for each in found}
    codes = sorted(rules)
    driver = {
        "name": "tempor8",
        "version": version,
        "semanticVersion": version,
        "informationUri": "https://github.com/tempor8/tempor8",
        "rules": [rule(rules[code]) for code in codes],
    }
    results = list(_results(found, codes))
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def rule(declared: type[Diagnostic]) -> dict[str, Any]:
    """A code as a reporting descriptor."""
    page = " ".join((declared.__doc__ or "").split())
    return {
        "id": declared.code,
        "name": declared.__name__,
        "shortDescription": {"text": page.partition(". ")[0].rstrip(".") + "."},
        "fullDescription": {"text": page},
        "helpUri": page_of(declared),
        "defaultConfiguration": {"level": LEVELS[declared.severity]},
    }


def page_of(declared: type[Diagnostic]) -> str:
    """The address of a code's page."""
    return f"{PAGES}/{declared.code}.md"


def _results(found: Sequence[Diagnostic], codes: list[str]) -> Iterable[dict[str, Any]]:
    seen: dict[str, int] = {}
    for each in found:
        print_ = fingerprint(each)
        seen[print_] = seen.get(print_, 0) + 1
        said = f"{each.message}. {each.hint}" if each.hint else each.message
        yield {
            "ruleId": each.code,
            "ruleIndex": codes.index(each.code),
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
