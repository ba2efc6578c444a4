"""The times at which schedule nodes fire: n8n's rules as crontab lines or fixed intervals, which Temporal schedules."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from runtime.values.cron_expression import cron_lines
from schemas.facts import BadScheduleError
from schemas.plan import Firing

__all__ = ["BadScheduleError", "Firing", "cron_row", "firings", "interval", "poll_row", "problems", "schedule_row"]

DAY_SECONDS: Final = 86_400
MAX_INTERVAL_DAYS: Final = 10_000
"""Temporal counts intervals from 1970 and looks no further than the year 2099."""

Reader = Callable[[Mapping[str, Any], int], Iterator[Firing]]
"""(a row of a schedule node, the second at which it fires) -> its firings."""


def firings(group: Any, rows: str, read: Reader, name: str) -> list[Firing]:
    """Return the firings of all rows of a schedule node. `name` is the node's: it decides the second, as n8n spreads its
    schedules at random.

    Args:
        group: the parameter that holds the rows.
        rows: the member of `group` that is the list of rows.
        read: reads one row.
        name: the node's name.

    Raises:
        BadScheduleError: a row cannot be read or never fires.
    """
    second = zlib.crc32(name.encode()) % 60
    return [firing for row in _rows(group, rows) for firing in read(row, second)]


def problems(group: Any, rows: str, read: Reader) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield (place below the group, what is written there, why it is no schedule) of each row that cannot be read; a row with
    an expression in it is left out.
    """
    for i, row in enumerate(_rows(group, rows)):
        if any(isinstance(value, str) and value.startswith("=") for value in row.values()):
            continue
        try:
            list(read(row, 0))
        except BadScheduleError as error:
            field = next((each for each in ("expression", "cronExpression") if each in row), None)
            place = (rows, i) if field is None else (rows, i, field)
            yield place, str(row[field] if field else row.get("field") or row.get("mode") or ""), str(error)


def _rows(group: Any, name: str) -> list[Mapping[str, Any]]:
    rows = group.get(name) if isinstance(group, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def poll_row(row: Mapping[str, Any], second: int) -> Iterator[Firing]:
    """Read a row of a polling trigger's `pollTimes`. Raise BadScheduleError for one more often than once a minute."""
    for firing in cron_row(row, second):
        if any(line.startswith("*") for line in firing.crons):
            raise BadScheduleError("the polling interval is too short, it has to be at least a minute")
        yield firing


def interval(amount: Any, unit: Any) -> Firing:
    """Read the parameters of the Interval node. Raise BadScheduleError."""
    seconds = {"seconds": 1, "minutes": 60, "hours": 3600}.get(str(unit), 1)
    return Firing(every=_whole(amount, "interval", 1, MAX_INTERVAL_DAYS * DAY_SECONDS // seconds) * seconds)


def schedule_row(row: Mapping[str, Any], second: int) -> Iterator[Firing]:
    """Read a row of the Schedule Trigger's `rule`. Raise BadScheduleError."""
    field = row.get("field", "days")
    minute = _whole(row.get("triggerAtMinute", 0), "minute", 0, 59)
    hour = _whole(row.get("triggerAtHour", 0), "hour", 0, 23)
    every = _whole(
        row.get(f"{field}Interval", {"seconds": 30, "minutes": 5}.get(str(field), 1)), f"{field} interval", 1, 10_000
    )
    match field:
        case "seconds":
            yield Firing(crons=(f"*/{min(every, 59)} * * * * *",))
        case "minutes":
            yield Firing(crons=(f"{second} */{min(every, 59)} * * * *",))
        case "hours":
            yield Firing(crons=(f"{second} {minute} */{min(every, 23)} * * *",))
        case "days":
            at = f"{second} {minute} {hour} * * *"
            yield Firing(crons=(at,)) if every == 1 else _apart(every, hour, minute, second)
        case "weeks":
            days = [_whole(day, "day of the week", 0, 7) % 7 for day in row.get("triggerAtDay") or [0]]
            if every == 1:
                yield Firing(crons=(f"{second} {minute} {hour} * * {','.join(map(str, days))}",))
                return
            for day in days:
                yield _apart(7 * every, hour, minute, second, shift=(day - 4) % 7)  # 1970 began on a Thursday
        case "months":
            day = _whole(row.get("triggerAtDayOfMonth", 1), "day of the month", 1, 31)
            yield Firing(crons=(f"{second} {minute} {hour} {day} */{min(every, 12)} *",))
        case "cronExpression":
            yield Firing(crons=cron_lines(str(row.get("expression", ""))))
        case _:
            raise BadScheduleError(f"the interval {field!r} does not exist")


def _apart(days: int, hour: int, minute: int, second: int, shift: int = 0) -> Firing:
    """Every so many days, counted from 1970: which of the days it is stays the same whatever is published again."""
    if days > MAX_INTERVAL_DAYS:
        raise BadScheduleError(f"an interval of {days} days is longer than {MAX_INTERVAL_DAYS} days")
    return Firing(every=days * DAY_SECONDS, offset=shift * DAY_SECONDS + hour * 3600 + minute * 60 + second)


def cron_row(row: Mapping[str, Any], second: int) -> Iterator[Firing]:
    """Read a row of the Cron node's `triggerTimes`. Raise BadScheduleError."""
    mode = row.get("mode", "everyDay")
    minute = _whole(row.get("minute", 0), "minute", 0, 59)
    hour = _whole(row.get("hour", 14), "hour", 0, 23)
    match mode:
        case "everyMinute":
            yield Firing(crons=(f"{second} * * * * *",))
        case "everyHour":
            yield Firing(crons=(f"{second} {minute} * * * *",))
        case "everyDay":
            yield Firing(crons=(f"{second} {minute} {hour} * * *",))
        case "everyWeek":
            day = _whole(row.get("weekday", 1), "weekday", 0, 7) % 7
            yield Firing(crons=(f"{second} {minute} {hour} * * {day}",))
        case "everyMonth":
            day = _whole(row.get("dayOfMonth", 1), "day of the month", 1, 31)
            yield Firing(crons=(f"{second} {minute} {hour} {day} * *",))
        case "everyX":
            value, unit = _whole(row.get("value", 2), "value", 1, 1000), row.get("unit", "hours")
            every = f"*/{min(value, 59)} *" if unit == "minutes" else f"0 */{min(value, 23)}"
            yield Firing(crons=(f"{second} {every} * * *",))
        case "custom":
            yield Firing(crons=cron_lines(str(row.get("cronExpression", "* * * * * *"))))
        case _:
            raise BadScheduleError(f"the mode {mode!r} does not exist")


def _whole(value: Any, what: str, low: int, high: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise BadScheduleError(f"the {what} {value!r} is not a number") from None
    if not low <= number <= high:
        raise BadScheduleError(f"the {what} {number} is not between {low} and {high}")
    return number
