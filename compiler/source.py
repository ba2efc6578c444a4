"""From a JSON path to line and column: a second look at the text, only at what a finding points to.

The reader proper is Python's C scanner; it knows no positions. This one walks the tokens of the same text and stops
when it has seen every place asked for.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)


@dataclass(frozen=True)
class Place:
    """Offsets into the text: where a member's name starts (its value's start for what has no name) and its value."""

    key: int
    value: int
    end: int


@dataclass
class _Open:
    """A container that the walk is inside of."""

    path: str
    array: bool
    wanted: bool
    index: int = 0
    key: str | None = None
    key_at: int = 0
    seen: set[str] = field(default_factory=set)


def places(text: str, wanted: Iterable[str]) -> dict[str, Place]:
    """The places of JSON Pointers in a well-formed document; what is not there is left out."""
    left = set(wanted)
    return {at: place for at, place in _walk(text, left) if at in left}


def duplicates(text: str) -> Iterator[tuple[str, str]]:
    """(pointer, key) of each member whose key its object already had."""
    yield from ((path, key) for path, key in _duplicates(text))


def _walk(text: str, wanted: set[str]) -> Iterator[tuple[str, Place]]:
    prefixes = _prefixes(wanted)
    stack: list[_Open] = []
    remaining = len(wanted)
    for token in TOKEN.finditer(text):
        first = text[token.start()]
        top = stack[-1] if stack else None
        if first in "}]":
            closed = stack.pop()
            if closed.path in wanted and closed.wanted:
                remaining -= 1
            if not remaining:
                return
        elif first == ",":
            if top is not None:
                top.index, top.key = top.index + 1, None
        elif first == ":":
            continue
        elif top is not None and not top.array and top.key is None:
            top.key, top.key_at = (_text(token.group()) if top.wanted else ""), token.start()
        else:
            path, interesting = _child(top, prefixes)
            if interesting and path in wanted:
                yield path, Place(top.key_at if top and not top.array else token.start(), token.start(), token.end())
            if first in "{[":
                stack.append(_Open(path, first == "[", interesting))


def _child(top: _Open | None, prefixes: set[str]) -> tuple[str, bool]:
    if top is None:
        return "", True
    if not top.wanted:
        return "", False
    path = top.path + "/" + (str(top.index) if top.array else (top.key or "").replace("~", "~0").replace("/", "~1"))
    return path, path in prefixes


def _prefixes(wanted: set[str]) -> set[str]:
    found = {""}
    for path in wanted:
        while path:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


def _duplicates(text: str) -> Iterator[tuple[str, str]]:
    stack: list[_Open] = []
    for token in TOKEN.finditer(text):
        first = text[token.start()]
        top = stack[-1] if stack else None
        if first in "}]":
            stack.pop()
        elif first == ",":
            if top is not None:
                top.index, top.key = top.index + 1, None
        elif first == ":":
            continue
        elif top is not None and not top.array and top.key is None:
            top.key = _text(token.group())
            if top.key in top.seen:
                yield top.path + "/" + top.key.replace("~", "~0").replace("/", "~1"), top.key
            top.seen.add(top.key)
        elif first in "{[":
            name = "" if top is None else str(top.index) if top.array else (top.key or "")
            path = "" if top is None else top.path + "/" + name.replace("~", "~0").replace("/", "~1")
            stack.append(_Open(path, first == "[", wanted=True))


def _text(token: str) -> str:
    return str(json.loads(token, strict=False)) if "\\" in token else token[1:-1]


class Lines:
    """Offsets to lines and columns of one text, both from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


def into_string(text: str, place: Place, characters: int) -> int:
    """The offset of the n-th character of a string value, escapes counted as what they stand for."""
    if text[place.value] != '"':
        return place.value
    offset = place.value + 1
    for count, unit in enumerate(ESCAPE.finditer(text, offset, max(offset, place.end - 1))):
        if count >= characters:
            return unit.start()
        offset = unit.end()
    return offset


def constant(value: Any) -> str:
    """A JSON type in words."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
