"""JavaScript regular expressions over data, inside workflow code: linear time first.

A pattern is translated for RE2, which cannot run for ever. What RE2 does not know (look-around, back references) goes to
Python's `re`, unless it nests repetitions: then it is refused before it runs, with the same message on every replay.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Protocol

import re2  # type: ignore[import-untyped]

from runtime.values.problem import ProblemError

__all__ = ["BadPatternError", "Pattern", "compile_pattern", "from_text"]

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
_BRACED: Final = re.compile(r"\\x\{([0-9a-f]+)\}")
_BOUNDS: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")
_CONTROLS: Final = frozenset("tnvfr")
_MAX_REPEATS: Final = 1000
_REASONS: Final = {
    "unterminated character set": "Unterminated character class",
    "string index out of range": "Unterminated character class",
    "unterminated subpattern": "Unterminated group",
    "unbalanced parenthesis": "Unmatched ')'",
    "nothing to repeat": "Nothing to repeat",
    "multiple repeat": "Nothing to repeat",
    "bad character range": "Range out of order in character class",
    "min repeat greater": "numbers out of order in {} quantifier",
}


class BadPatternError(ProblemError):
    """Raised when the pattern is no JavaScript regular expression, or one that could run for ever."""


class _Match(Protocol):
    def group(self, *groups: Any) -> Any: ...


class Pattern:
    """A compiled pattern: `test` as in JavaScript, `replace` with JavaScript's replacement text."""

    def __init__(self, source: str, flags: str) -> None:
        translated = _Translator(source, flags).run()
        self._re = _for_re(translated, source, flags)
        self._re2 = _for_re2(translated, flags)
        self._everywhere = "g" in flags
        if self._re2 is None and _may_explode(source):
            raise BadPatternError(
                f"The regular expression /{source}/{flags} repeats a repetition and looks around or back, which can take "
                "exponential time. Rewrite it without a quantifier inside a quantified group."
            )

    def test(self, text: str) -> bool:
        """Return whether the pattern is somewhere in the text."""
        if self._re2 is not None and not _has_surrogates(text):
            return self._re2.search(text) is not None
        return self._re.search(text) is not None

    def replace(self, text: str, replacement: str) -> str:
        """Return `text.replace(pattern, replacement)`: every match with the flag g, else the first."""
        count = 0 if self._everywhere else 1
        engine: Any = self._re2 if self._re2 is not None and not _has_surrogates(text) else self._re
        return str(engine.sub(_expander(replacement), text, count))


def from_text(text: str) -> Pattern:
    """Read a pattern in a field as n8n does: `/source/flags`, or the bare source. Raise BadPatternError."""
    match = _LITERAL.match(text)
    return compile_pattern(match[1], match[2]) if match else compile_pattern(text, "")


@lru_cache(maxsize=512)
def compile_pattern(source: str, flags: str = "") -> Pattern:
    """Return `new RegExp(source, flags)`. Raise BadPatternError."""
    return Pattern(source, flags)


