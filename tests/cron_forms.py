"""Cron expressions as the library of n8n reads them, for comparison: `tests/unit/values/cron_forms.tsv`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

__all__ = ["FORMS", "CronForm"]

FILE: Final = Path(__file__).parent / "unit" / "values" / "cron_forms.tsv"
BOUNDS: Final = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@dataclass(frozen=True)
class CronForm:
    """An expression and the values of its six fields; no values where n8n refuses it."""

    text: str
    values: tuple[frozenset[int], ...]

    def fires(self, at: datetime) -> bool:
        """Whether n8n fires then: a day of the month or a day of the week is enough where both are restricted."""
        second, minute, hour, day, month, weekday = self.values
        if at.second not in second or at.minute not in minute or at.hour not in hour or at.month not in month:
            return False
        by_day, by_weekday = at.day in day, at.isoweekday() % 7 in weekday
        if len(day) < 31 and len(weekday) < 7:
            return by_day or by_weekday
        return by_day and by_weekday

    def times(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Yield every time from `first` to `last` at which n8n fires."""
        day = first.replace(hour=0, minute=0, second=0, microsecond=0)
        clock = [
            timedelta(hours=hour, minutes=minute, seconds=second)
            for hour in sorted(self.values[2])
            for minute in sorted(self.values[1])
            for second in sorted(self.values[0])
        ]
        while day <= last:
            for each in clock:
                at = day + each
                if first <= at <= last and self.fires(at):
                    yield at
            day += timedelta(days=1)


def _read() -> Iterator[CronForm]:
    for line in FILE.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            text, _, fields = line.partition("\t")
            yield CronForm(json.loads(text), () if fields == "refused" else _values(fields))


def _values(fields: str) -> tuple[frozenset[int], ...]:
    return tuple(
        frozenset(number for part in field.split(",") for number in _range(part, *bounds))
        for field, bounds in zip(fields.split(" "), BOUNDS, strict=True)
    )


def _range(part: str, low: int, high: int) -> range:
    first, _, last = part.partition("-")
    return range(low, high + 1) if part == "*" else range(int(first), int(last or first) + 1)


FORMS: Final = tuple(_read())
