"""Calendars that are read: what recorded cases do not reach, above all that a foreign file has an end."""

import pytest

from runtime.values.calendar_file import MAX_CHARACTERS, CalendarFileError, read_calendar
from runtime.values.calendar_zones import MAX_OBSERVANCES

OBSERVANCE = (
    "BEGIN:STANDARD\nDTSTART:19701101T020000\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\n"
    "TZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\n"
)
EVENT = "BEGIN:VEVENT\nDTSTART;TZID=X:20260102T090000\nEND:VEVENT\n"


def calendar(observances: int, events: int = 1) -> str:
    zone = f"BEGIN:VTIMEZONE\nTZID:X\n{OBSERVANCE * observances}END:VTIMEZONE\n"
    return f"BEGIN:VCALENDAR\n{zone}{EVENT * events}END:VCALENDAR"


def test_a_zone_of_the_file_gives_the_offset() -> None:
    (event,) = read_calendar(calendar(1))["events"]
    assert event["start"]["date"] == "2026-01-02T14:00:00.000Z"
    assert event["start"]["local"]["tzoffset"] == "-0500"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (calendar(MAX_OBSERVANCES + 1), "A time zone has more than 100 observances"),
        ("BEGIN:VCALENDAR\n" + " " * MAX_CHARACTERS, "The calendar has 8,000,016 characters, and may have 8,000,000"),
    ],
    ids=["observances", "characters"],
)
def test_a_calendar_has_limits(text: str, message: str) -> None:
    """Every time of a file looks at all observances of its zone: one product would keep a worker busy for hours."""
    with pytest.raises(CalendarFileError, match=message):
        read_calendar(text)