def _for_re(translated: str, source: str, flags: str) -> re.Pattern[str]:
    options = (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
    spelled = _BRACED.sub(lambda match: re.escape(chr(int(match[1], 16))), translated)
    spelled = spelled.replace(r"\z", r"\Z").replace(_BOUNDARY, r"(?a:\b)").replace(_NO_BOUNDARY, r"(?a:\B)")
    try:
        return re.compile(spelled, options)
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        reason = next((sentence for known, sentence in _REASONS.items() if known in str(error)), str(error))
        raise BadPatternError(f"Invalid regular expression: /{source}/{flags}: {reason}") from error


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
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


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
"""Stand for \\b and \\B until it is known who reads the pattern."""


class _Translator:
    """Walks the source once and writes the spelling that RE2 and `re` share."""

    def __init__(self, source: str, flags: str) -> None:
        self.source = source
        self.flags = flags
        self.at = 0
        self.out: list[str] = []

    def run(self) -> str:
        try:
            while self.at < len(self.source):
                self.out.append(self.next())
        except IndexError:
            raise self.invalid(
                "\\ at end of pattern" if self.source.endswith("\\") else _REASONS["string index out of range"]
            ) from None
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
        if symbol == "{" and not _BOUNDS.match(self.source, self.at - 1):
            return r"\{"
        if symbol in "+*?" and self.out and self.out[-1] in ("+", "*", "?") and symbol != "?":
            raise self.invalid("Nothing to repeat")
        return r"\}" if symbol == "}" and not self.closes_bounds() else symbol

    def closes_bounds(self) -> bool:
        opening = self.source.rfind("{", 0, self.at)
        return opening >= 0 and bool(_BOUNDS.fullmatch(self.source, opening, self.at))

    def group(self) -> str:
        self.at += 1
        rest = self.source[self.at :]
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
            end = self.source.index(">", self.at)
            name, self.at = self.source[self.at + 1 : end], end + 1
            return f"(?P={name})"
        if symbol in "ux":
            return self.code_point(symbol)
        if symbol == "c":
            return self.control()
        if symbol == "0":
            return r"\x00"
        if symbol.isdecimal():
            return "\\" + symbol
        return rf"\x{{{ord(symbol):x}}}" if symbol not in _CONTROLS else r"\x0b" if symbol == "v" else "\\" + symbol

    def control(self) -> str:
        letter = self.source[self.at : self.at + 1]
        if not (letter.isascii() and letter.isalpha()):
            return r"\\c"
        self.at += 1
        return rf"\x{{{ord(letter) % 32:x}}}"

    def unicode_class(self, symbol: str, *, inside: bool) -> str:
        match = re.compile(r"\{(?:General_Category=|gc=)?(\w+)\}").match(self.source, self.at)
        ranges = _category(match[1]) if match else None
        if match is None or ranges is None:
            raise self.invalid("Invalid property name")
        self.at = match.end()
        if symbol == "P" and inside:
            raise self.invalid("\\P inside a class is not supported")
        return ranges if inside else f"[{'^' if symbol == 'P' else ''}{ranges}]"

    def code_point(self, symbol: str) -> str:
        braced = re.compile(r"\{([0-9a-fA-F]+)\}").match(self.source, self.at) if "u" in self.flags else None
        plain = re.compile("[0-9a-fA-F]{4}" if symbol == "u" else "[0-9a-fA-F]{2}").match(self.source, self.at)
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


@lru_cache(maxsize=64)
def _category(name: str) -> str | None:
    """Return the ranges of a general category such as `L` or `Nd`, or None if there is none of this name."""
    short = _LONG_NAMES.get(name, name)
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


def _may_explode(source: str) -> bool:
    r"""Return whether an unbounded repetition contains another one: `(a+)+`, `(a|b*)*`, `(?:\\w+\\s?)*`."""
    depth: list[bool] = []
    inside = False
    at = 0
    while at < len(source):
        symbol = source[at]
        if symbol == "\\":
            at += 1
        elif symbol == "[":
            at = _class_end(source, at)
        elif symbol == "(":
            depth.append(inside)
            inside = False
        elif symbol == ")" and depth:
            repeated = _unbounded(source, at + 1)
            if inside and repeated:
                return True
            inside = depth.pop() or inside or repeated
        elif _unbounded(source, at):
            inside = True
        at += 1
    return False


def _class_end(source: str, at: int) -> int:
    at += 1
    while at < len(source) and source[at] != "]":
        at += 2 if source[at] == "\\" else 1
    return at


def _unbounded(source: str, at: int) -> bool:
    if source[at : at + 1] in ("+", "*"):
        return True
    bounds = _BOUNDS.match(source, at)
    if not bounds:
        return False
    return bool(bounds[2] and not bounds[3]) or int(bounds[3] or bounds[1]) > _MAX_REPEATS
