"""`Date.parse` as V8 does it for strings that are not ISO dates: `1 Feb 2024`, `Feb 1, 2024 5:00 PM`, `2/1/2024`.

The rules are those of V8's published legacy date grammar: words before the first number are ignored, text in parentheses
too, numbers followed by `:` are times, three numbers make a day (month first unless the first is no day).
"""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Parts", "parse_legacy"]

_TOKEN: Final = re.compile(r"(?P<number>\d+)|(?P<space>\s+)|(?P<word>[^\x00-@\s]+)|(?P<symbol>.)", re.DOTALL)
_MONTHS: Final = {
    name: i
    for i, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
_HALVES: Final = {"am": 0, "pm": 12}
_ZONES: Final = {
    "ut": 0,
    "utc": 0,
    "z": 0,
    "gmt": 0,
    "cdt": -5,
    "cst": -6,
    "edt": -4,
    "est": -5,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
}
_MAX_DIGITS: Final = 9


@dataclass
class Parts:
    """A date as it was written. `offset_s` is the distance from UTC in seconds; None: local time."""

    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0
    millisecond: int = 0
    offset_s: int | None = None


class _NotADateError(Exception):
    """The text does not follow the grammar."""


@dataclass
class _Reader:
    tokens: list[tuple[str, str]]
    at: int = 0
    days: list[int] = field(default_factory=list)
    month: int | None = None
    times: list[int] = field(default_factory=list)
    half: int | None = None
    zone: tuple[int, int, int | None] | None = None
    """Sign, hours, minutes (None: a number is still to come)."""
    seen_number: bool = False

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def skip(self, symbol: str) -> bool:
        matches = self.peek() == ("symbol", symbol)
        self.at += matches
        return matches

    def read(self) -> None:
        while self.peek()[0] != "end":
            kind, text = self.next()
            if kind == "number":
                self.seen_number = True
                self.number(int(text.lstrip("0")[:_MAX_DIGITS] or 0))
            elif kind == "word":
                self.word(text.lower())
            elif kind == "symbol":
                self.symbol(text)

    def number(self, n: int) -> None:
        if self.skip(":"):
            self.before_colon(n)
        elif self.peek() == ("symbol", ".") and self.skip(".") and self.expects_time(n):
            self.times.append(n)
            self.fraction()
        elif self.zone is not None and self.zone[2] is None and n < 60:
            self.zone = (self.zone[0], self.zone[1], n)
        elif self.expects_time(n):
            self.final_time(n)
        else:
            _require(len(self.days) < 3)
            self.days.append(n)
            self.skip("-")

    def before_colon(self, n: int) -> None:
        if self.skip(":"):
            _require(not self.times)
            self.times += [n, 0]
            return
        _require(len(self.times) < 4)
        self.times.append(n)
        self.skip(".")

    def fraction(self) -> None:
        kind, text = self.next()
        _require(kind == "number")
        self.times.append(int(text[:3].ljust(3, "0")))
        self.times += [0] * (4 - len(self.times))

    def final_time(self, n: int) -> None:
        self.times.append(n)
        self.times += [0] * (4 - len(self.times))
        kind, text = self.peek()
        _require(kind in ("end", "space") or text in ("+", "-") or text.lower() == "z")

    def expects_time(self, n: int) -> bool:
        limit = {1: 60, 2: 60, 3: 1000}.get(len(self.times), 0)
        return n < limit

    def word(self, text: str) -> None:
        name = text[:3]
        if text in _HALVES and self.times:
            self.half = _HALVES[text]
        elif name in _MONTHS:
            self.month = _MONTHS[name]
            self.skip("-")
        elif text in _ZONES and self.seen_number:
            hours = _ZONES[text]
            self.zone = (-1 if hours < 0 else 1, abs(hours), 0)
        else:
            _require(not self.seen_number and self.peek()[0] != "number")

    def symbol(self, text: str) -> None:
        if text in "+-" and (self.times or (self.zone is not None and self.zone[1:] == (0, 0))):
            self.offset(-1 if text == "-" else 1)
        elif text in "+-)" and self.seen_number:
            raise _NotADateError
        elif text == "(":
            self.parentheses()

    def offset(self, sign: int) -> None:
        digits = self.next()[1] if self.peek()[0] == "number" else ""
        self.seen_number = True
        n = int(digits or 0)
        if self.skip(":"):
            self.zone = (sign, n, None)
        elif len(digits) in (1, 2):
            self.zone = (sign, n, 0)
        else:
            _require(len(digits) in (3, 4))
            self.zone = (sign, n // 100, n % 100)

    def parentheses(self) -> None:
        depth = 1
        while depth and self.peek()[0] != "end":
            text = self.next()[1]
            depth += (text == "(") - (text == ")")


def _require(holds: bool) -> None:
    if not holds:
        raise _NotADateError


def parse_legacy(text: str) -> Parts | None:
    """Return the parts of a date in V8's tolerant grammar, or None."""
    tokens = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(text)]
    reader = _Reader(tokens)
    try:
        reader.read()
        year, month, day = _day(reader)
        hour, minute, second, millisecond = _time(reader)
    except _NotADateError:
        return None
    offset = None
    if reader.zone is not None:
        sign, hours, minutes = reader.zone
        offset = sign * (hours * 3600 + (minutes or 0) * 60)
    return Parts(year, month, day, hour, minute, second, millisecond, offset)


def _day(reader: _Reader) -> tuple[int, int, int]:
    _require(bool(reader.days))
    a, b, c = (*reader.days, 1, 1)[:3]
    starts_with_day = 1 <= a <= 31
    if reader.month is not None:
        year, month, day = (b, reader.month, a) if starts_with_day else (a, reader.month, b)
    else:
        year, month, day = (c, a, b) if starts_with_day else (a, b, c)
    if 0 <= year <= 49:
        year += 2000
    elif year <= 99:
        year += 1900
    _require(1 <= month <= 12 and 1 <= day <= 31)
    return year, month, day


def _time(reader: _Reader) -> tuple[int, int, int, int]:
    hour, minute, second, millisecond = (*reader.times, 0, 0, 0, 0)[:4]
    if reader.half is not None:
        _require(hour <= 12)
        hour = hour % 12 + reader.half
    midnight = (hour, minute, second, millisecond) == (24, 0, 0, 0)
    _require(midnight or (hour < 24 and minute < 60 and second < 60 and millisecond < 1000))
    return hour, minute, second, millisecond
