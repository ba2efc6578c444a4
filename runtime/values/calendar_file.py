"""What is in an iCalendar file (RFC 5545), as n8n's Extract from File gives it: the members and their shapes are those of ts-ics."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from runtime.values.calendar_zones import CalendarZone, offset_of
from runtime.values.dates import Instant
from runtime.values.javascript import js_number

__all__ = ["CalendarFileError", "read_calendar"]

_CALENDAR: Final = {"METHOD": "method", "PRODID": "prodId", "VERSION": "version"}
_ZONE: Final = {"LAST-MODIFIED": "lastModified", "TZID": "id", "TZURL": "url"}
_OBSERVANCE: Final = {
    "COMMENT": "comment", "DTSTART": "start", "RDATE": "recurrenceDate", "RRULE": "recurrenceRule", "TZNAME": "name",
    "TZOFFSETFROM": "offsetFrom", "TZOFFSETTO": "offsetTo",
}  # fmt: skip
_EVENT: Final = {
    "ALARM": "alarm", "ATTACH": "attach", "CATEGORIES": "categories", "CLASS": "class", "COMMENT": "comment",
    "CREATED": "created", "DESCRIPTION": "description", "DTEND": "end", "DTSTAMP": "stamp", "DTSTART": "start",
    "DURATION": "duration", "GEO": "geo", "LAST-MODIFIED": "lastModified", "LOCATION": "location", "ORGANIZER": "organizer",
    "PRIORITY": "priority", "RECURRENCE-ID": "recurrenceId", "RRULE": "recurrenceRule", "SEQ": "sequence",
    "STATUS": "status", "SUMMARY": "summary", "TRANSP": "timeTransparent", "UID": "uid", "URL": "url",
}  # fmt: skip
_ALARM: Final = {
    "ACTION": "action", "DESCRIPTION": "description", "DURATION": "duration", "REPEAT": "repeat", "SUMMARY": "summary",
    "TRIGGER": "trigger",
}  # fmt: skip
_RULE: Final = {
    "BYDAY": "byDay", "BYHOUR": "byHour", "BYMINUTE": "byMinute", "BYMONTH": "byMonth", "BYMONTHDAY": "byMonthday",
    "BYSECOND": "bySecond", "BYSETPOS": "bySetPos", "BYWEEKNO": "byWeekNo", "BYYEARDAY": "byYearday", "COUNT": "count",
    "FREQ": "frequency", "INTERVAL": "interval", "UNTIL": "until", "WKST": "workweekStart",
}  # fmt: skip
_NUMBERS: Final = ("bySecond", "byMinute", "byHour", "byMonthday", "byYearday", "byWeekNo", "bySetPos")
_STAMPS: Final = ("stamp", "start", "end", "created", "lastModified")
_SPACE: Final = " \t"
MAX_CHARACTERS: Final = 8_000_000
"""Of a file: each of its times looks at all observances of its zone, which takes up to a minute then."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CalendarFileError(Exception):
    """The file is no calendar. The message is the one that n8n gives."""


class _Line(NamedTuple):
    """A property: its name, its parameters and its value."""

    name: str
    options: Mapping[str, str]
    value: str


def read_calendar(text: str) -> dict[str, Any]:
    """Return `{version, prodId, method, timezones, events}` of a file, each where the file has it. Dates are ISO texts; one that
    cannot be read is None. Values are not unescaped, as in n8n.

    Raises:
        CalendarFileError: a line is no property, a time zone has no offsets, or the file is longer than MAX_CHARACTERS.
    """
    if len(text) > MAX_CHARACTERS:
        raise CalendarFileError(f"The calendar has {len(text):,} characters, and may have {MAX_CHARACTERS:,}")
    events, rest = _blocks(text, "VEVENT")
    zones, rest = _blocks(rest, "VTIMEZONE")
    calendar: dict[str, Any] = {
        _CALENDAR[line.name]: line.value for line in _lines(_bare(rest, "VCALENDAR")) if line.name in _CALENDAR
    }
    if zones:
        calendar["timezones"] = [_zone(each) for each in zones]
    try:
        known = {str(each.get("id")): CalendarZone(each["props"]) for each in reversed(calendar.get("timezones", []))}
    except ValueError as error:
        raise CalendarFileError(str(error)) from error
    if events:
        calendar["events"] = [_event(each, known) for each in events]
    return calendar


def _blocks(text: str, name: str) -> tuple[list[str], str]:
    """Return what stands between each BEGIN and the next END of a component, and the text without them."""
    begin, end = f"BEGIN:{name}", f"END:{name}"
    blocks, rest, at = list[str](), list[str](), 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        rest.append(text[at:start])
        blocks.append(_bare(text[start:stop], name))
        at = stop + len(end)
    return blocks, "".join([*rest, text[at:]])


def _bare(text: str, name: str) -> str:
    return text.replace(f"BEGIN:{name}", "").replace(f"END:{name}", "")


