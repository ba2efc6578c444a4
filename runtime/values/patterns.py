"""JavaScript regular expressions over data: RE2 matches them, which cannot run for ever, and no other engine of this process.

What RE2 does not know (look-around, back references), and text with halves of surrogate pairs, takes JavaScript itself. That is
a matter of the host: `matching` says what matches there. Where nothing does, as in workflow code, ScriptNeeded is raised, and
the step runs in an activity.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Protocol

import re2  # type: ignore[import-untyped]

from runtime.values.problem import ProblemError

__all__ = ["BadPatternError", "Pattern", "ScriptNeeded", "compile_pattern", "first_group", "from_text", "matching"]

_SPACES: Final = r"\t\n\x0b\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
_LINE_ENDS: Final = r"\n\r\x{2028}\x{2029}"
_CLASSES: Final = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACES}
_OTHERS: Final = {
    "D": r"\x00-/:-\x{10ffff}",
    "W": r"\x00-/:-@\[-\^`{-\x{10ffff}",
    "S": r"\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"
    r"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}",
}
_LITERAL: Final = re.compile(r"/(.*?)/([gimusy]*)\Z", re.DOTALL)
_HALF: Final = re.compile("[\ud800-\udfff]")
_PROPERTY: Final = re.compile(r"\{(?:General_Category=|gc=)?(\w+)\}")
_BRACED: Final = re.compile(r"\{([0-9a-fA-F]{1,8})\}")
_UNIT: Final = {"u": re.compile("[0-9a-fA-F]{4}"), "x": re.compile("[0-9a-fA-F]{2}")}
_BOUNDS: Final = re.compile(r"\{(\d++)(,?)(\d*+)\}")
_CONTROLS: Final = frozenset("tnvfr")
_UNTERMINATED_CLASS: Final = "Unterminated character class"
_PRIVATE: Final = range(0xE000, 0xF8FF)
"""Code points that no text should have, one of which marks where a match is."""
_LONGEST_KEPT: Final = 4096
"""Characters of a pattern that is kept compiled."""


class BadPatternError(ProblemError):
    """Raised when the pattern is no JavaScript regular expression, or takes too long."""


class ScriptNeeded(Exception):  # a place, not a mistake
    """This pattern on this text takes JavaScript, which does not run here."""


Matcher = Callable[[str, str, str, str | None], Any]
"""`(source, flags, text, replacement)` to what `RegExp.test` gives, or to what `String.replace` gives where there is a
replacement. Raises BadPatternError."""
_MATCHER: ContextVar[Matcher | None] = ContextVar("matcher", default=None)


@contextmanager
def matching(matcher: Matcher | None) -> Iterator[None]:
    """Match by this what RE2 cannot; None: raise ScriptNeeded."""
    token = _MATCHER.set(matcher)
    try:
        yield
    finally:
        _MATCHER.reset(token)


class _Match(Protocol):
    def group(self, *groups: Any) -> Any: ...


class Pattern:
    """A compiled pattern: `test` as in JavaScript, `replace` with JavaScript's replacement text."""

    def __init__(self, source: str, flags: str) -> None:
        self._source, self._flags = source, flags
        self._re2 = _for_re2(_Translator(source, flags).run(), flags)

    def test(self, text: str) -> bool:
        """Return whether the pattern is somewhere in the text. Raises BadPatternError, ScriptNeeded."""
        if self._re2 is not None and not _has_surrogates(text):
            return self._re2.search(text) is not None
        return bool(self._match(text, None))

    def replace(self, text: str, replacement: str) -> str:
        """Return `text.replace(pattern, replacement)`: every match with the flag g, else the first. Raises as `test`."""
        if self._re2 is not None and not _has_surrogates(text) and not _has_surrogates(replacement):
            return str(self._re2.sub(_expander(replacement), text, 0 if "g" in self._flags else 1))
        return str(self._match(text, replacement))

    def find_all(self, text: str) -> list[str]:
        """Return the text of every match of a pattern with the flag g. Raises as `test`."""
        begin, end = islice((mark for mark in map(chr, _PRIVATE) if mark not in text), 2)
        marked = self.replace(text, f"{begin}$&{end}")
        return [piece.partition(end)[0] for piece in marked.split(begin)[1:]]

    def _match(self, text: str, replacement: str | None) -> Any:
        matcher = _MATCHER.get()
        if matcher is None:
            raise ScriptNeeded
        return matcher(self._source, self._flags, text, replacement)


