"""What V8 says about text that is not JSON: `Unexpected token 'x', "..." is not valid JSON` and its sisters."""

import re
from typing import Final

__all__ = ["json_error"]

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_DIGITS: Final = re.compile(r"\d*", re.ASCII)
_CONTEXT: Final = 10
_ESCAPES: Final = frozenset('"\\/bfnrt')


class _FoundError(Exception):
    """The place and kind of the first mistake."""

    def __init__(self, at: int, reason: str | None = None) -> None:
        super().__init__(at)
        self.at = at
        self.reason = reason


def json_error(text: str) -> str:
    """The message of the SyntaxError that `JSON.parse(text)` throws; the text must not be JSON."""
    if text == "[object Object]":
        return '"[object Object]" is not valid JSON'
    try:
        scanner = _Scanner(text)
        scanner.value()
        scanner.end()
    except _FoundError as found:
        return _message(text, found)
    except RecursionError:
        pass
    return "Unexpected end of JSON input"


def _message(text: str, found: _FoundError) -> str:
    at = found.at
    if found.reason is not None:
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        inside = "" if found.reason.endswith("JSON") else " in JSON"
        return f"{found.reason}{inside} at position {at} (line {line} column {column})"
    if at >= len(text):
        return "Unexpected end of JSON input"
    token = f"Unexpected token '{text[at]}'"
    if len(text) <= 2 * _CONTEXT:
        return f'{token}, "{text}" is not valid JSON'
    if at < _CONTEXT:
        return f'{token}, "{text[: at + _CONTEXT]}"... is not valid JSON'
    if at < len(text) - _CONTEXT:
        return f'{token}, ..."{text[at - _CONTEXT : at + _CONTEXT]}"... is not valid JSON'
    return f'{token}, ..."{text[at - _CONTEXT :]}" is not valid JSON'


class _Scanner:
    """Reads JSON strictly and stops at the first mistake."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def space(self) -> str:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def end(self) -> None:
        if self.space():
            raise _FoundError(self.at, "Unexpected non-whitespace character after JSON")

    def value(self) -> None:
        symbol = self.space()
        if symbol == "{":
            self.object()
        elif symbol == "[":
            self.array()
        elif symbol == '"':
            self.string()
        elif symbol == "-" or symbol.isdecimal():
            self.number()
        else:
            self.word(symbol)

    def word(self, symbol: str) -> None:
        expected = {"t": "true", "f": "false", "n": "null"}.get(symbol)
        if expected is None:
            raise _FoundError(self.at)
        for letter in expected:
            if self.text[self.at : self.at + 1] != letter:
                raise _FoundError(self.at)
            self.at += 1

    def object(self) -> None:
        self.at += 1
        first = True
        while True:
            symbol = self.space()
            if symbol == "}" and first:
                break
            if symbol != '"':
                self.expect(
                    symbol, "Expected property name or '}'" if first else "Expected double-quoted property name"
                )
            first = False
            self.string()
            if (symbol := self.space()) != ":":
                self.expect(symbol, "Expected ':' after property name")
            self.at += 1
            self.value()
            symbol = self.space()
            if symbol == "}":
                break
            if symbol != ",":
                self.expect(symbol, "Expected ',' or '}' after property value")
            self.at += 1
        self.at += 1

    def array(self) -> None:
        self.at += 1
        if self.space() == "]":
            self.at += 1
            return
        while True:
            self.value()
            symbol = self.space()
            if symbol == "]":
                break
            if symbol != ",":
                self.expect(symbol, "Expected ',' or ']' after array element")
            self.at += 1
        self.at += 1

    def expect(self, symbol: str, reason: str) -> None:
        raise _FoundError(self.at, reason if symbol or reason.startswith("Expected") else None)

    def string(self) -> None:
        self.at += 1
        while True:
            symbol = self.text[self.at : self.at + 1]
            if not symbol:
                raise _FoundError(self.at, "Unterminated string")
            if symbol < " ":
                raise _FoundError(self.at, "Bad control character in string literal")
            self.at += 1
            if symbol == '"':
                return
            if symbol == "\\":
                self.escape()

    def escape(self) -> None:
        symbol = self.text[self.at : self.at + 1]
        if symbol == "u":
            for ahead in range(1, 5):
                if not re.match(r"[0-9a-fA-F]", self.text[self.at + ahead : self.at + ahead + 1]):
                    raise _FoundError(self.at + ahead, "Bad Unicode escape")
            self.at += 5
        elif symbol in _ESCAPES and symbol:
            self.at += 1
        else:
            raise _FoundError(self.at, "Bad escaped character" if symbol else "Unterminated string")

    def number(self) -> None:
        if self.text[self.at] == "-":
            self.at += 1
            if not self.text[self.at : self.at + 1].isdecimal():
                raise _FoundError(self.at, "No number after minus sign")
        if self.text[self.at] == "0":
            self.at += 1
            if self.text[self.at : self.at + 1].isdecimal():
                raise _FoundError(self.at, "Unexpected number")
        self.digits(None)
        if self.text[self.at : self.at + 1] == ".":
            self.at += 1
            self.digits("Unterminated fractional number")
        if self.text[self.at : self.at + 1] in ("e", "E"):
            self.at += 1
            if self.text[self.at : self.at + 1] in ("+", "-"):
                self.at += 1
            self.digits("Exponent part is missing a number")

    def digits(self, missing: str | None) -> None:
        match = _DIGITS.match(self.text, self.at)
        end = match.end() if match else self.at
        if missing and end == self.at:
            raise _FoundError(self.at, missing)
        self.at = end
