"""The text about one workflow, in each format."""

import json
from collections.abc import Sequence
from typing import Any, Final

from cli.support.options import Format
from compiler import Compilation
from compiler.report.text import findings, plain
from schemas.diagnostic import Diagnostic, Severity

STYLES: Final = {"error": "31;1", "warning": "33;1", "info": "36", "dim": "2", "bold": "1", "good": "32"}


def render_findings(
    compilation: Compilation,
    diagnostics: Sequence[Diagnostic],
    format_: Format,
    *,
    verbose: bool = False,
    colours: bool = False,
) -> str:
    """Return the findings of one workflow as text, one JSON object, SARIF results or GitLab's issues with commas between them, or
    GitHub's workflow commands.
    """
    if format_ is Format.JSON:
        return json.dumps(workflow_json(compilation, diagnostics), ensure_ascii=False)
    if format_ is Format.SARIF:
        from compiler.report.sarif import results

        return ",\n".join(json.dumps(each, ensure_ascii=False) for each in results(diagnostics))
    if format_ is Format.GITLAB:
        from compiler.report.gitlab import issues

        return ",\n".join(json.dumps(each, ensure_ascii=False) for each in issues(diagnostics))
    if format_ is Format.GITHUB:
        from compiler.report.github import annotations

        return "\n".join(annotations(diagnostics))
    visible = [each for each in diagnostics if verbose or each.level is not Severity.INFO]
    return "\n".join(findings(visible, compilation.lines, paint if colours else plain))


def workflow_json(compilation: Compilation, diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return the verdicts and findings of one workflow as JSON."""
    return {
        "path": compilation.file,
        "name": compilation.export.name if compilation.export else "",
        "runnable": compilation.runnable,
        "nodes": [
            {
                "name": each.node,
                "type": each.type,
                "version": each.version,
                "verdict": each.grade.value,
                "reason": each.reason,
            }
            for each in compilation.verdicts
        ],
        "diagnostics": [each.to_json() for each in diagnostics],
    }


def paint(text: str, style: str) -> str:
    """Return the text with the ANSI codes of a style."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"
