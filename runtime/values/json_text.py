"""JSON as JavaScript reads it: `JSON.parse`, and the object literals that n8n accepts where it expects an object."""

import json
import re
from typing import Any, Final

from runtime.values.javascript import js_number, js_string, tidy
from runtime.values.json_bytes import is_deeper
from runtime.values.json_error import json_error
from schemas.item import MAX_NESTING, UNDEFINED

__all__ = ["NotJsonError", "TooDeepError", "parse_json", "parse_object_literal"]

_SPACE: Final = re.compile(r"(?:\s|\ufeff|//[^\n\r\u2028\u2029]*+|/\*(?>.*?\*/))*+", re.DOTALL)
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w$]*|[$][\w$]*")
_NUMBER: Final = re.compile(
    r"[+-]?\s*(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
)
_STRING: Final = re.compile(r"""(["'])((?:(?!\1)[^\\\n\r]|\\(?:\r\n|.))*+)\1""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|.))", re.DOTALL)
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}
_REGEX: Final = re.compile(r"/(?![/*])(?:[^/\\\n]|\\.)++/[a-z]*+")
_OPERAND: Final = re.compile(
    r"(?!(?:new|typeof|void|delete)\b)(?:[^\W\d]|\$)[\w$]*|0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?"
)
_PREFIX: Final = re.compile(r"[+\-!~]|(?:new|typeof|void|delete)\b")
_OPERATOR: Final = re.compile(r"=>|\?\.|\?\?|[=!]==?|[<>]=?|&&|\|\||\*\*|[+\-*/%&|^.?:]|(?:in|instanceof)\b")
_FUNCTIONS: Final = ("function", "class", "async")
_MAX_AGAIN: Final = 16
"""What looks like a value and goes on (`[1][0]`) is read again, on each of its levels: so many times the text, together."""
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class NotJsonError(ValueError):
    """Raised for text that is not JSON (or no object literal)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    @property
    def message(self) -> str:
        """Return V8's sentence about it; for a text that V8 would read and Python does not (too deep), that it is not
        JSON.
        """
        return json_error(self.text) or f'"{self.text[:10]}"... is not valid JSON'


class TooDeepError(NotJsonError):
    """Raised for JSON that is nested deeper than items may be."""

    @property
    def message(self) -> str:
        """Return the sentence for the author."""
        return f"The JSON is nested deeper than {MAX_NESTING} levels"


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=lambda text: tidy(float(text)))