def from_text(text: str, *, always: str = "") -> Pattern:
    """Read a pattern in a field as n8n does: `/source/flags`, or the bare source. `always`: a flag that it has in any case. Raise
    BadPatternError.
    """
    match = _LITERAL.match(text)
    source, flags = (match[1], match[2]) if match else (text, "")
    return compile_pattern(source, flags if always in flags else flags + always)


def compile_pattern(source: str, flags: str = "") -> Pattern:
    """Return `new RegExp(source, flags)`. Raise BadPatternError."""
    return _kept(source, flags) if len(source) <= _LONGEST_KEPT else Pattern(source, flags)


@lru_cache(maxsize=512)
def _kept(source: str, flags: str) -> Pattern:
    return Pattern(source, flags)


def _for_re2(translated: str, flags: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = "i" not in flags
    prefix = "(?m)" if "m" in flags else ""
    spelled = translated.replace(_BOUNDARY, r"\b").replace(_NO_BOUNDARY, r"\B")
    try:
        return re2.compile(prefix + spelled, options)
    except (re2.error, UnicodeEncodeError):
        return None


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and _HALF.search(text) is not None


def _expander(replacement: str) -> Callable[[Any], str]:
    """Return JavaScript's replacement text (`$1`, `$&`, `$$`, `$<name>`) as a function of the match."""

    def expand(match: _Match) -> str:
        def turn(mark: re.Match[str]) -> str:
            name = mark[1]
            if name == "$":
                return "$"
            try:
                group = match.group(0) if name == "&" else match.group(int(name) if name.isdecimal() else name[1:-1])
            except (IndexError, KeyError):
                return mark[0]
            return group or ""

        return _MARK.sub(turn, replacement)

    return expand


_MARK: Final = re.compile(r"\$(\$|&|[1-9]\d?|<[^>]+>)", re.ASCII)
_BOUNDARY: Final = "\ue000"
_NO_BOUNDARY: Final = "\ue001"
"""Stand for \\b and \\B, which mean other things inside a class."""


class _Translator:
    """Walks the source once and writes RE2's spelling of it."""

    def __init__(self, source: str, flags: str) -> None:
        self.source = source
        self.flags = flags
        self.at = 0
        self.out: list[str] = []
        self.bounds = -1
        """Where the last brace was opened that may be closed."""

    def run(self) -> str:
        try:
            while self.at < len(self.source):
                self.out.append(self.next())
        except IndexError:
            raise self.invalid("\\ at end of pattern" if self.source.endswith("\\") else _UNTERMINATED_CLASS) from None
        return "".join(self.out)

    def invalid(self, reason: str) -> BadPatternError:
        return BadPatternError(f"Invalid regular expression: /{self.source}/{self.flags}: {reason}")

    def next(self) -> str:
        symbol = self.source[self.at]
        if symbol == "\\":
            return self.escape(inside=False)
        if symbol == "[":
            return self.character_class()
        if symbol == "(":
            return self.group()
        self.at += 1
        return self.plain(symbol)

    def plain(self, symbol: str) -> str:
        if symbol == ".":
            return r"[\x00-\x{10ffff}]" if "s" in self.flags else f"[^{_LINE_ENDS}]"
        if symbol == "$" and "m" not in self.flags:
            return r"\z"
        if symbol == "{":
            return self.opening()
        if symbol in "+*?" and self.out and self.out[-1] in ("+", "*", "?") and symbol != "?":
            raise self.invalid("Nothing to repeat")
        if symbol == "}" and self.bounds < 0:
            return r"\}"
        self.bounds = -1 if symbol == "}" else self.bounds
        return symbol

    def opening(self) -> str:
        """Return a brace that opens bounds such as `{2,3}`, or one that stands for itself."""
        if _BOUNDS.match(self.source, self.at - 1) is None:
            return r"\{"
        if self.out and self.out[-1] in ("+", "*", "?", "}"):
            raise self.invalid("Nothing to repeat")
        self.bounds = self.at - 1
        return "{"

    def group(self) -> str:
        self.at += 1
        rest = self.source[self.at : self.at + 3]
        if rest.startswith("?<") and not rest.startswith(("?<=", "?<!")):
            self.at += 2
            return "(?P<"
        if rest.startswith("?"):
            if rest[1:2] not in (":", "=", "!", "<"):
                raise self.invalid("Invalid group")
            self.at += 1
            return "(?"
        return "("

    def escape(self, *, inside: bool) -> str:
        symbol = self.source[self.at + 1]
        self.at += 2
        if symbol in _CLASSES:
            return _CLASSES[symbol] if inside else f"[{_CLASSES[symbol]}]"
        if symbol in _OTHERS:
            return _OTHERS[symbol] if inside else f"[^{_CLASSES[symbol.lower()]}]"
        if symbol in "bB":
            return r"\x08" if inside else _BOUNDARY if symbol == "b" else _NO_BOUNDARY
        if symbol in "pP" and "u" in self.flags:
            return self.unicode_class(symbol, inside=inside)
        if symbol == "k" and self.source[self.at : self.at + 1] == "<":
            return self.named_reference()
        if symbol in "ux":
            return self.code_point(symbol)
        if symbol == "c":
            return self.control()
        if symbol == "0":
            return r"\x00"
        if symbol.isdecimal():
            return "\\" + symbol
        return rf"\x{{{ord(symbol):x}}}" if symbol not in _CONTROLS else r"\x0b" if symbol == "v" else "\\" + symbol

    def named_reference(self) -> str:
        """Return a reference, which RE2 does not know. Raise BadPatternError for a name that does not end."""
        end = self.source.find(">", self.at)
        if end < 0:
            raise self.invalid("Invalid named reference")
        name, self.at = self.source[self.at + 1 : end], end + 1
        return f"(?P={name})"

    def control(self) -> str:
        letter = self.source[self.at : self.at + 1]
        if not (letter.isascii() and letter.isalpha()):
            return r"\\c"
        self.at += 1
        return rf"\x{{{ord(letter) % 32:x}}}"

    def unicode_class(self, symbol: str, *, inside: bool) -> str:
        match = _PROPERTY.match(self.source, self.at)
        ranges = _category(match[1]) if match else None
        if match is None or ranges is None:
            raise self.invalid("Invalid property name")
        self.at = match.end()
        if symbol == "P" and inside:
            raise self.invalid("\\P inside a class is not supported")
        return ranges if inside else f"[{'^' if symbol == 'P' else ''}{ranges}]"

    def code_point(self, symbol: str) -> str:
        braced = _BRACED.match(self.source, self.at) if "u" in self.flags else None
        plain = _UNIT[symbol].match(self.source, self.at)
        match = braced or plain
        if match is None:
            return symbol
        self.at = match.end()
        return rf"\x{{{int(match[1] if braced else match[0], 16):x}}}"

    def character_class(self) -> str:
        self.at += 1
        negated = self.source[self.at : self.at + 1] == "^"
        self.at += negated
        parts: list[str] = []
        while self.source[self.at] != "]":
            symbol = self.source[self.at]
            if symbol == "\\":
                parts.append(self.escape(inside=True))
                continue
            parts.append("\\" + symbol if symbol in "[&~|^" or (symbol == "-" and self.literal_dash(parts)) else symbol)
            self.at += 1
        self.at += 1
        if not parts:
            return r"[\x00-\x{10ffff}]" if negated else r"[^\x00-\x{10ffff}]"
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def literal_dash(self, parts: list[str]) -> bool:
        r"""Return whether a dash is literal: next to a class such as `\\w`, first, last or doubled."""
        following = self.source[self.at + 1 : self.at + 3]
        beside_class = bool(parts) and parts[-1] in (*_CLASSES.values(), *_OTHERS.values())
        return not parts or beside_class or following[:1] in ("]", "-") or following in ("\\w", "\\d", "\\s")


_LONG_NAMES: Final = {
    "Letter": "L", "Lowercase_Letter": "Ll", "Uppercase_Letter": "Lu", "Titlecase_Letter": "Lt", "Number": "N",
    "Decimal_Number": "Nd", "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Mark": "M", "Other": "C",
    "Alphabetic": "L", "Lowercase": "Ll", "Uppercase": "Lu",
}  # fmt: skip

_CATEGORIES: Final = frozenset({
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
})  # fmt: skip


@lru_cache(maxsize=64)
def _category(name: str) -> str | None:
    """Return the ranges of a general category such as `L` or `Nd`, or None if there is none of this name."""
    short = _LONG_NAMES.get(name, name)
    if short not in _CATEGORIES:
        return None
    ranges = list(_ranges(short))
    return "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges) if ranges else None


def _ranges(category: str) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for point in range(sys.maxunicode + 2):
        inside = point <= sys.maxunicode and unicodedata.category(chr(point)).startswith(category)
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            yield start, point - 1
            start = None


def first_group(pattern: str, text: str) -> str | None:
    """Return what the first group of an RE2 pattern of ours matches in a text; None without a match."""
    found = re2.search(pattern, text)
    return found.group(1) if found else None
