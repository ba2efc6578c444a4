"""JavaScript regular expressions, translated for Python's `re`.

Patterns of authors run over data inside workflow code, so what could take exponential time is refused before it runs.
"""

import re
from functools import lru_cache
from typing import Final

from runtime.values.problem import ProblemError

__all__ = ["BadPatternError", "compile_pattern", "from_text", "replacement"]

_SPACES: Final = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_LINE_ENDS: Final = r"\n\r\u2028\u2029"
_CLASSES: Final = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACES}
_NEGATED: Final = {"D": "[^0-9]", "W": "[^A-Za-z0-9_]", "S": f"[^{_SPACES}]"}
_NEGATED_INSIDE: Final = {
    "D": r"\x00-/:-\U0010ffff",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "S": r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff",
}
_LITERAL: Final = re.compile(r"/(.*?)/([gimusy]*)\Z", re.DOTALL)
_ESCAPED: Final = frozenset("tnvfr")
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
_MAX_REPEATS: Final = 1000


class BadPatternError(ProblemError):
    """The pattern is no JavaScript regular expression, or one that could run for ever."""


def from_text(text: str) -> re.Pattern[str]:
    """n8n's reading of a pattern in a field: `/source/flags`, or the bare source."""
    match = _LITERAL.match(text)
    return compile_pattern(match[1], match[2]) if match else compile_pattern(text, "")


@lru_cache(maxsize=512)
def compile_pattern(source: str, flags: str = "") -> re.Pattern[str]:
    """A Python pattern with the meaning of `new RegExp(source, flags)`. Raises BadPatternError."""
    options = (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
    try:
        translated = _Translator(source, flags).run()
        compiled = re.compile(translated, options)
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        reason = next((shown for known, shown in _REASONS.items() if known in str(error)), str(error))
        raise BadPatternError(f"Invalid regular expression: /{source}/{flags}: {reason}") from error
    if _may_explode(source):
        raise BadPatternError(
            f"The regular expression /{source}/{flags} repeats a repetition, which can take exponential time. "
            "Rewrite it without a quantifier inside a quantified group."
        )
    return compiled


class _Translator:
    """Walks the source once and writes Python's spelling."""

    def __init__(self, source: str, flags: str) -> None:
        self.source = source
        self.flags = flags
        self.at = 0
        self.out: list[str] = []

    def run(self) -> str:
        while self.at < len(self.source):
            symbol = self.source[self.at]
            if symbol == "\\":
                self.out.append(self.escape(inside=False))
            elif symbol == "[":
                self.out.append(self.character_class())
            elif symbol == "(":
                self.out.append(self.group())
            else:
                self.out.append(self.plain(symbol))
                self.at += 1
        return "".join(self.out)

    def plain(self, symbol: str) -> str:
        if symbol == ".":
            return r"[\s\S]" if "s" in self.flags else f"[^{_LINE_ENDS}]"
        if symbol == "$":
            return rf"(?=[{_LINE_ENDS}]|\Z)" if "m" in self.flags else r"\Z"
        if symbol == "+" and self.out and self.out[-1] in ("+", "*", "?", "}"):
            raise re.error("nothing to repeat")
        return symbol

    def group(self) -> str:
        self.at += 1
        rest = self.source[self.at :]
        if rest.startswith("?<") and not rest.startswith(("?<=", "?<!")):
            self.at += 2
            return "(?P<"
        if rest.startswith("?"):
            self.at += 1
            return "(?"
        return "("

    def escape(self, *, inside: bool) -> str:
        symbol = self.source[self.at + 1]
        self.at += 2
        if symbol in _CLASSES:
            return _CLASSES[symbol] if inside else f"[{_CLASSES[symbol]}]"
        if symbol in _NEGATED:
            return _NEGATED_INSIDE[symbol] if inside else _NEGATED[symbol]
        if symbol in "bB":
            return r"\x08" if inside else rf"(?a:\{symbol})"
        if symbol == "k" and self.source[self.at : self.at + 1] == "<":
            end = self.source.index(">", self.at)
            name, self.at = self.source[self.at + 1 : end], end + 1
            return f"(?P={name})"
        if symbol in "ux":
            return self.code_point(symbol)
        if symbol == "0":
            return r"\x00"
        if symbol.isdigit() or symbol in _ESCAPED:
            return "\\" + symbol
        return re.escape(symbol)

    def code_point(self, symbol: str) -> str:
        braced = re.compile(r"\{([0-9a-fA-F]+)\}").match(self.source, self.at) if "u" in self.flags else None
        plain = re.compile(f"[0-9a-fA-F]{{{4 if symbol == 'u' else 2}}}").match(self.source, self.at)
        found = braced or plain
        if found is None:
            return symbol
        self.at = found.end()
        return re.escape(chr(int(found[1] if braced else found[0], 16)))

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
            return r"[\s\S]" if negated else "(?!)"
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def literal_dash(self, parts: list[str]) -> bool:
        r"""A dash beside a class such as `\w`, first, last or doubled stands for itself."""
        following = self.source[self.at + 1 : self.at + 3]
        return not parts or following[:1] in ("]", "-") or following in ("\\w", "\\d", "\\s") or len(parts[-1]) > 2


def _may_explode(source: str) -> bool:
    r"""Whether an unbounded repetition contains another one: `(a+)+`, `(a|b*)*`, `(?:\w+\s?)*`."""
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
    bounds = re.compile(r"\{(\d+)(,?)(\d*)\}").match(source, at)
    if not bounds:
        return False
    return bool(bounds[2] and not bounds[3]) or int(bounds[3] or bounds[1]) > _MAX_REPEATS


def replacement(text: str) -> str:
    """JavaScript's replacement text (`$1`, `$&`, `$$`, `$<name>`) as Python's."""

    def turn(match: re.Match[str]) -> str:
        mark = match[1]
        if mark == "$":
            return "$"
        if mark == "&":
            return r"\g<0>"
        return rf"\g<{mark.strip('<>')}>"

    escaped = text.replace("\\", "\\\\")
    return re.sub(r"\$(\$|&|\d{1,2}|<[^>]+>)", turn, escaped)
