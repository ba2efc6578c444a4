"""Repairs almost-JSON as n8n does for raw JSON parameters: missing quotes, commas and brackets, raw line breaks, comments.

n8n uses the `jsonrepair` package (ISC licence, © Jos de Jong); this follows the same repairs in the same order, so that
the same text gives the same value or the same refusal.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from runtime.values.javascript import json_stringify
from runtime.values.json_text import NotJsonError, parse_json

__all__ = ["parse_repaired", "repair"]

_DELIMITERS: Final = frozenset(",:[]/{}()\n+")
_UNQUOTED_DELIMITERS: Final = frozenset(",[]/{}\n+")
_DOUBLE: Final = frozenset('"')
_SINGLE: Final = frozenset("'")
_DOUBLE_LIKE: Final = frozenset('"\u201c\u201d')
_SINGLE_LIKE: Final = frozenset("'`\u2018\u2019\u00b4")
_QUOTES: Final = _DOUBLE_LIKE | _SINGLE_LIKE
_WHITESPACE: Final = frozenset(" \n\t\r")
_SPECIAL: Final = frozenset("\u00a0\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))))
_ESCAPES: Final = frozenset('"\\/bfnrt')
_CONTROLS: Final = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_DIGITS: Final = frozenset("0123456789")
_WORD: Final = re.compile(r"[a-zA-Z_$][a-zA-Z_$0-9]*")
_URL_START: Final = re.compile(r"(?:http|https|ftp|mailto|file|data|irc)://\Z")
_URL_REST: Final = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&'()*+;=]*")
_START: Final = re.compile(r"[\[{\w-]", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_CUT_NUMBER: Final = re.compile(r"(?:-|-?\d*\.|-?\d*(?:\.\d+)?[eE][+-]?)(?=[,:\[\]/{}()\n+\s]|\Z)")
_ZERO_FIRST: Final = re.compile(r"0\d")
_WITHOUT_LINE_END: Final = frozenset(" \t\r")
_MAX_STEPS: Final = 32
_LEAST_STEPS: Final = 1000
_KEYWORDS: Final = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_OPENING_FENCES: Final = ("```", "[```", "{```")
_CLOSING_FENCES: Final = ("```", "```]", "```}")


def parse_repaired(text: str) -> Any:
    """Return `JSON.parse` of the text, or of its repair. Raise NotJsonError."""
    try:
        return parse_json(text)
    except NotJsonError:
        return parse_json(repair(text))


def repair(text: str) -> str:
    """Return valid JSON text as far as the repairs reach. Raise NotJsonError where they do not."""
    try:
        return _Repair(text).run()
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error


class _Output:
    """The text that is written, character by character, so that its end can be changed without a copy of the rest."""

    def __init__(self) -> None:
        self.characters: list[str] = []

    def __len__(self) -> int:
        return len(self.characters)

    def __str__(self) -> str:
        return "".join(self.characters)

    def add(self, text: str) -> None:
        self.characters.extend(text)

    def cut(self, length: int) -> None:
        del self.characters[length:]

    def before_whitespace(self, insert: str) -> None:
        end = self.end(_WHITESPACE)
        self.characters[end:end] = insert

    def end(self, skipped: frozenset[str]) -> int:
        """Return where the characters end, without those at the end that are skipped."""
        end = len(self.characters)
        while end and self.characters[end - 1] in skipped:
            end -= 1
        return end

    def drop_last(self, symbol: str, *, and_rest: bool = False) -> None:
        """Remove the last occurrence of a symbol, with what follows it or without."""
        at = len(self.characters) - 1
        while at >= 0 and self.characters[at] != symbol:
            at -= 1
        if at >= 0:
            del self.characters[at : None if and_rest else at + 1]


class _Repair:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out = _Output()
        self.steps = _MAX_STEPS * len(text) + _LEAST_STEPS
        """Characters of strings that may still be read: a string whose end is not clear is read again."""
        self.found: dict[str, tuple[int, int]] = {}
        """Symbol -> from where it was looked for, and where it is."""

    def run(self) -> str:
        self.fence(_OPENING_FENCES)
        if not self.value():
            raise self.fail()
        self.fence(_CLOSING_FENCES)
        comma = self.take(",")
        if comma:
            self.space()
        end = self.out.end(_WITHOUT_LINE_END)
        if self.starts_value() and end and self.out.characters[end - 1] in ",\n":
            if not comma:
                self.out.before_whitespace(",")
            self.lines()
        elif comma:
            self.out.drop_last(",")
        while self.char() in ("}", "]"):
            self.at += 1
            self.space()
        if self.at < len(self.text):
            raise self.fail()
        return str(self.out)

    def fail(self) -> NotJsonError:
        return NotJsonError(f"unexpected {self.char()!r} at position {self.at}")

    def count_step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise NotJsonError("the ends of its strings are not clear")

    def char(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def take(self, symbol: str) -> bool:
        """Copy a symbol to the output."""
        if self.char() != symbol:
            return False
        self.out.add(symbol)
        self.at += 1
        return True

    def skip(self, symbol: str) -> bool:
        matches = self.char() == symbol
        self.at += matches
        return matches

    def starts_value(self) -> bool:
        char = self.char()
        return char in _QUOTES or _START.match(char) is not None

    # --- space, comments, fences ---

    def space(self, *, newlines: bool = True) -> None:
        self.blanks(newlines=newlines)
        while self.comment():
            self.blanks(newlines=newlines)

    def blanks(self, *, newlines: bool) -> None:
        while char := self.char():
            if char in _WHITESPACE and (newlines or char != "\n"):
                self.out.add(char)
            elif char in _SPECIAL:
                self.out.add(" ")
            else:
                return
            self.at += 1

    def comment(self) -> bool:
        two = self.text[self.at : self.at + 2]
        if two == "/*":
            end = self.next("*/")
            self.at = len(self.text) if end < 0 else end + 2
            return True
        if two == "//":
            end = self.next("\n")
            self.at = len(self.text) if end < 0 else end
            return True
        return False

    def next(self, symbol: str) -> int:
        """Return where a symbol is next, -1 if nowhere. Text that was searched once is not searched again, unless the reader has gone
        back to before it.
        """
        start, known = self.found.get(symbol, (len(self.text), -1))
        if self.at < start:
            before = self.text.find(symbol, self.at, start + len(symbol) - 1)
            known = before if before >= 0 else known
        elif 0 <= known < self.at:
            known = self.text.find(symbol, self.at)
        else:
            return known
        self.found[symbol] = self.at, known
        return known

    def fence(self, fences: tuple[str, ...]) -> None:
        self.blanks(newlines=True)
        for fence in fences:
            if self.text.startswith(fence, self.at):
                self.at += len(fence)
                word = _WORD.match(self.text, self.at)
                self.at = word.end() if word else self.at
                self.space()
                return

    def ellipsis(self) -> None:
        self.space()
        if self.text.startswith("...", self.at):
            self.at += 3
            self.space()
            self.skip(",")

    # --- values ---

    def value(self) -> bool:
        self.space()
        parsed = any(parse() for parse in self.parsers())
        self.space()
        return parsed

    def parsers(self) -> tuple[Callable[[], bool], ...]:
        return (
            self.object, self.array, self.string, self.number, self.keyword, lambda: self.bare(key=False), self.regex,
        )  # fmt: skip

    def object(self) -> bool:
        if not self.take("{"):
            return False
        self.space()
        if self.skip(","):
            self.space()
        first = True
        while self.char() not in ("", "}"):
            if not first:
                self.comma()
                self.space()
            first = False
            self.ellipsis()
            if not (self.string() or self.bare(key=True)):
                if self.char() not in ("", "}", "{", "]", "["):
                    raise self.fail()
                self.out.drop_last(",")
                break
            self.member()
        self.close("}")
        return True

    def member(self) -> None:
        self.space()
        colon = self.take(":")
        cut = self.at >= len(self.text)
        if not colon:
            if not (cut or self.starts_value()):
                raise self.fail()
            self.out.before_whitespace(":")
        if not self.value():
            if not (colon or cut):
                raise self.fail()
            self.out.add("null")

    def array(self) -> bool:
        if not self.take("["):
            return False
        self.space()
        if self.skip(","):
            self.space()
        first = True
        while self.char() not in ("", "]"):
            if not first:
                self.comma()
            first = False
            self.ellipsis()
            if not self.value():
                self.out.drop_last(",")
                break
        self.close("]")
        return True

    def comma(self) -> None:
        if not self.take(","):
            self.out.before_whitespace(",")

    def close(self, symbol: str) -> None:
        if not self.take(symbol):
            self.out.before_whitespace(symbol)

    def lines(self) -> None:
        """Make several values below each other an array."""
        first = True
        while True:
            if not first:
                self.comma()
            first = False
            if not self.value():
                break
        self.out.drop_last(",")
        self.out.characters[:0] = "[\n"
        self.out.add("\n]")

    def number(self) -> bool:
        cut = _CUT_NUMBER.match(self.text, self.at)
        if cut:
            self.out.add(cut[0] + "0")
            self.at = cut.end()
            return True
        match = _NUMBER.match(self.text, self.at)
        if not match or not match[0]:
            return False
        following = self.text[match.end() : match.end() + 1]
        if following and following not in _DELIMITERS and following not in _WHITESPACE:
            return False
        self.at = match.end()
        self.out.add(f'"{match[0]}"' if _ZERO_FIRST.match(match[0]) else match[0])
        return True

    def keyword(self) -> bool:
        for name, written in _KEYWORDS.items():
            if self.text.startswith(name, self.at):
                self.out.add(written)
                self.at += len(name)
                return True
        return False

    def bare(self, *, key: bool) -> bool:
        """Read a string without quotes, or a call such as `ObjectId("x")`, which becomes its argument."""
        start = self.at
        if self.call():
            return True
        while (char := self.char()) and char not in _UNQUOTED_DELIMITERS and char not in _QUOTES:
            if key and char == ":":
                break
            self.at += 1
        if self.text[self.at - 1 : self.at] == ":" and _URL_START.match(self.text[start : self.at + 2]):
            self.at = self.rest_of_url()
        if self.at <= start:
            return False
        while self.at > 0 and self.text[self.at - 1] in _WHITESPACE:
            self.at -= 1
        symbol = self.text[start : self.at]
        self.out.add("null" if symbol == "undefined" else json_stringify(symbol) or "")
        self.skip('"')
        return True

    def call(self) -> bool:
        word = _WORD.match(self.text, self.at)
        if not word:
            return False
        after = word.end()
        while self.text[after : after + 1] in _WHITESPACE and after < len(self.text):
            after += 1
        if self.text[after : after + 1] != "(":
            return False
        self.at = after + 1
        self.value()
        if self.skip(")"):
            self.skip(";")
        return True

    def rest_of_url(self) -> int:
        match = _URL_REST.match(self.text, self.at)
        return match.end() if match else self.at

    def regex(self) -> bool:
        if self.char() != "/":
            return False
        end = self.at + 1
        while end < len(self.text) and (self.text[end] != "/" or self.text[end - 1] == "\\"):
            end += 1
        self.out.add(f'"{self.text[self.at : end + 1]}"')
        self.at = end + 1
        return True

    # --- strings ---

    def string(self, *, stop_at_delimiter: bool = False, stop_at: int = -1) -> bool:
        escaped = self.skip("\\")
        if self.char() not in _QUOTES or not self.char():
            return False
        return _String(self, escaped=escaped).read(stop_at_delimiter=stop_at_delimiter, stop_at=stop_at)

    def concatenated(self) -> None:
        """Join `"a" + "b"` to one string."""
        self.space()
        while self.skip("+"):
            self.space()
            self.out.drop_last('"', and_rest=True)
            start = len(self.out)
            if self.string():
                del self.out.characters[start : start + 1]
            else:
                self.out.before_whitespace('"')


class _String:
    """One quoted string: finds out which quote really ends it."""

    def __init__(self, whole: _Repair, *, escaped: bool) -> None:
        self.whole = whole
        self.text = whole.text
        self.escaped = escaped
        self.start, self.before = whole.at, len(whole.out)
        quote = whole.char()
        kinds = (_DOUBLE, _SINGLE, _SINGLE_LIKE, _DOUBLE_LIKE)
        self.ends = next(kind for kind in kinds if quote in kind)
        self.read_so_far = ['"']
        whole.at += 1

    def read(self, *, stop_at_delimiter: bool, stop_at: int) -> bool:
        whole = self.whole
        while True:
            whole.count_step()
            char = whole.char()
            if not char:
                last = self.previous(whole.at - 1)
                if not stop_at_delimiter and last in _DELIMITERS:
                    return self.again(stop_at_delimiter=True)
                return self.finish()
            if whole.at == stop_at:
                return self.finish()
            if char in self.ends:
                finished = self.quote(stop_at_delimiter=stop_at_delimiter)
                if finished is not None:
                    return finished
            elif stop_at_delimiter and char in _UNQUOTED_DELIMITERS:
                return self.cut()
            elif char == "\\":
                self.escape()
            else:
                self.plain(char)
            if self.escaped:
                whole.skip("\\")

    def previous(self, at: int) -> str:
        """Return the last character before `at` that is no whitespace."""
        while at > 0 and self.text[at : at + 1] in _WHITESPACE:
            at -= 1
        self.previous_at = at
        return self.text[at : at + 1] or " "

    def again(self, *, stop_at_delimiter: bool = False, stop_at: int = -1) -> bool:
        self.whole.at = self.start
        self.whole.out.cut(self.before)
        return self.whole.string(stop_at_delimiter=stop_at_delimiter, stop_at=stop_at)

    def finish(self) -> bool:
        self.whole.out.add("".join(self.read_so_far))
        self.whole.out.before_whitespace('"')
        return True

    def cut(self) -> bool:
        """End the string at this delimiter, since the closing quote is missing."""
        whole = self.whole
        if self.text[whole.at - 1] == ":" and _URL_START.match(self.text[self.start + 1 : whole.at + 2]):
            end = whole.rest_of_url()
            self.read_so_far.append(self.text[whole.at : end])
            whole.at = end
        self.finish()
        whole.concatenated()
        return True

    def quote(self, *, stop_at_delimiter: bool) -> bool | None:
        """Read a quote that ends the string, or (None) one that belongs to its text."""
        whole, at = self.whole, self.whole.at
        whole.at += 1
        whole.space(newlines=False)  # its blanks are what the output holds of this string so far
        following = whole.char()
        if (
            stop_at_delimiter
            or not following
            or following in _DELIMITERS
            or following in _QUOTES
            or following in _DIGITS
        ):
            blanks = whole.out.characters[self.before :]
            whole.out.cut(self.before)
            whole.out.add("".join([*self.read_so_far, '"', *blanks]))
            whole.concatenated()
            return True
        before = self.previous(at - 1)
        if before == ",":
            return self.again(stop_at=self.previous_at)
        if before in _DELIMITERS:
            return self.again(stop_at_delimiter=True)
        whole.out.cut(self.before)
        whole.at = at + 1
        self.read_so_far.append('\\"')
        return None

    def escape(self) -> None:
        whole = self.whole
        char = whole.char(1)
        if char in _ESCAPES and char:
            self.read_so_far.append("\\" + char)
            whole.at += 2
        elif char == "u":
            self.unicode()
        else:
            self.read_so_far.append(char)
            whole.at += 2

    def unicode(self) -> None:
        whole = self.whole
        digits = 0
        while digits < 4 and whole.char(2 + digits) in _HEX and whole.char(2 + digits):
            digits += 1
        if digits == 4:
            self.read_so_far.append(self.text[whole.at : whole.at + 6])
            whole.at += 6
        elif whole.at + 2 + digits >= len(self.text):
            whole.at = len(self.text)
        else:
            raise whole.fail()

    def plain(self, char: str) -> None:
        if char == '"' and self.text[self.whole.at - 1] != "\\":
            self.read_so_far.append('\\"')
        elif char in _CONTROLS:
            self.read_so_far.append(_CONTROLS[char])
        elif char < " ":
            raise self.whole.fail()
        else:
            self.read_so_far.append(char)
        self.whole.at += 1
