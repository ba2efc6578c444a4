"""Add line and column to findings and sort them by position in the file."""

from collections.abc import Iterable
from dataclasses import replace

from compiler.source.document import Document
from compiler.source.source import Lines, Span, into_string
from schemas.diagnostic import Diagnostic


def locate(findings: Iterable[Diagnostic], document: Document, base: str) -> list[Diagnostic]:
    """Return the findings about the workflow at `base` with line and column, sorted by position, code and message,
    without duplicates.
    """
    placed = list(findings)
    if document.text and placed:
        spans = document.spans({above for each in placed for above in _ancestors(each.at.pointer, base)}, base)
        placed = [_place(each, spans, document.lines) for each in placed]
    placed.sort(key=lambda each: (each.at.line or 0, each.at.column or 0, each.code, each.at.pointer, each.message))
    return [each for index, each in enumerate(placed) if index == 0 or each != placed[index - 1]]


def _ancestors(pointer: str, base: str = "") -> list[str]:
    """Return a pointer and its parents up to `base`: a finding about an absent parameter is placed at its node."""
    pointers = [pointer]
    while pointer and pointer != base:
        pointer = pointer.rpartition("/")[0]
        pointers.append(pointer)
    return pointers


def _place(finding: Diagnostic, spans: dict[str, Span], lines: Lines) -> Diagnostic:
    if finding.at.line is not None:
        return finding
    pointer = next((pointer for pointer in _ancestors(finding.at.pointer) if pointer in spans), None)
    if pointer is None:
        return finding
    span = spans[pointer]
    exact = pointer == finding.at.pointer
    if exact and finding.at.offset is not None:
        offset = into_string(lines.text, span, finding.at.offset)
    else:
        offset = span.key if exact and finding.at_key else span.value
    line, column = lines.at(offset)
    return finding.model_copy(update={"at": replace(finding.at, line=line, column=column)})
