"""The line of the source that a finding is about, cut to a readable width, with a caret under the place."""

from typing import Final

from compiler.source.source import Lines
from schemas.redact import redact

WIDTH: Final = 100
BEFORE: Final = 40


def excerpt(lines: Lines, line: int, column: int) -> tuple[str, int]:
    """The text to show and the column (from 0) of the caret in it. Control characters are shown as spaces."""
    text = "".join(each if each.isprintable() else " " for each in lines.line(line))
    start = column - 1 - BEFORE if len(text) > WIDTH and column - 1 > BEFORE else len(text) - len(text.lstrip())
    start = min(start, column - 1)
    shown = text[start : start + WIDTH]
    masked = redact(shown)
    return masked, min(column - 1 - start, len(masked))
