"""The line of the source that a finding is about, cut to a readable width, with a caret under the place."""

from typing import Final

from compiler.source.source import Lines
from schemas.redact import redact

MAX_CHARACTERS: Final = 100
"""Characters of a line that an excerpt shows."""
MAX_CHARACTERS_BEFORE: Final = 40
"""Characters before the caret, in a line that is cut."""


def excerpt(lines: Lines, line: int, column: int) -> tuple[str, int]:
    """Return the text to show and the column (from 0) of the caret in it. Control characters become spaces and secrets
    are masked.
    """
    first, end = lines.span(line)
    before = column - 1
    if end - first > MAX_CHARACTERS and before > MAX_CHARACTERS_BEFORE:
        start = before - MAX_CHARACTERS_BEFORE
    else:
        indented = _printable(lines.text[first : first + before])
        start = len(indented) - len(indented.lstrip())
    visible = _printable(lines.text[first + start : min(end, first + start + MAX_CHARACTERS)])
    masked = redact(visible)
    return masked, min(column - 1 - start, len(masked))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
