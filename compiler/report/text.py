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
    """No colours."""
    return text


def findings(found: Sequence[Diagnostic], lines: Lines, paint: Paint = plain) -> Iterator[str]:
    """The lines to print, one block per finding; `lines` are those of the document."""
    for each in found:
        yield from _block(each, lines, paint)


def _block(each: Diagnostic, lines: Lines, paint: Paint) -> Iterator[str]:
    at = each.at
    place = ":".join(str(part) for part in (at.file, at.line, at.column) if part is not None)
    node = f" in {one_line(at.node)!r}" if at.node is not None else ""
    level = LEVELS[each.level]
    yield f"{paint(place, 'bold')}: {paint(f'{level}[{each.code}]', level)}{node}: {one_line(each.message)}"
    if at.line is not None and at.column is not None and lines.text:
        shown, caret = excerpt(lines, at.line, at.column)
        if shown.strip():
            gutter = f"{at.line:>6} | "
            yield paint(gutter, "dim") + shown
            yield " " * (len(gutter) + caret) + paint("^", level)
    if each.hint:
        yield f"     {paint('=', 'dim')} {one_line(each.hint)}"


def one_line(text: str) -> str:
    """Without line breaks and control characters, which a hostile name could use to write on the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
