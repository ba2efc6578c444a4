"""Convert to File, operation iCal: the lines that n8n 2.41.1 writes, and values that no event can have."""

from typing import Any

import pytest

from runtime.values.calendar_event import CalendarError, calendar_event

HEAD = ["BEGIN:VCALENDAR", "VERSION:2.0", "CALSCALE:GREGORIAN", "PRODID:-//tempor8//EN", "METHOD:PUBLISH"]
START, END = "2026-01-02T10:00:00", "2026-01-02T11:00:00"
NOW = 1_796_022_642_000  # 2026-11-30T07:10:42Z


def event(
    title: Any = "Meet", start: Any = START, end: Any = END, *, all_day: bool = False, **fields: Any
) -> list[str]:
    """Return the lines between the stamp and the end of an event."""
    text = calendar_event(title, start, end, fields, all_day=all_day, uid="u-1", now=NOW)
    assert text.endswith("END:VEVENT\r\nEND:VCALENDAR\r\n")
    lines = text.split("\r\n")
    return lines[next(i for i, each in enumerate(lines) if each.startswith("DTSTAMP")) + 1 : -3]


def test_a_plain_event() -> None:
    text = calendar_event("Meet", START, END, {}, all_day=False, uid="u-1", now=NOW)
    assert text.split("\r\n") == [
        *HEAD, "X-PUBLISHED-TTL:PT1H", "BEGIN:VEVENT", "UID:u-1", "SUMMARY:Meet", "DTSTAMP:20261130T071000Z",
        "DTSTART:20260102T100000Z", "DTEND:20260102T110000Z", "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip


TIMES: list[tuple[str, Any, Any, bool, list[str]]] = [
    ("an offset", "2026-07-02T10:00:00+05:00", "2026-07-02T11:30:00.000Z", False, ["DTSTART:20260702T050000Z", "DTEND:20260702T113000Z"]),
    ("a day", "2026-07-02", "2026-07-03", False, ["DTSTART:20260702T000000Z", "DTEND:20260703T000000Z"]),
    ("a blank in place of T", "2026-07-02 10:00", "2026-07-02 11:00", False, ["DTSTART:20260702T100000Z", "DTEND:20260702T110000Z"]),
    ("milliseconds", 0, 3600000, False, ["DTSTART:19700101T000000Z", "DTEND:19700101T010000Z"]),
    ("the last day is included", START, "2026-01-03T11:00:00", True, ["DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260104"]),
    ("one whole day", START, START, True, ["DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260103"]),
    ("an end before the start stays", START, "2026-01-01T00:00:00", False, ["DTSTART:20260102T100000Z", "DTEND:20260101T000000Z"]),
]  # fmt: skip


@pytest.mark.parametrize(("about", "start", "end", "all_day", "lines"), TIMES, ids=[each[0] for each in TIMES])
def test_times_are_written_in_utc(about: str, start: Any, end: Any, lines: list[str], *, all_day: bool) -> None:
    assert event(start=start, end=end, all_day=all_day) == lines, about


def test_every_field_in_n8ns_order() -> None:
    people = [{"name": "A B", "email": "a@b.example", "rsvp": True}, {"name": "C: D", "email": "c@d.example"}]
    lines = event(
        attendeesUi={"attendeeValues": people}, busyStatus="BUSY", description="Line1\nLine, 2; x", location="Room, 1",
        recurrenceRule="FREQ=DAILY;COUNT=3", organizerUi={"organizerValues": {"name": "", "email": "o@x.example"}}, sequence=2,
        status="CONFIRMED", url="https://x.example/a", geolocationUi={"geolocationValues": {"lat": "1.5", "lon": "-2.25"}},
    )[2:]  # fmt: skip
    assert lines == [
        "SEQUENCE:2", "DESCRIPTION:Line1\\nLine\\, 2\\; x", "URL:https://x.example/a", "GEO:1.5;-2.25", "LOCATION:Room\\, 1",
        "STATUS:CONFIRMED", "ORGANIZER;CN=Organizer:mailto:o@x.example", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "ATTENDEE;RSVP=TRUE;CN=A B:mailto:a@b.example", 'ATTENDEE;RSVP=FALSE;CN="C: D":mailto:c@d.example',
        "RRULE:FREQ=DAILY;COUNT=3",
    ]  # fmt: skip


def test_long_lines_are_folded_as_n8n_folds_them() -> None:
    text = calendar_event("T" * 100 + "ü" * 60, START, END, {}, all_day=False, uid="u", now=NOW)
    assert f"SUMMARY:{'T' * 67}\r\n\t{'T' * 33}{'ü' * 41}\r\n\t{'ü' * 19}\r\nDTSTAMP" in text


REFUSED: list[dict[str, Any]] = [
    {"start": "nope"}, {"end": None}, {"start": "0000-01-01"}, {"end": 1e300}, {"status": "X"}, {"url": "notaurl"},
    {"url": "https://x\r\nATTENDEE:mailto:e@x"}, {"recurrenceRule": "FREQ=DAILY\nX:1"}, {"sequence": "2"}, {"sequence": -1},
    {"organizerUi": {"organizerValues": {"email": "nope"}}}, {"attendeesUi": {"attendeeValues": [{"email": "a@b\r\nX:1"}]}},
    {"geolocationUi": {"geolocationValues": {"lat": "91", "lon": "0"}}}, {"geolocationUi": {"geolocationValues": {"lat": "x"}}},
    {"busyStatus": ["BUSY"]},
]  # fmt: skip


@pytest.mark.parametrize("values", REFUSED, ids=str)
def test_what_an_event_cannot_have_is_refused_in_words(values: dict[str, Any]) -> None:
    """n8n fails here with an empty message."""
    with pytest.raises(CalendarError, match=r"."):
        event(**values)


def test_text_cannot_break_out_of_its_line() -> None:
    lines = event(description="a\r\nATTENDEE:x\rb\x0bc", location="\\")
    assert lines[2:] == ["DESCRIPTION:a\\nATTENDEE:x\\nb c", "LOCATION:\\\\"]
