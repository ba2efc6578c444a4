"""Cron expressions as n8n reads them, written as lines that Temporal takes.

n8n hands an expression to the npm package `cron` (4.x): five fields or six with seconds first, names of months and weekdays,
7 as another Sunday, steps after `*`, a number or a range, macros. A day matches when it is one of the days of the month or
one of the days of the week, where both are restricted. Temporal wants ranges that go upwards within their field, and a line
fires where all of its fields match.
"""

import calendar
import re
from dataclasses import dataclass
from typing import Final

from schemas.facts import BadScheduleError

__all__ = ["cron_lines"]

MONTHS: Final = tuple(name.lower() for name in calendar.month_name)
WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SHORTEST_NAME: Final = 3
"""Letters of a month or weekday: `jan`. Longer ones up to the whole name are read too, which n8n refuses."""
MACROS: Final = {
    "@secondly": "* * * * * *", "@minutely": "0 * * * * *", "@hourly": "0 0 * * * *", "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *", "@weekly": "0 0 0 * * 0", "@weekdays": "0 0 0 * * 1-5", "@weekends": "0 0 0 * * 0,6",
    "@monthly": "0 0 0 1 * *", "@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *",
}  # fmt: skip
_PART: Final = re.compile(r"(?:(?P<all>[*?])|(?P<first>[a-z0-9]+)(?:-(?P<last>[a-z0-9]+))?)(?:/(?P<step>[0-9]+))?")
_SPECIAL: Final = re.compile(r"[0-9]*[lw]{1,2}|l-[0-9]+|[a-z0-9]+#[0-9]+|[a-z]{3}l")


@dataclass(frozen=True)
class _Field:
    """A field's name and its lowest and highest value."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def value(self, text: str, part: str) -> int:
        """Return a number or a name as number. Raise BadScheduleError."""
        number = int(text) if text.isdecimal() else self._named(text)
        if number is None or not self.low <= number <= self.high:
            raise BadScheduleError(f"{part!r} is not a valid {self.name}")
        return number

    def _named(self, text: str) -> int | None:
        if len(text) < SHORTEST_NAME:
            return None
        return next((number for number, name in enumerate(self.names) if name.startswith(text)), None)


SECOND: Final = _Field("second", 0, 59)
MINUTE: Final = _Field("minute", 0, 59)
HOUR: Final = _Field("hour", 0, 23)
DAY: Final = _Field("day of month", 1, 31)
MONTH: Final = _Field("month", 1, 12, MONTHS)
WEEKDAY: Final = _Field("day of week", 0, 7, WEEKDAYS)
FIELDS: Final = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True)
class _Times:
    """What one field says: its text for Temporal, and the values that match."""

    text: str
    values: frozenset[int]


def cron_lines(text: str) -> tuple[str, ...]:
    """Return a cron expression as lines of six fields in numbers; two lines where it restricts days of the month and of the
    week, since either of them is enough.

    Raises:
        BadScheduleError: n8n refuses it, or it has `L`, `W` or `#`, or it never fires.
    """
    parts = MACROS.get(text.strip().lower(), text).lower().split()
    if len(parts) not in (5, 6):
        raise BadScheduleError(f"it has {len(parts)} fields instead of five or six")
    if len(parts) == 5:
        parts = ["0", *parts]
    second, minute, hour, day, month, weekday = (_times(part, field) for part, field in zip(parts, FIELDS, strict=True))
    clock = f"{second.text} {minute.text} {hour.text}"
    every_day, every_weekday = len(day.values) == 31, len(weekday.values) == 7
    if every_day:
        return (f"{clock} * {month.text} {'*' if every_weekday else weekday.text}",)
    lines = [f"{clock} {day.text} {month.text} *"] if _has_day(day.values, month.values) else []
    if not every_weekday:
        lines.append(f"{clock} * {month.text} {weekday.text}")
    if not lines:
        raise BadScheduleError(f"{text!r} never fires: none of its months has such a day")
    return tuple(lines)


def _times(text: str, field: _Field) -> _Times:
    """Read one field: a list of values, ranges and steps."""
    texts, values = [], set[int]()
    for part in text.split(","):
        selected = _values(part, field)
        texts.append(_text(part, selected, field))
        values |= {each % 7 for each in selected} if field is WEEKDAY else set(selected)
    shown = sorted(",".join(texts).split(","), key=lambda each: each != "0") if field is WEEKDAY else texts
    return _Times("*" if "*" in shown else ",".join(dict.fromkeys(shown)), frozenset(values))


def _values(part: str, field: _Field) -> range:
    """Return what one part of a list selects; a weekday may be 7."""
    if _SPECIAL.fullmatch(part):
        raise BadScheduleError(f"{part!r}: L, W and # are not supported")
    match = _PART.fullmatch(part)
    step = int(match["step"] or 1) if match else 0
    if match is None or step == 0:
        raise BadScheduleError(f"{part!r} is not a valid {field.name}")
    if match["all"]:
        return range(field.low, field.high + 1, step)
    first = field.value(match["first"], part)
    last = field.value(match["last"], part) if match["last"] else first
    if last < first:
        raise BadScheduleError(
            f"the range {part!r} begins after its end: write {_upwards(match, first, last, field)!r}"
        )
    if match["step"] and not match["last"]:
        last = field.high  # 5/15 goes on to the end
    return range(first, last + 1, step)


def _upwards(match: re.Match[str], first: int, last: int, field: _Field) -> str:
    """Return what an author means by a range that goes over the end of its field, as a list."""
    top = 6 if field is WEEKDAY else field.high
    values = [*range(first, top + 1), *range(field.low, last + 1)][:: int(match["step"] or 1)]
    if match["step"]:
        return ",".join(map(str, values))
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in ((first, top), (field.low, last)))


def _text(part: str, selected: range, field: _Field) -> str:
    """Return a part in numbers, as Temporal takes it: steps stay within their field, and Sunday is 0."""
    first, last, step = selected.start, selected.stop - 1, selected.step
    if len(selected) == 1:
        return str(first % 7 if field is WEEKDAY else first)
    if field is WEEKDAY and last == 7 and part[0] not in "*?":
        return _weekdays(selected)
    span = "*" if part[0] in "*?" else f"{first}-{last}"
    return f"{span}/{step}" if "/" in part and not (span == "*" and step == 1) else span


def _weekdays(selected: range) -> str:
    """Return weekdays up to a Sunday that is written as 7."""
    if selected.step > 1:
        return ",".join(str(each) for each in sorted({each % 7 for each in selected}))
    if selected.start == 0:
        return "*"
    return f"0,{selected.start}-6" if selected.start < 6 else "0,6"


def _has_day(days: frozenset[int], months: frozenset[int]) -> bool:
    """Return whether any of the months has any of the days, in some year."""
    longest = max(29 if each == 2 else calendar.monthrange(2023, each)[1] for each in months)
    return min(days) <= longest
