"""Tolerant date parsing as n8n does it: ISO 8601, HTTP, RFC 2822 and SQL as luxon reads them, then `Date.parse`.

Instants are milliseconds since the epoch, so that years beyond Python's `datetime` work too. A string without a zone is
in the time zone that is given; what only `Date.parse` understands is read in UTC, the zone of the process.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runtime.values.legacy_dates import Parts, parse_legacy

__all__ = ["Instant", "date_parse", "days_from_civil", "parse_date"]

_DAY_MS: Final = 86_400_000
_MAX_MS: Final = 8_640_000_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_OF_400_YEARS: Final = 146_097 * 86_400
_EARLIEST: Final = -62_000_000_000  # within year 5: Python's datetime begins with year 1
_LATEST: Final = 250_000_000_000

_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTH: Final = {name: i for i, name in enumerate(_MONTHS.split("|"), start=1)}
_WEEKDAYS: Final = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_LONG_DAYS: Final = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_NAMED_OFFSETS: Final = {
    "UT": 0,
    "GMT": 0,
    "EDT": -4,
    "EST": -5,
    "CDT": -5,
    "CST": -6,
    "MDT": -6,
    "MST": -7,
    "PDT": -7,
    "PST": -8,
}
_IANA: Final = r"(?P<zone>[A-Za-z_+-]{1,256}(?::?/[A-Za-z0-9_+-]{1,256}(?:/[A-Za-z0-9_+-]{1,256})?)?)"
_OFFSET: Final = r"(?:(?P<utc>[Zz])|(?P<oh>[+-]\d\d)(?::?(?P<om>\d\d))?)"
_TIME: Final = r"(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,30}))?)?)?"
_ISO_TIME: Final = rf"{_TIME}(?:{_OFFSET}?(?:\[{_IANA}\])?)?"
_SQL_TIME: Final = rf"{_TIME} ?(?:{_OFFSET}|{_IANA})?"
_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d)"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{text})\Z", re.ASCII)


_ISO: Final = tuple(
    _pattern(form)
    for form in (
        rf"(?P<year>[+-]\d{{6}}|\d{{4}})(?:-?(?P<month>\d\d)(?:-?(?P<day>\d\d))?)?(?:[Tt]{_ISO_TIME})?",
        rf"(?P<year>\d{{4}})-?W(?P<week>\d\d)(?:-?(?P<weekday>\d))?(?:[Tt]{_ISO_TIME})?",
        rf"(?P<year>\d{{4}})-?(?P<ordinal>\d{{3}})(?:[Tt]{_ISO_TIME})?",
        _ISO_TIME,
    )
)
_HTTP: Final = tuple(
    _pattern(form)
    for form in (
        rf"(?P<dow>{_WEEKDAYS}), (?P<day>\d\d) (?P<name>{_MONTHS}) (?P<year>\d{{4}}) {_CLOCK}:(?P<second>\d\d) GMT",
        rf"(?P<dow>{_LONG_DAYS}), (?P<day>\d\d)-(?P<name>{_MONTHS})-(?P<year>\d\d) {_CLOCK}:(?P<second>\d\d) GMT",
        rf"(?P<dow>{_WEEKDAYS}) (?P<name>{_MONTHS}) (?P<day> \d|\d\d) {_CLOCK}:(?P<second>\d\d) (?P<year>\d{{4}})",
    )
)
_MAIL: Final = (
    _pattern(
        rf"(?:(?P<dow>{_WEEKDAYS}),\s)?(?P<day>\d{{1,2}})\s(?P<name>{_MONTHS})\s(?P<year>\d{{2,4}})\s{_CLOCK}"
        r"(?::(?P<second>\d\d))?\s(?:(?P<named>UT|GMT|[ECMP][SD]T)|(?P<utc>[Zz])|(?P<oh>[+-]\d\d)(?P<om>\d\d))"
    ),
)
_SQL: Final = (
    _pattern(rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)(?: {_SQL_TIME})?"),
    _pattern(_SQL_TIME),
)
_JS_ISO: Final = _pattern(
    r"(?P<year>[+-]\d{6}|\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?:[Tt](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?(?:(?P<utc>[Zz])|(?P<oh>[+-]\d\d):?(?P<om>\d\d))?)?"
)


@dataclass(frozen=True)
class Instant:
    """A point in time and the zone it was written in. `ms` counts from the epoch, `offset_s` is east of UTC."""

    ms: int
    offset_s: int
    utc: bool = False
    """True when the zone is UTC itself (`Z` in ISO form), not merely an offset of zero."""

    def iso(self) -> str:
        """Return luxon's `toISO()`: `2024-01-01T10:00:00.000+02:00`."""
        days, rest = divmod(self.ms + self.offset_s * 1000, _DAY_MS)
        year, month, day = _civil_from_days(days)
        seconds, millisecond = divmod(rest, 1000)
        year_text = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{millisecond:03d}"
        return f"{year_text}-{month:02d}-{day:02d}T{clock}{self._suffix()}"

    def _suffix(self) -> str:
        if self.utc:
            return "Z"
        minutes = abs(self.offset_s) // 60
        return f"{'-' if self.offset_s < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def parse_date(text: str, zone: str = "UTC", now_ms: float = 0) -> Instant | None:
    """Return the instant that `text` names, or None. `now_ms` gives the day for a bare time of day."""
    text = text.strip()
    for patterns, clean, fixed in _FORMATS:
        instant = _match(patterns, clean(text), fixed or zone, now_ms)
        if instant is not None:
            return instant
    return _date_parse(text, zone)