def _lines(text: str) -> Iterator[_Line]:
    """Yield the properties of a text, each of its folded lines as one. Raise CalendarFileError."""
    folded: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line and folded and line[0] in _SPACE:
            folded.append(line.lstrip())
        elif line:
            if folded:
                yield _line("".join(folded))
            folded = [line]
    if folded:
        yield _line("".join(folded))


def _line(text: str) -> _Line:
    colon = _outside_quotes(text)
    if colon is None:
        raise CalendarFileError(f"Line not valid: {text}")
    name, *options = text[:colon].split(";")
    return _Line(name, dict(_option(each) for each in options), text[colon + 1 :])


def _outside_quotes(text: str) -> int | None:
    """Return where the first colon stands that is in no quotation marks."""
    at, quoted = 0, False
    for piece in text.split('"'):
        if not quoted and (colon := piece.find(":")) >= 0:
            return at + colon
        at, quoted = at + len(piece) + 1, not quoted
    return None


def _option(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return name, value[1:-1] if quoted else value


# --- components -----------------------------------------------------------------------------------------------------


def _zone(text: str) -> dict[str, Any]:
    standard, rest = _blocks(text, "STANDARD")
    daylight, rest = _blocks(rest, "DAYLIGHT")
    props = [_observance(each, "STANDARD") for each in standard] + [_observance(each, "DAYLIGHT") for each in daylight]
    zone: dict[str, Any] = {"props": props}
    for line in _lines(rest):
        if (name := _ZONE.get(line.name)) is not None:
            zone[name] = _iso(_time(line.value)) if name == "lastModified" else line.value
    return zone


def _observance(text: str, type_: str) -> dict[str, Any]:
    observance: dict[str, Any] = {"type": type_}
    for line in _lines(text):
        match name := _OBSERVANCE.get(line.name):
            case None:
                continue
            case "start":
                observance[name] = _iso(_time(line.value))
            case "recurrenceRule":
                observance[name] = _rule(line.value)
            case "recurrenceDate":
                observance[name] = _stamp(line, {})
            case _:
                observance[name] = line.value
    return observance


def _event(text: str, zones: Mapping[str, CalendarZone]) -> dict[str, Any]:
    alarms, rest = _blocks(text, "VALARM")
    event: dict[str, Any] = {}
    attendees: list[dict[str, Any]] = []
    for line in _lines(rest):
        if line.name == "ATTENDEE":
            attendees.append(_attendee(line))
        elif (name := _EVENT.get(line.name)) is not None:
            event[name] = _of_event(name, line, zones)
    if alarms:
        event["alarms"] = [_alarm(each, zones) for each in alarms]
    if attendees:
        event["attendees"] = attendees
    return event


def _of_event(name: str, line: _Line, zones: Mapping[str, CalendarZone]) -> Any:
    if name in _STAMPS:
        return _stamp(line, zones)
    match name:
        case "categories":
            return line.value.split(",")
        case "recurrenceRule":
            return _rule(line.value)
        case "duration":
            return _duration(line.value)
        case "organizer":
            return _organizer(line)
        case "sequence":
            return js_number(line.value)
    return line.value


def _alarm(text: str, zones: Mapping[str, CalendarZone]) -> dict[str, Any]:
    alarm: dict[str, Any] = {}
    attachments, attendees = list[dict[str, Any]](), list[dict[str, Any]]()
    for line in _lines(text):
        match name := _ALARM.get(line.name):
            case None if line.name == "ATTACH":
                attachments.append(_attachment(line))
            case None if line.name == "ATTENDEE":
                attendees.append(_attendee(line))
            case None:
                continue
            case "trigger":
                alarm[name] = _trigger(line, zones)
            case "duration":
                alarm[name] = _duration(line.value)
            case "repeat":
                alarm[name] = js_number(line.value)
            case _:
                alarm[name] = line.value
    return (
        alarm | ({"attachments": attachments} if attachments else {}) | ({"attendees": attendees} if attendees else {})
    )


# --- values ---------------------------------------------------------------------------------------------------------


def _attachment(line: _Line) -> dict[str, Any]:
    if line.options.get("VALUE") == "BINARY":
        encoding = line.options.get("ENCODING") or "BASE64"
        return {"type": "binary", "encoding": encoding, "binary": line.value, "value": "BINARY"}
    return _given({"type": "uri", "url": line.value, "formatType": line.options.get("FMTTYPE")})


def _attendee(line: _Line) -> dict[str, Any]:
    options = line.options
    return _given({
        "email": _address(line.value),
        "delegatedFrom": _address(options.get("DELEGATED-FROM")),
        "dir": options.get("DIR"),
        "member": _address(options.get("MEMBER")),
        "name": options.get("CN"),
        "partstat": options.get("PARTSTAT"),
        "role": options.get("ROLE"),
        "sentBy": _address(options.get("SENT-BY")),
    })  # fmt: skip


def _organizer(line: _Line) -> dict[str, Any]:
    options = line.options
    sender = _address(options.get("SENT-BY"))
    return _given(
        {"name": options.get("CN"), "dir": options.get("DIR"), "sentBy": sender, "email": _address(line.value)}
    )


def _address(text: str | None) -> str | None:
    """Return an address without any `mailto:`, however it is written."""
    if not text and text is not None:
        return text
    if text is None:
        return None
    lower, parts, at = text.lower(), list[str](), 0
    if len(lower) != len(text):  # some letters become two: none of them is in `mailto:`
        return text.replace("mailto:", "").replace("MAILTO:", "")
    while (found := lower.find("mailto:", at)) >= 0:
        parts.append(text[at:found])
        at = found + len("mailto:")
    return "".join([*parts, text[at:]])


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _trigger(line: _Line, zones: Mapping[str, CalendarZone]) -> dict[str, Any]:
    related = _given({"related": line.options.get("RELATED")})
    if line.options.get("VALUE") in ("DATE", "DATE-TIME"):
        return {"type": "absolute", "value": _stamp(line, zones), "options": related}
    return {"type": "relative", "value": _duration(line.value), "options": related}


def _duration(text: str) -> dict[str, Any]:
    """Return `{before, days, weeks, hours, minutes, seconds}` of `-P1DT2H`, each where it is."""
    duration: dict[str, Any] = {"before": True} if text.startswith("-") else {}
    days, *times = text.removeprefix("-")[1:].split("T")
    for letter, name in (("D", "days"), ("W", "weeks")):
        if letter in days:
            number, days, *_ = days.split(letter)
            duration[name] = js_number(number)
    rest = times[0] if times else ""
    for letter, name in (("H", "hours"), ("M", "minutes"), ("S", "seconds")):
        if letter in rest:
            number, rest, *_ = rest.split(letter)
            duration[name] = js_number(number)
    return duration


def _rule(text: str) -> dict[str, Any]:
    """Return a recurrence rule; months count from 0."""
    rule: dict[str, Any] = {}
    for each in text.split(";"):
        key, value = _option(each)
        if (name := _RULE.get(key)) is not None:
            rule[name] = _of_rule(name, value)
    return rule


def _of_rule(name: str, value: str) -> Any:
    if name in _NUMBERS:
        return [js_number(each) for each in value.split(",")]
    match name:
        case "until":
            midnight = f"{value}T000000" if len(value) == len("20260401") and value.isdigit() else value
            return {"date": _iso(_time(midnight)), "type": "DATE-TIME"}
        case "byMonth":
            return [js_number(each) - 1 for each in value.split(",")]
        case "byDay":
            return [_weekday(each) for each in value.split(",")]
        case "count" | "interval":
            return js_number(value)
    return value


def _weekday(text: str) -> dict[str, Any]:
    if len(text) == len("MO"):
        return {"day": text}
    return {"day": text[-2:], "occurence": js_number(text[:-2])}


def _stamp(line: _Line, zones: Mapping[str, CalendarZone]) -> dict[str, Any]:
    """Return `{date, type, local}` of a time. Raise CalendarFileError."""
    type_ = line.options.get("VALUE") or "DATE-TIME"
    if type_ == "DATE":
        return {"date": _iso(_time(line.value[:8] + "T000000")), "type": type_}
    wall, name = _time(line.value), line.options.get("TZID")
    if not name:
        return {"date": _iso(wall), "type": type_}
    try:
        offset = offset_of(name, zones.get(name), wall)
    except ValueError as error:
        raise CalendarFileError(str(error)) from error
    if offset is None:
        return {"date": _iso(wall), "type": type_}
    date = None if wall is None else wall - timedelta(milliseconds=offset.milliseconds)
    return {"date": _iso(date), "type": type_, "local": {"date": _iso(wall), "timezone": name, "tzoffset": offset.text}}


def _time(text: str) -> datetime | None:
    """Return a time of digits (`20260302T090000Z`) as if it was in UTC; None: it is none."""
    parts = [_leading_number(text[start:end]) for start, end in ((0, 4), (4, 6), (6, 8), (9, 11), (11, 13), (13, 15))]
    if any(each is None for each in parts):
        return None
    year, month, day, *clock = (each or 0 for each in parts)
    hours, minutes, seconds = clock
    try:
        first = datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)
        return first + timedelta(days=day - 1, hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError):  # a year that no calendar of this language has
        return None


def _leading_number(text: str) -> int | None:
    """Return the number that a text begins with, as `parseInt` reads it."""
    digits = text.strip()
    while digits and not (digits.isascii() and digits.isdigit()):
        digits = digits[:-1]
    return int(digits) if digits else None


def _iso(date: datetime | None) -> str | None:
    return None if date is None else Instant(math.floor((date - _EPOCH) / timedelta(milliseconds=1)), 0, utc=True).iso()
