r"""n8n's template grammar: text with JavaScript between `{{` and the first `}}`, whatever that code says.

n8n: a brace pair after an odd number of backslashes is text (or, inside code, code); the backslash of `\{{` stays in
the text and that of `\}}` leaves the code. In a template that has code, two backslashes of its text become one. Code
that is never closed runs to the end of the text; with `\}}` at the very end it is nothing.
"""

from dataclasses import dataclass
from itertools import accumulate

_OPEN, _CLOSE = "{{", "}}"


@dataclass(frozen=True)
class TextPart:
    """Literal text."""

    value: str


@dataclass(frozen=True)
class CodePart:
    """JavaScript. `value` is ready to parse; `place(i)` is the offset of its character `i` in the template."""

    value: str
    starts: tuple[int, ...]
    """Where each run of unchanged characters starts in `value`..."""
    offsets: tuple[int, ...]
    """...and in the template."""

    def place(self, index: int) -> int:
        """Return the offset in the template of character `index` of the code."""
        run = max(i for i, start in enumerate(self.starts) if start <= index or i == 0)
        return self.offsets[run] + index - self.starts[run]


def split(template: str) -> list[TextPart | CodePart]:
    """Return the parts of a template in order, without empty text, and without code where an opening pair ends the
    template.
    """
    parts: list[TextPart | CodePart] = []
    at = 0
    while (opening := _unescaped(_OPEN, template, at)) is not None:
        if opening > at:
            parts.append(TextPart(template[at:opening]))
        start = opening + 2
        closing = _unescaped(_CLOSE, template, start)
        end = len(template) if closing is None else closing
        if closing is None and template.endswith("\\}}"):
            break  # n8n takes code that an escaped pair of braces ends for none
        if closing is not None or start < end:
            parts.append(_code(template, start, end))
        at = end + 2
    else:
        if at < len(template):
            parts.append(TextPart(template[at:]))
    if all(isinstance(part, TextPart) for part in parts):
        return parts
    return [TextPart(part.value.replace("\\\\", "\\")) if isinstance(part, TextPart) else part for part in parts]


def split_resolvables(text: str) -> list[TextPart | CodePart]:
    """Return the parts of a text that n8n fills in without reading it as a template: no escapes, and only closed pairs
    of braces.
    """
    parts: list[TextPart | CodePart] = []
    at = 0
    while (opening := text.find(_OPEN, at)) >= 0 and (closing := text.find(_CLOSE, opening + 2)) >= 0:
        if opening > at:
            parts.append(TextPart(text[at:opening]))
        parts.append(CodePart(text[opening + 2 : closing], (0,), (opening + 2,)))
        at = closing + 2
    return [*parts, TextPart(text[at:])] if at < len(text) else parts


def _unescaped(pair: str, template: str, at: int) -> int | None:
    """Return where the next pair of braces is, after an even number of backslashes that follow `at`."""
    while (found := template.find(pair, at)) >= 0:
        slash = found
        while slash > at and template[slash - 1] == "\\":
            slash -= 1
        if (found - slash) % 2 == 0:
            return found
        at = found + len(pair)
    return None


def _code(template: str, start: int, end: int) -> CodePart:
    runs = template[start:end].split("\\}}")
    lengths = [len(run) + 2 for run in runs]
    starts = [0, *accumulate(lengths)][: len(runs)]
    offsets = [start, *(start + shift for shift in accumulate(length + 1 for length in lengths))][: len(runs)]
    return CodePart("}}".join(runs), tuple(starts), tuple(offsets))