_BLANKS: Final = re.compile(r"\s\s+")
_COMMENT: Final = re.compile(r"\([^()]*+\)|[\n\t]")


def _plain(text: str) -> str:
    return text


def _mail(text: str) -> str:
    return _BLANKS.sub(" ", _COMMENT.sub(" ", text)).strip()


_FORMATS: Final[tuple[tuple[tuple[re.Pattern[str], ...], Callable[[str], str], str | None], ...]] = (
    (_ISO, _plain, None),
    (_HTTP, _plain, "UTC"),
    (_MAIL, _mail, "UTC"),
    (_SQL, _plain, None),
)


def _match(patterns: tuple[re.Pattern[str], ...], text: str, zone: str, now_ms: float) -> Instant | None:
    for pattern in patterns:
        match = pattern.match(text)
        if match is not None:
            return _instant({key: value for key, value in match.groupdict().items() if value is not None}, zone, now_ms)
    return None


def _instant(parts: Mapping[str, str], zone: str, now_ms: float) -> Instant | None:
    days = _days(parts, zone, now_ms)
    clock = _clock(parts)
    if days is None or clock is None:
        return None
    wall = days * _DAY_MS + clock
    if "utc" in parts or parts.get("named") in ("UT", "GMT"):
        return Instant(wall, 0, utc=True)
    offset = _written_offset(parts)
    if offset is not None and "zone" not in parts:
        return Instant(wall - offset * 1000, offset, utc=offset == 0)
    named = _zone(parts.get("zone", zone))
    if named is None:
        return None
    if offset is not None:
        ms = wall - offset * 1000
        return Instant(ms, offset_at(ms, named), utc=_is_utc(named))
    return _local(wall, named)


