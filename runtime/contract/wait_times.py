"""Until when a step waits: intervals, moments and limits of time, as n8n's parameters say them."""

import math
from typing import Any, Final

from runtime.contract.context import DurableContext
from runtime.contract.errors import NodeError
from runtime.values.dates import parse_date
from runtime.values.javascript import js_number

__all__ = ["SECONDS", "interval", "limit", "moment"]

SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}


def limit(context: DurableContext, kind: Any, amount: Any, unit: Any, date: Any) -> float:
    """Return the end of a wait that has a limit, in milliseconds since the epoch. Raise NodeError."""
    if kind == "atSpecifiedTime" and isinstance(date, int | float) and not isinstance(date, bool):
        return float(date)
    if kind == "atSpecifiedTime":
        return moment(date, context.timezone, context.now)
    return context.now + 1000 * interval(amount, unit)


def interval(amount: Any, unit: Any) -> float:
    """Return the interval in seconds. Raise NodeError with n8n's words."""
    if not isinstance(unit, str) or unit not in SECONDS:
        raise NodeError("Invalid wait unit. Valid units are 'seconds', 'minutes', 'hours', or 'days'.")
    number = math.nan if amount is None else js_number(amount)
    if number < 0 or number != number:  # noqa: PLR0124 - NaN
        raise NodeError("Invalid wait amount. Please enter a number that is 0 or greater.")
    return float(number * SECONDS[unit])


def moment(value: Any, timezone: str, now: float) -> float:
    """Return the moment in milliseconds since the epoch. Raise NodeError with n8n's words."""
    at = parse_date(value, timezone, now) if isinstance(value, str) else None
    if at is None:
        raise NodeError(
            "Cannot put execution to wait because `dateTime` parameter is not a valid date. "
            "Please pick a specific date and time to wait until."
        )
    return float(at.ms)
