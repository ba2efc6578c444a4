"""Cron expressions are read as n8n reads them: several hundred forms that its library was asked about."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from runtime.values.cron_expression import cron_lines
from schemas.facts import BadScheduleError
from tests.cron_forms import BOUNDS, FORMS, CronForm

MORE_THAN_N8N = re.compile(r"\?|january|sept\b|sunday|thurs|tues|@annually|@midnight", re.IGNORECASE)
"""Forms that n8n refuses, whose meaning is plain, and that are taken."""
NEVER = re.compile(r"0 0 (30|31|30,31) (2|4|4,6) \*")
"""Forms that n8n takes, and that never fire."""
START = datetime(2027, 1, 10, 11, 7, 13, tzinfo=UTC)


def fires(lines: tuple[str, ...], at: datetime) -> bool:
    """Whether a line matches in all of its fields, as Temporal reads it."""
    now = (at.second, at.minute, at.hour, at.day, at.month, at.isoweekday() % 7)
    return any(
        all(number in numbers(field, *bounds) for number, field, bounds in zip(now, line.split(), BOUNDS, strict=True))
        for line in lines
    )


def numbers(field: str, low: int, high: int) -> set[int]:
    """Read a field as Temporal does: ranges go upwards within the field."""
    selected = set[int]()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (low, high) if span == "*" else (int(first), int(last or first))
        assert low <= start <= end <= high, f"Temporal refuses {part}"
        selected.update(range(start, end + 1, int(step or 1)))
    return selected


@pytest.mark.parametrize("form", [each for each in FORMS if each.values], ids=lambda form: repr(form.text))
def test_what_n8n_takes_fires_when_n8n_fires(form: CronForm) -> None:
    """The lines match exactly the times that n8n's library gives."""
    if NEVER.fullmatch(form.text):
        with pytest.raises(BadScheduleError, match="never fires"):
            cron_lines(form.text)
        return
    lines = cron_lines(form.text)
    seconds = [START + timedelta(seconds=each) for each in range(0, 7300, 7)]
    days = [
        START.replace(hour=hour, minute=0, second=0) + timedelta(days=each) for each in range(430) for hour in (0, 12)
    ]
    for at in (*seconds, *days):
        assert fires(lines, at) == form.fires(at), f"{lines} at {at}"


@pytest.mark.parametrize("form", [each for each in FORMS if not each.values], ids=lambda form: repr(form.text))
def test_what_n8n_refuses_is_refused_or_plain(form: CronForm) -> None:
    """A form that n8n refuses gives a reason, unless it is in the list of those that mean one thing only."""
    if MORE_THAN_N8N.search(form.text) and not re.search(r"[LW#]|\*\?|1/5|2030", form.text):
        assert cron_lines(form.text)
        return
    try:
        cron_lines(form.text)
    except BadScheduleError:
        return
    assert "?" in form.text, "taken although n8n refuses it"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("0 22-2 * * *", "22-23,0-2"),
        ("0 22-2/2 * * *", "22,0,2"),
        ("50-10 * * * *", "50-59,0-10"),
        ("0 0 28-3 * *", "28-31,1-3"),
        ("0 0 1 nov-feb *", "11-12,1-2"),
        ("0 0 * * fri-sun", "5-6,0"),
        ("0 0 * * sat-mon", "6,0-1"),
    ],
)
def test_a_range_over_the_end_of_its_field_gets_the_list_to_write(text: str, instead: str) -> None:
    """n8n refuses such a range and Temporal too, so the reason has what the author means, which both take."""
    with pytest.raises(BadScheduleError, match=re.escape(repr(instead))) as caught:
        cron_lines(text)
    assert "begins after its end" in str(caught.value)
    part = next(each for each in text.split() if "-" in each)
    assert cron_lines(text.replace(part, instead))
