"""Map JSON Pointers to offsets, lines and columns, by a second look at the parts of the text that findings point to.

Python's C scanner, which reads the document, knows no positions. This module enters only the objects and lists on the
way to a requested value and lets the C scanner skip everything else.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner, not in the stubs
from typing import Any, Final, cast

from schemas.diagnostic import pointer

SPACE: Final = re.compile(r"[ \t\r\n]*+")
NEW_LINE: Final = re.compile("\n")
TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)
_SCAN_VALUE: Final = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # likewise


@dataclass(frozen=True)
class Span:
    """Offsets into the text: where a member's name starts (its value's start for what has no name) and its value."""

    key: int
    value: int
    end: int


def find_spans(text: str, pointers: Iterable[str], inside: Span | None = None, path: str = "") -> dict[str, Span]:
    """Return the spans of JSON Pointers in a well-formed document. Pointers to nothing are left out.

    Of members with one name the last one counts, as for the reader. `inside` is the place of the value at `path`, when
    only that part of the document is to be looked at.
    """
    if inside is None:
        start = _skip_space(text, 0)
        inside = Span(start, start, len(text))
    spans: dict[str, Span] = {}
    search_for = set(pointers)
    try:  # noqa: SIM105 - contextlib costs more than this on a hot path
        _enter(text, inside.value, path, inside.key, _Search(search_for, _parents(search_for), spans))
    except (RecursionError, StopIteration, ValueError, IndexError):
        pass  # the document is not well-formed; return the spans before the fault
    return spans


@dataclass
class _Search:
    pointers: set[str]
    parents: set[str]
    """Pointers of the objects and lists to enter."""
    spans: dict[str, Span]


def _enter(text: str, start: int, path: str, key: int, search: _Search) -> int:
    """Walk the value at `start` and return the offset of its end."""
    first = text[start]
    if path not in search.parents or first not in "{[":
        end = cast(int, _SCAN_VALUE(text, start)[1])
    else:
        end = _object(text, start, path, search) if first == "{" else _list(text, start, path, search)
    if path in search.pointers:
        search.spans[path] = Span(key, start, end)
    return end


def _object(text: str, start: int, path: str, search: _Search) -> int:
    at = _skip_space(text, start + 1)
    while text[at] != "}":
        name, after = cast(tuple[str, int], scanstring(text, at + 1, False))
        value = _skip_space(text, _skip_space(text, after) + 1)
        at = _skip_space(text, _enter(text, value, path + pointer(name), at, search))
        if text[at] == ",":
            at = _skip_space(text, at + 1)
    return at + 1


def _list(text: str, start: int, path: str, search: _Search) -> int:
    at, index = _skip_space(text, start + 1), 0
    while text[at] != "]":
        at = _skip_space(text, _enter(text, at, f"{path}/{index}", at, search))
        index += 1
        if text[at] == ",":
            at = _skip_space(text, at + 1)
    return at + 1


def _skip_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def _parents(pointers: set[str]) -> set[str]:
    parents: set[str] = set()
    for path in pointers:
        parent = path.rpartition("/")[0] if path else None
        while parent is not None and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition("/")[0] if parent else None
    return parents


@dataclass
class _Open:
    """A container that the walk for duplicates is inside of."""

    path: str
    array: bool
    index: int = 0
    key: str | None = None
    seen: set[str] = field(default_factory=set)

    def child(self) -> str:
        """Return the pointer of the value that comes next."""
        return self.path + pointer(self.index if self.array else self.key or "")


def duplicates(text: str) -> Iterator[tuple[str, str]]:
    """Yield (pointer, key) for each member whose key occurred before in its object."""
    stack: list[_Open] = []
    for token in TOKEN.finditer(text):
        first = text[token.start()]
        top = stack[-1] if stack else None
        if first in "}]":
            stack.pop()
        elif first == "," and top is not None:
            top.index, top.key = top.index + 1, None
        elif first == ":":
            continue
        elif top is not None and not top.array and top.key is None:
            top.key = str(json.loads(token.group(), strict=False))
            if top.key in top.seen:
                yield top.child(), top.key
            top.seen.add(top.key)
        elif first in "{[":
            stack.append(_Open("" if top is None else top.child(), first == "["))


class Lines:
    """Offsets to lines and columns of one text, both from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in NEW_LINE.finditer(text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of a line, without its end."""
        start, end = self.span(number)
        return self.text[start:end]

    def span(self, number: int) -> tuple[int, int]:
        """Return the offsets of a line's start and end, without the characters that end it."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        while end > start and self.text[end - 1] == "\r":
            end -= 1
        return start, end


def into_string(text: str, span: Span, characters: int) -> int:
    """Return the offset of the n-th character of a string value; an escape sequence counts as the character it stands
    for.
    """
    if text[span.value] != '"':
        return span.value
    offset = span.value + 1
    if "\\" not in text[span.value : span.end]:
        return min(offset + characters, span.end - 1)
    for count, unit in enumerate(ESCAPE.finditer(text, offset, max(offset, span.end - 1))):
        if count >= characters:
            return unit.start()
        offset = unit.end()
    return offset


def json_type_name(value: Any) -> str:
    """Return the JSON type of a value in words, such as "a list"."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
