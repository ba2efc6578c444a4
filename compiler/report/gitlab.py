"""Findings as GitLab's Code Quality report, which a merge request shows beside its lines: the part of Code Climate's that GitLab reads.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from compiler.report.sarif import fingerprint
from compiler.report.text import one_line
from schemas.diagnostic import Diagnostic, Severity

__all__ = ["issues"]

SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def issues(findings: Sequence[Diagnostic]) -> Iterator[dict[str, Any]]:
    """Yield one issue per finding. Equal ones are numbered, since GitLab merges issues of one fingerprint."""
    counts: dict[str, int] = {}
    for each in findings:
        key = fingerprint(each)
        counts[key] = counts.get(key, 0) + 1
        node = f"'{one_line(each.at.node)}': " if each.at.node is not None else ""
        hint = f" ({one_line(each.hint)})" if each.hint else ""
        yield {
            "description": f"{node}{one_line(each.message)}{hint}",
            "check_name": each.code,
            "fingerprint": f"{key}:{counts[key]}",
            "severity": SEVERITIES[each.level],
            "location": {"path": each.at.file.removeprefix("./"), "lines": {"begin": each.at.line or 1}},
        }
