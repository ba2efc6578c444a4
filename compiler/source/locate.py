"""Findings get their line and column, and their order: by file position."""

from collections.abc import Iterable
from dataclasses import replace

from compiler.source.document import Document
from compiler.source.source import Lines, Place, into_string
from schemas.diagnostic import Diagnostic


def positioned(found: Iterable[Diagnostic], document: Document, base: str) -> list[Diagnostic]:
    """The findings about the workflow at `base` with line and column, sorted by position, code and message, each once."""
    listed = list(found)
    if document.text and listed:
        where = document.places({above for each in listed for above in _ancestors(each.at.pointer, base)}, base)
        listed = [_place(each, where, document.lines) for each in listed]
    listed.sort(key=lambda each: (each.at.line or 0, each.at.column or 0, each.code, each.at.pointer, each.message))
    return [each for index, each in enumerate(listed) if index == 0 or each != listed[index - 1]]


def _ancestors(pointer: str, base: str = "") -> list[str]:
    """A pointer and those above it up to `base`: a parameter that is absent is told at its node."""
    found = [pointer]
    while pointer and pointer != base:
        pointer = pointer.rpartition("/")[0]
        found.append(pointer)
    return found


def _place(each: Diagnostic, where: dict[str, Place], lines: Lines) -> Diagnostic:
    if each.at.line is not None:
        return each
    pointer = next((pointer for pointer in _ancestors(each.at.pointer) if pointer in where), None)
    if pointer is None:
        return each
    place = where[pointer]
    exact = pointer == each.at.pointer
    if exact and each.at.offset is not None:
        offset = into_string(lines.text, place, each.at.offset)
    else:
        offset = place.key if exact and each.at_key else place.value
    line, column = lines.at(offset)
    return each.model_copy(update={"at": replace(each.at, line=line, column=column)})
