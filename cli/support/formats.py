"""What is written about one workflow, in each format."""

import json
from collections.abc import Sequence
from typing import Any, Final

from cli.support.options import Format
from compiler import Compilation
from compiler.report.text import findings, plain
from schemas.diagnostic import Diagnostic, Severity

STYLES: Final = {"error": "31;1", "warning": "33;1", "info": "36", "dim": "2", "bold": "1", "good": "32"}


def rendered(
    made: Compilation, shown: Sequence[Diagnostic], format_: Format, *, verbose: bool = False, colours: bool = False
) -> str:
    """The findings of one workflow as text, one JSON object, SARIF results with commas between them, or commands."""
    if format_ is Format.JSON:
        return json.dumps(as_json(made, shown), ensure_ascii=False)
    if format_ is Format.SARIF:
        from compiler.report.sarif import results

        return ",\n".join(json.dumps(each, ensure_ascii=False) for each in results(shown))
    if format_ is Format.GITHUB:
        from compiler.report.github import annotations

        return "\n".join(annotations(shown))
    printed = [each for each in shown if verbose or each.level is not Severity.INFO]
    return "\n".join(findings(printed, made.lines, paint if colours else plain))


def as_json(made: Compilation, shown: Sequence[Diagnostic]) -> dict[str, Any]:
    """One workflow as data."""
    return {
        "path": made.file,
        "name": made.export.name if made.export else "",
        "runnable": made.runnable,
        "nodes": [
            {
                "name": each.node,
                "type": each.type,
                "version": each.version,
                "verdict": each.grade.value,
                "reason": each.reason,
            }
            for each in made.verdicts
        ],
        "diagnostics": [each.to_json() for each in shown],
    }


def paint(text: str, style: str) -> str:
    """Text with ANSI colours."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"
