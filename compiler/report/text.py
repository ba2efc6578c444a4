"""Findings for people: file, line, what and why, an excerpt of the source with a caret, and what to do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from compiler.report.excerpt import excerpt
from compiler.source.source import Lines
from schemas.diagnostic import Diagnostic, Severity

Paint: TypeAlias = Callable[[str, str], str]
"""(text, style) -> text; styles: error, warning, info, dim, bold, good."""
LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}


def plain(text: str, _style: str) -> str:
    """Return the text without colours."""
    return text


def findings(diagnostics: Sequence[Diagnostic], lines: Lines, paint: Paint = plain) -> Iterator[str]:
    """Yield the lines to print, one block per finding; `lines` are those of the document."""
    for each in diagnostics:
        yield from _block(each, lines, paint)


def _block(finding: Diagnostic, lines: Lines, paint: Paint) -> Iterator[str]:
    at = finding.at
    place = ":".join(str(part) for part in (at.file, at.line, at.column) if part is not None)
    node = f" in {one_line(at.node)!r}" if at.node is not None else ""
    level = LEVELS[finding.level]
    yield f"{paint(place, 'bold')}: {paint(f'{level}[{finding.code}]', level)}{node}: {one_line(finding.message)}"
    if at.line is not None and at.column is not None and lines.text:
        text, caret = excerpt(lines, at.line, at.column)
        if text.strip():
            gutter = f"{at.line:>6} | "
            yield paint(gutter, "dim") + text
            yield " " * (len(gutter) + caret) + paint("^", level)
    if finding.hint:
        yield f"     {paint('=', 'dim')} {one_line(finding.hint)}"


def one_line(text: str) -> str:
    """Return the text with spaces in place of line breaks and control characters, which a hostile name could use to
    write to the terminal.
    """
    return "".join(char if char.isprintable() else " " for char in text)
