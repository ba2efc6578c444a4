"""What V8 says about a text that is not JSON: n8n shows these sentences to users."""

import re
import struct
from typing import Final, NoReturn

__all__ = ["json_error"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d*)?", re.ASCII)
_NEW_LINE: Final = re.compile(r"\r\n?|\n")
_DIGITS: Final = frozenset("0123456789")
_CONTEXT: Final = 10  # UTF-16 units of the text that V8 quotes on either side of a fault
_UTF16: Final = "utf-16-le"  # either order has the same units; the machine's own would differ between workers
_SPECIAL: Final = ("NaN", "Infinity", "undefined", "[object Object]")
_ESCAPES: Final = '"\\/bfnrt'
_END: Final = "Unexpected end of JSON input"


class _Fault(Exception):
    """The first fault of the text; its only argument is V8's sentence."""


def json_error(text: str) -> str | None:
    """Return V8's sentence for a text that `JSON.parse` refuses, None for one that it accepts.

    Positions and columns count UTF-16 units, as in JavaScript. V8 may quote half of a surrogate pair; such a half is
    U+FFFD here, which is what it becomes as soon as it is written as UTF-8.
    """
    try:
        _Scanner(_units(text)).document()
    except _Fault as fault:
        return _join_surrogates(str(fault))
    except RecursionError:  # thousands of open brackets: V8 would read on, this scanner cannot
        return f'"{text[:_CONTEXT]}"... is not valid JSON'
    return None


def _units(text: str) -> str:
    """Return the text with one character per UTF-16 unit."""
    if text.isascii():
        return text
    units = text.encode(_UTF16, "surrogatepass")
    return "".join(map(chr, struct.unpack(f"<{len(units) // 2}H", units)))


def _join_surrogates(text: str) -> str:
    """Return the text of UTF-16 units with its surrogate pairs put together, what is left of one as U+FFFD."""
    return text.encode(_UTF16, "surrogatepass").decode(_UTF16, "replace")


class _Scanner:
    """Walks the text as V8's parser does, up to the first fault."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def document(self) -> None:
        self._value()
        if self._peek():
            self._fail("Unexpected non-whitespace character after")

    def _peek(self) -> str:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        position = self._at if at is None else at
        before = self._text[:position]
        starts = [new_line.end() for new_line in _NEW_LINE.finditer(before)]
        line, column = len(starts) + 1, position - (starts[-1] if starts else 0) + 1
        place = "JSON" if message.endswith("after") else "in JSON"
        raise _Fault(f"{message} {place} at position {position} (line {line} column {column})")

    def _unexpected(self) -> NoReturn:
        text, at = self._text, self._at
        if at >= len(text):
            raise _Fault(_END)
        if text[at] == '"':
            self._fail("Unexpected string")
        if text[at] == "-" or text[at] in _DIGITS:
            self._fail("Unexpected number")
        if text in _SPECIAL:
            raise _Fault(f'"{text}" is not valid JSON')
        raise _Fault(f"Unexpected token '{text[at]}', {self._quoted(at)} is not valid JSON")

    def _quoted(self, at: int) -> str:
        """Return the text, or the part around a place in it when it is long."""
        text = self._text
        if len(text) <= 2 * _CONTEXT:
            return f'"{text}"'
        start = 0 if at < _CONTEXT else at - _CONTEXT
        end = len(text) if at >= len(text) - _CONTEXT else at + _CONTEXT
        return f'{"..." if at >= _CONTEXT else ""}"{text[start:end]}"{"..." if end < len(text) else ""}'

    def _value(self) -> None:
        first = self._peek()
        if first == "{":
            self._object()
        elif first == "[":
            self._array()
        elif first == '"':
            self._string()
        elif first == "-" or first in _DIGITS:
            self._number()
        else:
            self._literal()

    def _literal(self) -> None:
        for word in ("true", "false", "null"):
            if self._text.startswith(word[0], self._at):
                for letter in word:
                    if self._text[self._at : self._at + 1] != letter:
                        self._unexpected()
                    self._at += 1
                return
        self._unexpected()

    def _number(self) -> None:
        match = _NUMBER.match(self._text, self._at)
        assert match is not None
        start, self._at = self._at, match.end()
        digits = match[0].lstrip("-")
        if match[0].startswith("-") and digits[:1] not in _DIGITS:
            self._fail("No number after minus sign", start + 1)
        if match[1] == ".":
            self._fail("Unterminated fractional number", start + len(match[0]) - len(match[2] or ""))
        if match[2] is not None and match[2][-1] not in _DIGITS:
            self._fail("Exponent part is missing a number")
        if digits == "0" and self._text[self._at : self._at + 1] in _DIGITS:
            self._fail("Unexpected number")

    def _string(self) -> None:
        self._at += 1
        while True:
            if self._at >= len(self._text):
                self._fail("Unterminated string")
            character = self._text[self._at]
            if character == '"':
                self._at += 1
                return
            if character < " ":
                self._fail("Bad control character in string literal")
            self._at += 1
            if character == "\\":
                self._escape()

    def _escape(self) -> None:
        escape = self._text[self._at : self._at + 1]
        if not escape:
            raise _Fault(_END)
        if escape == "u":
            for _ in range(4):
                self._at += 1
                if self._text[self._at : self._at + 1] not in set("0123456789abcdefABCDEF"):
                    self._fail("Bad Unicode escape")
        elif escape > "\xff":  # V8 looks escapes up in a table of one byte
            self._unexpected()
        elif escape not in _ESCAPES:
            self._fail("Bad escaped character")
        self._at += 1

    def _object(self) -> None:
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return
        message = "Expected property name or '}'"
        while True:
            if self._peek() != '"':
                self._fail(message)
            self._string()
            if self._peek() != ":":
                self._fail("Expected ':' after property name")
            self._at += 1
            self._value()
            if self._peek() == "}":
                self._at += 1
                return
            if self._peek() != ",":
                self._fail("Expected ',' or '}' after property value")
            self._at += 1
            message = "Expected double-quoted property name"

    def _array(self) -> None:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self._value()
            if self._peek() == "]":
                self._at += 1
                return
            if self._peek() != ",":
                self._fail("Expected ',' or ']' after array element")
            self._at += 1
