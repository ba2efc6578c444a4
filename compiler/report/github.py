"""Findings as GitHub Actions workflow commands, which appear next to the lines of a pull request."""

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.diagnostic import Diagnostic, Severity

COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def annotations(findings: Sequence[Diagnostic]) -> Iterator[str]:
    """Yield one workflow command per finding."""
    for each in findings:
        text = f"{each.message} ({each.hint})" if each.hint else each.message
        node = f"{each.at.node}: " if each.at.node is not None else ""
        options = {"file": each.at.file, "line": each.at.line, "col": each.at.column, "title": each.code}
        listed = ",".join(f"{key}={_property(str(value))}" for key, value in options.items() if value is not None)
        yield f"::{COMMANDS[each.level]} {listed}::{_data(node + text)}"


def _data(text: str) -> str:
    """Escape a text as GitHub does: otherwise a line break in a node's name could start another command."""
    printable = "".join(char if char.isprintable() or char in "\r\n" else " " for char in text)
    return printable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
