"""Time zones of calendar files: those that a file describes itself (VTIMEZONE), and those that have a name of the IANA's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

__all__ = ["MAX_OBSERVANCES", "CalendarZone", "Offset", "offset_of"]

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_HOUR: Final = 3_600_000
_MINUTE: Final = 60_000
_MOST_HOURS: Final = 23
MAX_OBSERVANCES: Final = 100
"""Each time of a file looks at all observances of its zone; zones with all their history have some fifty."""
_NO_RULES: Final = "Cannot read properties of undefined (reading 'offsetTo')"


@dataclass(frozen=True)
class Offset:
    """How far a zone is east of UTC at a time: as a file writes it, and in milliseconds."""

    text: str
    milliseconds: int


class CalendarZone:
    """A zone that a file describes by its observances, each with a start, offsets and maybe a rule that repeats it every year."""

    def __init__(self, observances: Sequence[Mapping[str, Any]]) -> None:
        """Take the observances as `read_calendar` gives them. Raises ValueError: there are more than MAX_OBSERVANCES."""
        if len(observances) > MAX_OBSERVANCES:
            raise ValueError(f"A time zone has more than {MAX_OBSERVANCES} observances")
        self._observances = [_Observance(start, each) for each in observances if (start := _start(each)) is not None]

    def offset(self, wall: datetime) -> Offset:
        """Return the offset at a time of the zone's own clocks.

        Raises:
            ValueError: there are no observances, or one that repeats begins after this time. The message is n8n's.
        """
        begins = sorted(
            ((begin, each.members) for each in self._observances for begin in each.begins(wall)),
            key=lambda pair: pair[0],
        )
        if not begins:
            raise ValueError(_NO_RULES)
        past = [each for start, each in begins if start <= wall]
        text = str(past[-1].get("offsetTo") or "") if past else str(begins[0][1].get("offsetFrom") or "")
        return _written(text[:5])


def offset_of(name: str, zone: CalendarZone | None, wall: datetime | None) -> Offset | None:
    """Return the offset of a zone; None where nobody knows it.

    Args:
        name: of the zone.
        zone: what the file says of it.
        wall: a time of the zone's clocks, as if in UTC; None: one that cannot be read.

    Raises:
        ValueError: the file's own rules give none.
    """
    if zone is not None and wall is not None:
        return zone.offset(wall)
    milliseconds = _fixed(name)
    if milliseconds is None:
        if wall is None:
            return None
        key = _names().get(name.lower())
        if key is None:
            return None
        try:
            # of a time that does not exist n8n takes the offset after the gap, of one that exists twice the second one
            offset = wall.replace(tzinfo=ZoneInfo(key), fold=1).utcoffset()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None
        milliseconds = 0 if offset is None else int(offset / timedelta(milliseconds=1))
    return Offset(_text(milliseconds), milliseconds)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _fixed(name: str) -> int | None:
    """Return the milliseconds of `Z`, `+02` or `+0530`; None: it is none of these."""
    if name == "Z":
        return 0
    digits = name[1:]
    if name[:1] not in ("+", "-") or len(digits) not in (2, 4) or not (digits.isascii() and digits.isdigit()):
        return None
    hours, minutes = int(digits[:2]), int(digits[2:] or "0")
    if hours > _MOST_HOURS or minutes >= 60:
        return None
    return (hours * _HOUR + minutes * _MINUTE) * (-1 if name[0] == "-" else 1)


def _text(milliseconds: int) -> str:
    """Return an offset as n8n writes it. It rounds hours down, so that west of UTC one of minutes is odd: `-04-30`."""
    hours = abs(milliseconds // _HOUR)
    minutes = abs(milliseconds // _MINUTE) - hours * 60
    pair = "".join(f"0{each}" if len(str(each)) == 1 else str(each) for each in (hours, minutes))
    return f"{'-' if milliseconds < 0 else '+'}{pair}"


def _written(text: str) -> Offset:
    digits = text[1:]
    if len(digits) < 2 or not (digits.isascii() and digits.isdigit()):
        raise ValueError(_NO_RULES)
    milliseconds = int(digits[:2]) * _HOUR + int(digits[2:4] or "0") * _MINUTE
    return Offset(text, milliseconds if text[0] == "+" else -milliseconds)


def _start(observance: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(observance.get("start")))
    except ValueError:
        return None


class _Observance:
    """An observance with its start, its rule read once, and its days by the year."""

    def __init__(self, start: datetime, members: Mapping[str, Any]) -> None:
        self.members = members
        self._start, self._rule = start, members.get("recurrenceRule")
        self._end = None if self._rule is None else _until(self._rule)
        self._days: dict[int, datetime | None] = {}

    def begins(self, wall: datetime) -> Iterator[datetime]:
        """Yield when it begins: by its rule the last two times before `wall`, else once. Raise ValueError."""
        start, rule = self._start, self._rule
        if rule is None or (self._end is not None and self._end < wall):  # n8n reads no rule that has ended
            yield start
            return
        end = self._end or wall
        if end < start:
            raise ValueError("Invalid interval")
        yield start
        for year in (wall.year - 1, wall.year):
            if year not in self._days:
                self._days[year] = _day_of(rule, year, start)
            day = self._days[year]
            if day is not None and start < day <= end:
                yield day


def _until(rule: Mapping[str, Any]) -> datetime | None:
    written = rule.get("until")
    date = written.get("date") if isinstance(written, Mapping) else None
    return datetime.fromisoformat(date) if isinstance(date, str) else None


def _day_of(rule: Mapping[str, Any], year: int, start: datetime) -> datetime | None:
    """Return the day of a year on which a yearly rule (`BYMONTH`, `BYDAY`) begins: n8n counts from its midnight."""
    if rule.get("frequency") != "YEARLY":
        return None
    month = int(rule["byMonth"][0]) + 1 if rule.get("byMonth") else start.month
    try:
        if not rule.get("byDay"):
            return start.replace(year=year, month=month)
        day, nth = rule["byDay"][0]["day"], int(rule["byDay"][0].get("occurence") or 1)
        if nth > 0:
            first = datetime(year, month, 1, tzinfo=UTC)
            return first + timedelta(days=(_DAYS.index(day) - first.weekday()) % 7 + 7 * (nth - 1))
        last = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - _DAYS.index(day)) % 7 + 7 * (-nth - 1))
    except (ValueError, OverflowError):
        return None