def _days(parts: Mapping[str, str], zone: str, now_ms: float) -> int | None:
    """Return days since the epoch of the date part; None when there is no such day."""
    if "year" not in parts:
        return int((now_ms + offset_at(now_ms, _zone(zone) or ZoneInfo("UTC")) * 1000) // _DAY_MS)
    year = int(parts["year"])
    if len(parts["year"]) <= 2:
        year += 1900 if year > 60 else 2000
    if "week" in parts:
        return _week_day(year, int(parts["week"]), int(parts.get("weekday", 1)))
    if "ordinal" in parts:
        length = days_from_civil(year + 1, 1, 1) - days_from_civil(year, 1, 1)
        ordinal = int(parts["ordinal"])
        return days_from_civil(year, 1, 1) + ordinal - 1 if 1 <= ordinal <= length else None
    month = _MONTH[parts["name"]] if "name" in parts else int(parts.get("month", 1))
    day = int(parts.get("day", 1))
    if not (1 <= month <= 12 and 1 <= day <= _month_length(year, month)):
        return None
    days = days_from_civil(year, month, day)
    if "dow" in parts and _WEEKDAYS.split("|")[(days + 3) % 7] != parts["dow"][:3]:
        return None
    return days


def _week_day(year: int, week: int, weekday: int) -> int | None:
    try:
        return (date.fromisocalendar(year, week, weekday) - date(1970, 1, 1)).days
    except ValueError:
        return None


def _clock(parts: Mapping[str, str]) -> int | None:
    """Return milliseconds since midnight; None when there is no such time."""
    hour, minute, second = (int(parts.get(key, 0)) for key in ("hour", "minute", "second"))
    millisecond = int(parts.get("fraction", "0")[:3].ljust(3, "0"))
    if hour == 24 and (minute, second, millisecond) == (0, 0, 0):
        return _DAY_MS
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * 1000 + millisecond


def _written_offset(parts: Mapping[str, str]) -> int | None:
    if "named" in parts:
        return _NAMED_OFFSETS[parts["named"]] * 3600
    if "oh" not in parts:
        return None
    hours = int(parts["oh"])
    minutes = int(parts.get("om", 0))
    return (hours * 60 + (-minutes if parts["oh"].startswith("-") else minutes)) * 60


def _date_parse(text: str, zone: str) -> Instant | None:
    ms, zone_name = date_parse(text), _zone(zone)
    if ms is None or zone_name is None:
        return None
    return Instant(ms, offset_at(ms, zone_name), utc=_is_utc(zone_name))


def date_parse(text: str) -> int | None:
    """Return JavaScript's `Date.parse` in a process in UTC: milliseconds since the epoch, or None for NaN."""
    parts = _js_iso(text) or parse_legacy(text)
    if parts is None:
        return None
    days = days_from_civil(parts.year, parts.month, 1) + parts.day - 1
    seconds = (parts.hour * 60 + parts.minute) * 60 + parts.second - (parts.offset_s or 0)
    ms = days * _DAY_MS + seconds * 1000 + parts.millisecond
    return ms if abs(ms) <= _MAX_MS else None


def _js_iso(text: str) -> Parts | None:
    """Read ISO forms as V8 does: days are only checked to be 1 to 31."""
    match = _JS_ISO.match(text)
    if match is None:
        return None
    parts = {key: value for key, value in match.groupdict().items() if value is not None}
    clock = _clock(parts)
    month, day = int(parts.get("month", 1)), int(parts.get("day", 1))
    if clock is None or not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    offset = 0 if "utc" in parts else _written_offset(parts)
    return Parts(int(parts["year"]), month, day, 0, 0, clock // 1000, clock % 1000, offset)


# --- zones and calendar ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _is_utc(zone: ZoneInfo) -> bool:
    return zone.key.upper() in ("UTC", "ETC/UTC", "GMT", "ETC/GMT")


def offset_at(ms: float, zone: ZoneInfo) -> int:
    """Return a zone's seconds east of UTC at an instant; years after Python's range count as their 400-year twin."""
    seconds = max(int(ms // 1000), _EARLIEST)
    if seconds > _LATEST:
        seconds %= _SECONDS_OF_400_YEARS
    offset = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _local(wall: int, zone: ZoneInfo) -> Instant:
    """The instant of a wall-clock time. luxon: a time in a gap moves forward, one that occurs twice is the first."""
    first = offset_at(wall, zone)
    ms = wall - first * 1000
    second = offset_at(ms, zone)
    if second != first:
        ms = wall - second * 1000
        third = offset_at(ms, zone)
        if third != second:
            ms = wall - min(second, third) * 1000
    return Instant(ms, offset_at(ms, zone), utc=_is_utc(zone))


def _month_length(year: int, month: int) -> int:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return days_from_civil(*following, 1) - days_from_civil(year, month, 1)


def days_from_civil(year: int, month: int, day: int) -> int:
    """Return days since the epoch of a proleptic Gregorian date of any year."""
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _civil_from_days(days: int) -> tuple[int, int, int]:
    days += 719_468
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1
