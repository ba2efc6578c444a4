"""Schedules that cannot be read."""

import re
from collections.abc import Iterator
from typing import Any, Final

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import BadSchedule

SCHEDULE: Final = "n8n-nodes-base.scheduleTrigger"
CRON: Final = "n8n-nodes-base.cron"
FIELDS: Final = (
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES: Final = {
    "month": {name: number for number, name in enumerate(MONTHS, 1)},
    "day of week": {name: number for number, name in enumerate(DAYS)},
}
MACROS: Final = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
PART: Final = re.compile(r"^(\*|\?|[\w#L]+)(?:-(\w+))?(?:/(\d+))?$")


def schedules(unit: Unit) -> Iterator[Diagnostic]:
    """Every cron expression of the schedule triggers."""
    for bound in unit.bound.values():
        if bound.node.disabled or bound.node.type not in (SCHEDULE, CRON):
            continue
        for at, text in _expressions(bound.parameters, bound.node.type):
            reason = None if text.startswith("=") else cron_problem(text)
            if reason is not None:
                yield BadSchedule(at=bound.at.within("parameters", *at), schedule=text, reason=reason)


def _expressions(parameters: dict[str, Any], type_: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    group, row, field, mode = (
        ("rule", "interval", "expression", "field")
        if type_ == SCHEDULE
        else ("triggerTimes", "item", "cronExpression", "mode")
    )
    outer = parameters.get(group)
    rows = outer.get(row) if isinstance(outer, dict) else None
    for index, each in enumerate(rows if isinstance(rows, list) else []):
        custom = isinstance(each, dict) and each.get(mode) in ("cronExpression", "custom")
        text = each.get(field) if custom else None
        if isinstance(text, str):
            yield (group, row, index, field), text


def cron_problem(text: str) -> str | None:
    """Why a cron expression cannot be read; None when it can. Five fields, or six with seconds first."""
    if text.strip().lower() in MACROS:
        return None
    parts = text.split()
    if len(parts) not in (5, 6):
        return f"{len(parts)} fields instead of five or six"
    for (name, low, high), part in zip(FIELDS[6 - len(parts) :], parts, strict=True):
        for each in part.split(","):
            if not _fits(each.lower(), name, low, high):
                return f"{each!r} is no {name}"
    return None


def _fits(part: str, name: str, low: int, high: int) -> bool:
    match = PART.match(part)
    if match is None:
        return False
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        return False
    numbers = [_number(each, name) for each in (first, last) if each not in (None, "*", "?")]
    special = name in ("day of month", "day of week") and ("l" in part or "#" in part or "w" in part)
    return special or all(number is not None and low <= number <= high for number in numbers)


def _number(text: str, name: str) -> int | None:
    return int(text) if text.isdigit() else NAMES.get(name, {}).get(text[:3])
