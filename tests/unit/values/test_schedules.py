"""n8n's rules as lines that Temporal reads."""

from typing import Any

import pytest

from runtime.values.schedules import BadScheduleError, Firing, cron_row, firings, interval, problems, schedule_row

SECOND = 55
"""Of a node named X: the second is decided by the name."""

RULES: list[tuple[str, dict[str, Any], Firing]] = [
    ("every day at midnight unless told otherwise", {}, Firing(crons=(f"{SECOND} 0 0 * * *",))),
    ("seconds", {"field": "seconds"}, Firing(crons=("*/30 * * * * *",))),
    ("minutes", {"field": "minutes", "minutesInterval": 10}, Firing(crons=(f"{SECOND} */10 * * * *",))),
    ("hours", {"field": "hours", "hoursInterval": 6, "triggerAtMinute": 15}, Firing(crons=(f"{SECOND} 15 */6 * * *",))),
    (
        "weekdays",
        {"field": "weeks", "triggerAtDay": [1, 7], "triggerAtHour": 8},
        Firing(crons=(f"{SECOND} 0 8 * * 1,0",)),
    ),
    (
        "months",
        {"field": "months", "monthsInterval": 3, "triggerAtDayOfMonth": 2},
        Firing(crons=(f"{SECOND} 0 0 2 */3 *",)),
    ),
    ("every third day", {"field": "days", "daysInterval": 3, "triggerAtHour": 1}, Firing(every=259_200, offset=3655)),
    ("five fields", {"field": "cronExpression", "expression": "0 9 * * 1-5"}, Firing(crons=("0 0 9 * * 1-5",))),
    (
        "six fields",
        {"field": "cronExpression", "expression": "5/20 0 9 * JAN,mar ?"},
        Firing(crons=("5-59/20 0 9 * 1,3 *",)),
    ),
    ("a macro", {"field": "cronExpression", "expression": "@daily"}, Firing(crons=("0 0 0 * * *",))),
    ("Sunday as 7", {"field": "cronExpression", "expression": "0 0 * * 5-7"}, Firing(crons=("0 0 0 * * 0,5-6",))),
    (
        "a day of the month or one of the week",
        {"field": "cronExpression", "expression": "0 0 1 * MON"},
        Firing(crons=("0 0 0 1 * *", "0 0 0 * * 1")),
    ),
]


@pytest.mark.parametrize(("row", "expected"), [each[1:] for each in RULES], ids=[each[0] for each in RULES])
def test_a_rule_of_the_schedule_trigger(row: dict[str, Any], expected: Firing) -> None:
    assert firings({"interval": [row]}, "interval", schedule_row, "X") == [expected]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"mode": "everyMinute"}, Firing(crons=(f"{SECOND} * * * * *",))),
        ({"mode": "everyWeek", "hour": 7, "minute": 30, "weekday": "2"}, Firing(crons=(f"{SECOND} 30 7 * * 2",))),
        ({"mode": "everyX", "value": 3, "unit": "minutes"}, Firing(crons=(f"{SECOND} */3 * * * *",))),
        ({"mode": "custom", "cronExpression": "*/10 * * * * *"}, Firing(crons=("*/10 * * * * *",))),
    ],
)
def test_a_rule_of_the_old_cron_node(row: dict[str, Any], expected: Firing) -> None:
    assert firings({"item": [row]}, "item", cron_row, "X") == [expected]


def test_an_interval_of_the_old_node() -> None:
    assert interval(2, "hours") == Firing(every=7200)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6 *", "never fires"),
        ("61 * * * *", "'61' is not a valid minute"),
        ("* * *", "3 fields instead of five or six"),
        ("0 0 L * *", "L, W and # are not supported"),
        ("0 0 * * 2#1", "L, W and # are not supported"),
        ("*/0 * * * *", "is not a valid minute"),
        ("", "0 fields"),
    ],
)
def test_a_cron_expression_that_is_none(text: str, reason: str) -> None:
    rule = {"interval": [{"field": "cronExpression", "expression": text}]}
    with pytest.raises(BadScheduleError, match=reason):
        firings(rule, "interval", schedule_row, "X")
    ((place, shown, message),) = problems(rule, "interval", schedule_row)
    assert (place, shown) == (("interval", 0, "expression"), text)
    assert reason in message


@pytest.mark.parametrize("amount", [0, 240_001, 1 << 62])
def test_an_interval_that_temporal_does_not_take(amount: int) -> None:
    """No interval is zero or so long that no time of it is left."""
    with pytest.raises(BadScheduleError, match="is not between 1 and 240000"):
        interval(amount, "hours")
    with pytest.raises(BadScheduleError, match="longer than 10000 days"):
        list(schedule_row({"field": "weeks", "weeksInterval": 1429}, 0))
