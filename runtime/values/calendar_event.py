"""One event as an iCalendar file (RFC 5545), with the properties that n8n's Convert to File writes, in its order."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.values.dates import parse_date
from runtime.values.javascript import js_string

__all__ = ["CalendarError", "calendar_event"]

_FOLD: Final = 75
"""Characters of a line, the tab at the beginning of one that goes on included."""
_STATUS: Final = ("CONFIRMED", "CANCELLED", "TENTATIVE")
_BUSY: Final = ("BUSY", "TENTATIVE")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS: Final = re.compile(r"(?<![^@\s])[^@\s]+@[^@\s]+")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,63}:.", re.IGNORECASE)
_LATEST: Final = 253_402_300_799_000
"""The end of the year 9999 in milliseconds."""


class CalendarError(Exception):
    """A value that an event cannot have. The message names the field."""


def calendar_event(
    title: Any, start: Any, end: Any, fields: Mapping[str, Any], *, all_day: bool, uid: str, now: float
) -> str:
    """Return the file's text.

    Args:
        title: of the event.
        start: text of a date or milliseconds since the epoch; without a zone it is in UTC, as in n8n on a machine on UTC.
        end: as `start`; an event of whole days includes this day.
        fields: n8n's additional fields.
        all_day: whole days instead of times.
        uid: the event's id where the fields have none.
        now: milliseconds since the epoch.

    Raises:
        CalendarError: a value does not fit its field.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        "PRODID:-//tempor8//EN",
        "METHOD:PUBLISH",
        *_text("X-WR-CALNAME", fields.get("calName")),
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VEVENT",
        *_text("UID", fields.get("uid") or uid),
        *_text("SUMMARY", title),
        f"DTSTAMP:{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M00Z}",
        _time("DTSTART", start, all_day=all_day),
        _time("DTEND", end, all_day=all_day, days=1),
        *_fields(fields),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def _fields(fields: Mapping[str, Any]) -> Iterator[str]:
    if sequence := fields.get("sequence"):
        if isinstance(sequence, bool) or not isinstance(sequence, int) or sequence < 0:
            raise CalendarError(f"Sequence must be a whole number, not {js_string(sequence)!r}")
        yield f"SEQUENCE:{sequence}"
    yield from _text("DESCRIPTION", fields.get("description"))
    if url := fields.get("url"):
        yield f"URL:{_plain('URL', url, _SCHEME)}"
    if place := _only(fields, "geolocationUi", "geolocationValues"):
        yield f"GEO:{_degrees('Latitude', place.get('lat'), 90)};{_degrees('Longitude', place.get('lon'), 180)}"
    yield from _text("LOCATION", fields.get("location"))
    if status := fields.get("status"):
        yield f"STATUS:{_choice('Status', status, _STATUS)}"
    if organizer := _only(fields, "organizerUi", "organizerValues"):
        yield f"ORGANIZER;CN={_name(organizer, 'Organizer')}:mailto:{_plain('Email', organizer.get('email'), _ADDRESS)}"
    if busy := fields.get("busyStatus"):
        yield f"X-MICROSOFT-CDO-BUSYSTATUS:{_choice('Busy Status', busy, _BUSY)}"
    for each in _many(fields, "attendeesUi", "attendeeValues"):
        rsvp = "TRUE" if each.get("rsvp") else "FALSE"
        name = _name(each, "Unnamed attendee")
        yield f"ATTENDEE;RSVP={rsvp};CN={name}:mailto:{_plain('Email', each.get('email'), _ADDRESS)}"
    if rule := fields.get("recurrenceRule"):
        yield f"RRULE:{_plain('Recurrence Rule', rule)}"


def _only(fields: Mapping[str, Any], name: str, values: str) -> Mapping[str, Any]:
    collection = fields.get(name)
    entry = collection.get(values) if isinstance(collection, Mapping) else None
    return entry if isinstance(entry, Mapping) else {}


def _many(fields: Mapping[str, Any], name: str, values: str) -> list[Mapping[str, Any]]:
    collection = fields.get(name)
    entries = collection.get(values) if isinstance(collection, Mapping) else None
    return [each for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []


def _text(name: str, value: Any) -> Iterator[str]:
    """Yield a property of text, escaped (RFC 5545, 3.3.11); nothing for an empty one."""
    if value is None or value == "":
        return
    text = js_string(value).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n"))
    yield f"{name}:{text}"


def _plain(label: str, value: Any, pattern: re.Pattern[str] | None = None) -> str:
    """Return a value that is not escaped, so that it may hold no line break."""
    text = js_string(value)
    if _CONTROL.search(text) or (pattern is not None and not pattern.match(text)):
        raise CalendarError(f"{label} is invalid: {text[:100]!r}")
    return text


def _name(person: Mapping[str, Any], default: str) -> str:
    """Return a name as the value of a parameter (RFC 5545, 3.2)."""
    name = _CONTROL.sub(" ", js_string(person.get("name") or default)).replace('"', "'")
    return f'"{name}"' if any(each in name for each in ":;,") else name


def _choice(label: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise CalendarError(f"{label} must be one of {', '.join(choices)}, not {js_string(value)[:100]!r}")
    return str(value)


def _degrees(label: str, value: Any, most: int) -> str:
    try:
        number = float(js_string(value))
    except ValueError:
        number = float("nan")
    if not abs(number) <= most:
        raise CalendarError(f"{label} must be a number from -{most} to {most}, not {js_string(value)[:100]!r}")
    return f"{number:g}"


def _time(name: str, value: Any, *, all_day: bool, days: int = 0) -> str:
    """Return the line of a time, or of a day; `days` are added to a day."""
    label = {"DTSTART": "Start", "DTEND": "End"}[name]
    if isinstance(value, int | float) and not isinstance(value, bool):
        instant: float | None = value
    else:
        parsed = parse_date(js_string(value))
        instant = None if parsed is None else parsed.ms
    if instant is None or not 0 <= instant + 86_400_000 * days <= _LATEST:
        raise CalendarError(f"{label} is no date: {js_string(value)[:100]!r}")
    moment = datetime.fromtimestamp(instant / 1000, UTC)
    if all_day:
        return f"{name};VALUE=DATE:{moment + timedelta(days=days):%Y%m%d}"
    return f"{name}:{moment:%Y%m%dT%H%M00Z}"


def _fold(line: str) -> str:
    pieces = [line[:_FOLD], *(line[at : at + _FOLD - 1] for at in range(_FOLD, len(line), _FOLD - 1))]
    return "\r\n\t".join(pieces)