def parse_json(text: str) -> Any:
    """Return `JSON.parse(text)`. Raise NotJsonError."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(text) from error
    return _within_depth(value, text)


def _within_depth(value: Any, text: str) -> Any:
    """Return the value of a text. Raise TooDeepError. A level has two brackets, so that short texts cannot be too deep."""
    if len(text) > 2 * MAX_NESTING and is_deeper(value, MAX_NESTING):
        raise TooDeepError(text)
    return value


def parse_object_literal(text: str) -> Any:
    """Parse `text` as n8n does where it expects an object: JSON, or a JavaScript object literal without code.

    Identifiers count as their names, other expressions as undefined (their keys are dropped). Raise NotJsonError.
    """
    try:
        return parse_json(text)
    except TooDeepError:
        raise
    except NotJsonError:
        reader = _Literal(text + ")")  # n8n parses `(text)`, so a comment at the end swallows the bracket
        try:
            value = reader.value()
        except RecursionError:
            raise TooDeepError(text) from None
        reader.end()
        if not isinstance(value, dict):
            raise
        return _within_depth(value, text)


class _Literal:
    """A recursive-descent reader of object literals."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.again = _MAX_AGAIN * len(text)
        """Characters that may still be read a second time."""

    def fail(self) -> NotJsonError:
        return NotJsonError("not an object literal")

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def peek(self) -> str:
        self.space()
        return self.text[self.at : self.at + 1]

    def take(self, symbol: str) -> bool:
        matches = self.peek() == symbol
        self.at += matches
        return matches

    def end(self) -> None:
        if not self.take(")") or self.peek():
            raise self.fail()

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.space()
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def value(self) -> Any:
        start = self.at
        value = self.simple()
        if value is not UNDEFINED and self.peek() in (",", "}", "]", ")"):
            return value
        self.again -= self.at - start
        if self.again < 0:
            raise self.fail()
        self.at = start
        return self.code()

    def simple(self) -> Any:
        symbol = self.peek()
        if symbol == "{":
            return self.object()
        if symbol == "[":
            return self.array()
        if symbol in ('"', "'"):
            return self.string()
        number = self.match(_NUMBER)
        if number:
            return _number(number[0])
        if self.match(_REGEX):
            return {}
        name = self.match(_IDENTIFIER)
        return _CONSTANTS.get(name[0], name[0]) if name else UNDEFINED

    def object(self) -> dict[str, Any]:
        self.take("{")
        members: dict[str, Any] = {}
        while not self.take("}"):
            if self.text.startswith("...", self.at):
                self.at += 3
                self.value()
            else:
                self.member(members)
            if not self.take(",") and self.peek() != "}":
                raise self.fail()
        return {key: value for key, value in members.items() if value is not UNDEFINED}

    def member(self, members: dict[str, Any]) -> None:
        key, shorthand = self.key()
        if self.take(":"):
            members[key] = self.value()
            if self.text[self.at - 1 : self.at] == ":":
                raise self.fail()
        elif shorthand:
            members[key] = key
        else:
            raise self.fail()

    def key(self) -> tuple[str, bool]:
        symbol = self.peek()
        if symbol in ('"', "'"):
            return self.string(), False
        if symbol == "[":
            self.take("[")
            inner = self.simple()
            if not self.take("]"):
                raise self.fail()
            return js_string(inner), False
        name = self.match(_IDENTIFIER)
        if name:
            return name[0], True
        number = self.match(_NUMBER)
        if number is None:
            raise self.fail()
        return js_string(_number(number[0])), False

    def array(self) -> list[Any]:
        self.take("[")
        elements: list[Any] = []
        while not self.take("]"):
            if self.take(","):
                elements.append(None)
                continue
            value = self.value()
            elements.append(None if value is UNDEFINED else value)
            if not self.take(",") and self.peek() != "]":
                raise self.fail()
        return elements

    def string(self) -> str:
        match = self.match(_STRING)
        if match is None:
            raise self.fail()
        return _ESCAPE.sub(_unescape, match[2])

    def code(self) -> Any:
        """Skip an expression that n8n does not evaluate; its value is undefined. Raise NotJsonError if it is none."""
        expects_operand, ternaries = True, 0
        self.space()
        begins = next((each for each in _FUNCTIONS if self.text.startswith(each, self.at)), None)
        bodies = len(self.text) if begins is None else self.at + len(begins)
        while symbol := self.peek():
            if symbol in ",)}]" or (symbol == ":" and not ternaries):
                break
            if symbol in "([{" or symbol == "`":
                self.group(function=self.at >= bodies)
                expects_operand = False
            elif expects_operand and (symbol in "\"'" or self.match(_OPERAND)):
                if symbol in "\"'":
                    self.string()
                expects_operand = False
            elif operator := self.match(_PREFIX if expects_operand else _OPERATOR):
                ternaries += (operator[0] == "?") - (operator[0] == ":")
                expects_operand = True
            else:
                raise self.fail()
        if expects_operand:
            raise self.fail()
        return UNDEFINED

    def last_before(self, at: int) -> str:
        """Return the last character before a place that is no white space."""
        while at and self.text[at - 1].isspace():
            at -= 1
        return self.text[at - 1 : at]

    def group(self, *, function: bool) -> None:
        """Skip a bracket with all that is in it."""
        opening = self.text[self.at]
        if opening == "{" and not function and self.last_before(self.at) not in ("(", ":", "=", ">", ",", "["):
            raise self.fail()
        self.at += 1
        closing = _PAIRS.get(opening, "`")
        while (symbol := self.text[self.at : self.at + 1]) != closing:
            if not symbol:
                raise self.fail()
            if symbol in _PAIRS and opening != "`":
                self.group(function=True)
            elif symbol in "\"'" and opening != "`":
                self.string()
            else:
                self.at += 1
        self.at += 1


def _number(text: str) -> float:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+- \t")
    return tidy(sign * js_number(digits))


def _unescape(match: re.Match[str]) -> str:
    braced, four, two, other = match.groups()
    code = braced or four or two
    if code:
        return chr(int(code, 16))
    if other in ("u", "x"):
        raise NotJsonError("bad escape")
    return "" if other in ("\n", "\r", "\r\n") else _CONTROLS.get(other, other)
